use kitchen_contract::id::CustomerId;
use kitchen_contract::time::Timestamp;
use secrecy::SecretString;
use sqlx::Row;

use super::write::{TenantRow, UserRow};
use super::*;

fn now() -> Timestamp {
    "2026-01-11T10:30:00.000Z".parse().unwrap()
}

async fn open(dir: &tempfile::TempDir) -> Accounts {
    Accounts::open(&dir.path().join("data/accounts.sqlite")).await.unwrap()
}

fn tenant(id: &str) -> TenantRow {
    TenantRow { id: id.parse().unwrap(), name: format!("Customer {id}"), slug: id.to_owned() }
}

fn user(id: &str, role: Role, customer: Option<&str>) -> UserRow {
    UserRow {
        id: id.parse().unwrap(),
        email: format!("{id}@example.ae").parse().unwrap(),
        name: None,
        password_hash: "hash".to_owned(),
        role,
        customer_id: customer.map(|id| id.parse().unwrap()),
    }
}

async fn filled(dir: &tempfile::TempDir) -> Accounts {
    let accounts = open(dir).await;
    let users = [user("u-owner", Role::Owner, Some("cust-a")), user("u-admin", Role::Admin, None)];
    accounts.put(&[tenant("cust-a"), tenant("cust-b")], &users, now()).await.unwrap();
    accounts
}

async fn acting(accounts: &Accounts, user: &str, customer: Option<&str>) -> Option<(Option<CustomerId>, Role)> {
    let customer = customer.map(|id| id.parse().unwrap());
    let identity = accounts.identity(&user.parse().unwrap(), customer.as_ref()).await.unwrap();
    identity.map(|identity| (identity.customer_id, identity.role))
}

#[tokio::test]
async fn a_member_acts_for_their_own_customer_only_and_an_admin_needs_none() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = filled(&dir).await;
    let own: CustomerId = "cust-a".parse().unwrap();
    assert_eq!(acting(&accounts, "u-owner", Some("cust-a")).await, Some((Some(own), Role::Owner)));
    assert_eq!(acting(&accounts, "u-owner", Some("cust-b")).await, None);
    assert_eq!(acting(&accounts, "u-owner", None).await, None);
    assert_eq!(acting(&accounts, "u-admin", None).await, Some((None, Role::Admin)));
    assert_eq!(acting(&accounts, "nobody", Some("cust-a")).await, None);
}

#[tokio::test]
async fn whoever_is_switched_off_is_out_at_once() {
    for statement in [
        "UPDATE users SET status = 'SUSPENDED'",
        "UPDATE tenant_memberships SET status = 'INACTIVE'",
        "UPDATE tenants SET status = 'INACTIVE'",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let accounts = filled(&dir).await;
        sqlx::query(statement).execute(&accounts.pool).await.unwrap();
        assert_eq!(acting(&accounts, "u-owner", Some("cust-a")).await, None, "{statement}");
    }
}

#[tokio::test]
async fn an_address_is_found_however_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = filled(&dir).await;
    let found = accounts.credentials(&" U-Owner@Example.AE ".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(found.user_id.as_str(), "u-owner");
    assert_eq!(accounts.home(&found).await.unwrap(), Some("cust-a".parse().unwrap()));
    assert!(accounts.credentials(&"other@example.ae".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn writing_twice_changes_nothing_and_a_conflict_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = filled(&dir).await;
    accounts.put(&[tenant("cust-a")], &[user("u-owner", Role::Owner, Some("cust-a"))], now()).await.unwrap();
    let count = sqlx::query("SELECT count(*) FROM tenant_memberships").fetch_one(&accounts.pool).await.unwrap();
    assert_eq!(count.get::<i64, _>(0), 1);
    let mut twin = user("u-twin", Role::Staff, Some("cust-c"));
    twin.email = "U-OWNER@example.ae".parse().unwrap();
    assert!(accounts.put(&[tenant("cust-c")], &[twin], now()).await.is_err());
    let rows = sqlx::query("SELECT id FROM tenants WHERE id = 'cust-c'").fetch_all(&accounts.pool).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn a_database_reopens_with_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir).await.close().await;
    assert!(acting(&open(&dir).await, "u-admin", None).await.is_some());
}

#[test]
fn passwords_keep_the_policy() {
    let new = |text: &str| NewPassword::new(SecretString::from(text)).map(drop);
    for (password, fits) in [
        ("1234567".to_owned(), false),
        ("12345678".to_owned(), true),
        ("ümläüte8".to_owned(), true),
        ("x".repeat(71), true),
        ("x".repeat(72), false),
        ("ü".repeat(36), false),
    ] {
        assert_eq!(new(&password).is_ok(), fits, "{password}");
    }
}

#[test]
fn long_passwords_that_differ_at_the_end_are_different() {
    let passwords = Passwords::cheap_for_tests();
    for length in [70, 71] {
        let right = "ä".repeat(length / 2 - 1) + &"x".repeat(length % 2 + 2);
        let hash = passwords.hash(&NewPassword::new(SecretString::from(right.as_str())).unwrap());
        assert!(Passwords::matches(&SecretString::from(right.as_str()), &hash));
        for wrong in [format!("{right}y"), format!("{right}{}", "y".repeat(40)), right[..right.len() - 2].to_owned()] {
            assert!(!Passwords::matches(&SecretString::from(wrong.as_str()), &hash), "{wrong}");
        }
    }
}

#[tokio::test]
async fn nobody_has_no_password_and_production_uses_cost_12() {
    let passwords = Passwords::cheap_for_tests();
    assert_eq!(passwords.verify(SecretString::from("12345678"), None).await, Ok(false));
    let hash = passwords.hash(&NewPassword::new(SecretString::from("12345678")).unwrap());
    assert_eq!(passwords.verify(SecretString::from("12345678"), Some(hash)).await, Ok(true));
    let real = Passwords::default().hash(&NewPassword::new(SecretString::from("12345678")).unwrap());
    assert!(real.starts_with("$2b$12$"), "{real}");
}

#[test]
fn the_dummy_hash_is_one_that_bcrypt_computes() {
    let dummy = format!("$2b$04${}", ".".repeat(53));
    assert_eq!(bcrypt::verify("anything", &dummy).ok(), Some(false));
}
