//! Lists and folders agree: a file of a family that is not in its list is dead code nobody notices.

use std::collections::BTreeSet;
use std::path::Path;

use chancery::admin::import;
use chancery::crypto::algorithm::ALGORITHMS;
use chancery::crypto::slow_hash::FORMATS;
use chancery::domain::application::{AuthMethod, GrantType};
use chancery::oauth::client_auth::METHODS;
use chancery::oauth::grant::GRANTS;
use chancery::store::BACKENDS;

/// The names of the files and folders below `folder`, but for `mod` and those that are no member of the family.
fn members(folder: &str, helpers: &[&str]) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "mod" && !helpers.contains(&name.as_str()))
        .collect()
}

fn set(names: impl IntoIterator<Item = &'static str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_authentication_method_is_in_the_list() {
    let listed = set(METHODS.iter().map(|method| method.method().as_str()));
    assert_eq!(members("oauth/client_auth", &["guesses", "imported", "secret"]), listed);
    assert_eq!(set(AuthMethod::ALL.map(AuthMethod::as_str)), listed);
}

#[test]
fn every_format_of_another_server_is_in_the_list() {
    let listed = set(import::FORMATS.iter().map(|format| format.name));
    assert_eq!(members("admin/import", &["client", "json", "take"]), listed);
}

#[test]
fn every_grant_is_in_the_list() {
    assert_eq!(members("oauth/grant", &[]), set(GRANTS.iter().map(|grant| grant.grant_type().as_str())));
    assert_eq!(GrantType::ALL[0], GRANTS[0].grant_type());
}

#[test]
fn every_algorithm_family_is_in_the_list() {
    let families = ALGORITHMS.iter().map(|algorithm| match &algorithm.name()[..2] {
        "RS" | "PS" => "rsa",
        "ES" => "ecdsa",
        "Ed" => "ed25519",
        "ML" => "ml_dsa",
        other => panic!("{other} belongs to no family known here"),
    });
    assert_eq!(members("crypto/algorithm", &[]), set(families));
}

#[test]
fn every_family_of_slow_hashes_is_in_the_list() {
    let listed = set(FORMATS.iter().map(|format| format.name()));
    assert_eq!(members("crypto/slow_hash", &["encoded", "tests"]), listed);
}

#[test]
fn every_store_is_in_the_list() {
    assert_eq!(
        members("store", &["cached", "copy", "error", "noticed", "registry", "stored", "suite"]),
        set(BACKENDS.iter().map(|(scheme, _)| *scheme))
    );
}

#[test]
fn every_setting_is_in_the_manual() {
    let manual =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operate/configure.md"))
            .unwrap();
    for setting in chancery::config::SETTINGS {
        assert!(manual.contains(&format!("| `{}` |", setting.name)), "{} is missing", setting.name);
        assert!(
            manual.contains(&format!("`{}`", setting.environment())),
            "{} is missing",
            setting.environment()
        );
    }
}
