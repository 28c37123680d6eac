//! `[[tenants]]` and `[[users]]` of a seed file.

use std::path::Path;

use kitchen_contract::id::CustomerId;
use secrecy::SecretString;

use crate::accounts::write::TenantRow;
use crate::accounts::{NewPassword, Role};
use crate::document::{Refusal, Section, value};
use crate::seed::plan::SeedUser;
use crate::seed::read::Named;
use crate::seed::values::{reference, short_text};

/// `[[tenants]]`.
pub(super) fn tenant(section: &mut Section<'_>) -> Option<TenantRow> {
    let id: Option<CustomerId> = section.required("id", value::parsed);
    let name = section.required("name", short_text);
    let slug = section.optional("slug", short_text);
    let id = id?;
    let slug = slug.unwrap_or_else(|| id.to_string());
    Some(TenantRow { id, name: name?, slug })
}

/// `[[users]]`.
pub(super) fn user(section: &mut Section<'_>, named: &Named) -> Option<SeedUser> {
    let id = section.required("id", value::parsed);
    let email = section.required("email", value::parsed);
    let name = section.optional("name", short_text);
    let role: Option<Role> = section.required("role", value::parsed);
    let password = password(section);
    let tenant = match role {
        Some(Role::Admin) => {
            let given: Option<CustomerId> = section.optional("tenant", value::parsed);
            if given.is_some() {
                section.refuse(section.spot("tenant"), Refusal::new("an admin belongs to no tenant"));
            }
            None
        }
        _ => Some(reference(section, "tenant", &named.tenants)?),
    };
    Some(SeedUser { id: id?, email: email?, name, role: role?, tenant, password: password? })
}

/// From `password`, or from the file that `password_file` names.
fn password(section: &mut Section<'_>) -> Option<NewPassword> {
    let given = section.secret("password");
    let file = section.path("password_file");
    let (key, text) = match (given, file) {
        (Some(text), None) => ("password", text),
        (None, Some(file)) => ("password_file", password_file(section, &file)?),
        (Some(_), Some(_)) | (None, None) => {
            section.refuse(section.spot("password"), Refusal::new("give either `password` or `password_file`"));
            return None;
        }
    };
    let password = NewPassword::new(text);
    password.map_err(|error| section.refuse(section.spot(key), Refusal::new(error))).ok()
}

fn password_file(section: &Section<'_>, file: &Path) -> Option<SecretString> {
    match std::fs::read_to_string(file) {
        Ok(text) => Some(SecretString::from(text.trim_end_matches(['\r', '\n']))),
        Err(error) => {
            let refusal = Refusal::new(format!("cannot read `{}`: {error}", file.display()));
            section.refuse(section.spot("password_file"), refusal);
            None
        }
    }
}
