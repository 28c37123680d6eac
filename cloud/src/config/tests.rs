use std::path::Path;

use super::*;
use crate::document::Document;
use crate::report::describe;

fn check(text: &str) -> String {
    match Document::from_text(Path::new("cloud.toml"), text).read(read::config) {
        Ok(config) => format!("{config:#?}"),
        Err(problems) => describe(&problems),
    }
}

#[test]
fn an_empty_file_gives_the_documented_defaults() {
    insta::assert_snapshot!(check(""));
}

#[test]
fn all_problems_are_named_at_once_with_place_and_advice() {
    insta::assert_snapshot!(check(
        r#"
[stor]
path = "x"

[pki]
names = ["good.example", "bad name", 7]
gateway_validity = "5m"

[endpoint]
enabled = "yes"
listen = "8883"

[broker]
port = 70000

[api]
lisen = "127.0.0.1:80"
listen = "0.0.0.0:8080"
token_lifetime = "25h"

[metrics]
listen = "192.168.1.1:9464"

[log]
format = "xml"
level = "verbose"
"#
    ));
}

#[test]
fn a_file_that_is_not_toml_is_an_error() {
    insta::assert_snapshot!(check("[api\nlisten = \n"));
}

#[test]
fn a_proxy_allows_an_address_that_others_can_reach() {
    assert!(check("[api]\nlisten = \"0.0.0.0:80\"\nbehind_tls_proxy = true\n").starts_with("Config"));
}

#[test]
fn store_and_accounts_need_different_files() {
    insta::assert_snapshot!(check("[store]\npath = \"one\"\n[accounts]\npath = \"one\"\n"));
}

#[test]
fn the_example_file_is_valid_and_says_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/cloud.toml");
    let example = Config::load(&path).map_err(|problems| describe(&problems)).unwrap();
    let empty = Document::from_text(&path, "").read(read::config).unwrap();
    assert_eq!(format!("{example:#?}"), format!("{empty:#?}"));
}
