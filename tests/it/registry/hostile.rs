//! Files that are attacks, or no registry at all: refused in a moment, with where it is.

use std::fmt::Write;

use chancery::admin::registry::{Options, read};
use chancery::crypto::random::SystemRandom;
use chancery::crypto::secret::Secret;

use super::Registry;

fn refused(bytes: &[u8]) -> String {
    let text = read(bytes).unwrap_err().to_string();
    assert!(text.lines().count() == 2 && text.len() < 500, "{text}");
    text.lines().nth(1).unwrap().trim_start().to_owned()
}

#[test]
fn what_is_no_registry_is_refused_with_the_place() {
    for (text, told) in [
        ("", "line 1"),
        ("# nothing\n", "line 2"),
        ("x", "line 1"),
        ("[]", "line 1"),
        ("tenants: 5", "tenants: "),
        ("tenant: []", "unknown field `tenant`"),
        ("{}", "missing field `tenants`"),
        ("tenants:\n\t- name: a", "line 2, column 2"),
        ("tenants: [", "line 1"),
        ("tenants: []\ntenants: []", "line 2, column 1: duplicate"),
        ("tenants: [{name: a, name: b}]", "duplicate"),
        (
            "tenants: [{name: a, issuer: b, applications: [{client_id: a, name: a, claims: {a: 1, a: 2}}]}]",
            "duplicate",
        ),
        ("tenants: []\n---\ntenants: []", "line 2"),
        ("tenants: [{name: !!binary aGFsbG8=, issuer: x}, *b]", "line 1"),
        ("tenants: [{name: !ruby/object a, issuer: b}]", "tag"),
        ("tenants: [{name: \"a\u{7}\"}]", "line 1"),
        ("tenants: &a [*a]", "line 1"),
        (
            "tenants: [{name: a, issuer: b, applications: [{client_id: a, name: a, claims: {a: .nan}}]}]",
            "line 1",
        ),
    ] {
        let told_here = refused(text.as_bytes());
        assert!(told_here.contains(told), "{text:?}: {told:?} is not in {told_here:?}");
    }
    assert_eq!(refused(b"tenants: [\xff]"), "the file: it is not UTF-8 from byte 10 on");
}

/// Each of these would be gigabytes, or as many calls deep, if it were written out.
#[test]
fn bombs_do_not_go_off() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..30 {
        let one = format!("*a{},", level - 1);
        let _ = writeln!(bomb, "a{level}: &a{level} [{}]", one.repeat(9));
    }
    refused(bomb.as_bytes());
    let inside = |claims: &str| {
        format!(
            "tenants: [{{name: a, issuer: b, applications: [{{client_id: a, name: a, claims: {claims}}}]}}]"
        )
    };
    let mut nested = "&a0 {a: [x,x,x,x,x,x,x,x,x]}".to_owned();
    for level in 1..30 {
        nested = format!("{nested}, b{level}: &a{level} [{}]", format!("*a{},", level - 1).repeat(9));
    }
    refused(inside(&format!("{{z: {nested}}}")).as_bytes());
    refused("[".repeat(1_000_000).as_bytes());
    refused("{a: ".repeat(1_000_000).as_bytes());
    refused("- ".repeat(1_000_000).as_bytes());
    refused(inside(&"[".repeat(100_000)).as_bytes());
    refused("*".repeat(1_000_000).as_bytes());
}

/// Few nodes, which are long: written out they would be some gigabytes.
#[test]
fn a_long_text_that_is_repeated_by_aliases_does_not_go_off() {
    let length = 100_000;
    let bomb = |scopes: &str| {
        let text = "x".repeat(length);
        let application = format!("client_id: a, name: a, claims: {{z: &a0 {text}}}, scopes: [{scopes}]");
        format!("tenants: [{{name: a, issuer: b, applications: [{{{application}}}]}}]")
    };
    let told = refused(bomb(&"*a0,".repeat(30_000)).as_bytes());
    assert!(told.contains("its aliases stand for more than 67108864 bytes"), "{told}");
    assert!(read(bomb(&"*a0,".repeat(90)).as_bytes()).is_ok());
}

#[test]
fn applications_may_share_what_they_have_in_common() {
    let mut text = "tenants: [{name: a, issuer: b, applications: [".to_owned();
    text.push_str("{client_id: a, name: a, scopes: &scopes [one, two, three]}");
    for number in 0..10_000 {
        let _ = write!(text, ", {{client_id: a{number}, name: a, scopes: *scopes}}");
    }
    let document = read(format!("{text}]}}]").as_bytes()).unwrap();
    let applications = document.tenants[0].applications.as_ref().unwrap();
    assert!(applications.iter().all(|application| application.scopes.len() == 3));
}

/// Whatever else is wrong with the file, and whatever the secret makes of it.
#[test]
fn a_secret_that_was_written_down_is_not_repeated() {
    let secret = Secret::generate(&SystemRandom);
    let secret = secret.expose();
    for form in [
        "secrets: [SECRET]",
        "secrets: SECRET",
        "secrets: \"SECRET, expected a secret\"",
        "secrets: [[SECRET]]",
        "secrets: {SECRET}",
        "secrets: [{SECRET}]",
        "secrets: [{secret: SECRET}]",
        "secrets: [{SECRET: {}}]",
        "secrets: [{SECRET: a, SECRET: b}]",
        "secrets: [{env: [SECRET]}]",
        "secrets: [{env: {SECRET: a}}]",
        "secrets: [{file: {SECRET}}]",
        "secrets: [{env: a}, SECRET]",
        "secrets: ['a\"SECRET']",
        "secrets: ['a`SECRET`']",
        "secrets: [!SECRET]",
        "secrets: [!SECRET a]",
        "secrets: [!!int SECRET]",
        "secrets: [!!binary SECRET]",
        "secrets: [*SECRET]",
        "secrets: [&SECRET]",
        "secrets: [&a SECRET, *a]",
        "secrets: [%SECRET]",
        "secrets: [@SECRET]",
        "secrets: [`SECRET]",
        "secrets: ['SECRET]",
        "secrets: [\"SECRET]",
        "secrets: [\"SECRET\\q\"]",
        "secrets: [\"SECRET\" \"SECRET\"]",
        "secrets: [|SECRET]",
        "secrets: [SECRET",
        "secret: SECRET",
        "secret: [SECRET]",
        "enabled: SECRET",
        "token_lifetime: [SECRET]",
        "claims: SECRET",
        "claims: {a: !SECRET a}",
    ] {
        let entry = form.replace("SECRET", secret);
        for rest in ["", ", name: 5", ", name: a, name: b", ", *nothing", ", !tag"] {
            let application = format!("{{client_id: a, name: a, {entry}{rest}}}");
            let text = format!("tenants: [{{name: a, issuer: b, applications: [{application}]}}]");
            let told = read(text.as_bytes()).map_or_else(|mistakes| mistakes.to_string(), |_| String::new());
            assert!(!told.is_empty() && !told.contains(secret), "{text}: {told}");
        }
    }
    let told = |entry: &str| {
        let application = format!("{{client_id: a, name: a, secrets: [{entry}]}}");
        refused(format!("tenants: [{{name: a, issuer: b, applications: [{application}]}}]").as_bytes())
    };
    let place = "tenants[0].applications[0] (a): secrets: each is {file: …} or {env: …}";
    assert!(told(secret).starts_with(place), "{}", told(secret));
}

#[tokio::test]
async fn a_secret_in_the_place_of_a_name_is_not_repeated() {
    let secret = Secret::generate(&SystemRandom);
    for place in ["env", "file"] {
        let application = format!("client_id: a, name: a, secrets: [{{{place}: {}}}]", secret.expose());
        let text = super::tenant_a(&format!("applications: [{{{application}}}]"));
        let refused = Registry::new().refused(&text, &Options::default()).await.join("\n");
        assert!(refused.ends_with("this is a secret itself: write where it is, and renew it"), "{refused}");
        assert!(!refused.contains(secret.expose()));
    }
}

#[tokio::test]
async fn a_file_that_names_no_tenant_removes_none() {
    let registry = Registry::new();
    registry.apply(&super::tenant_a(""), &Options::default()).await;
    let options = Options { prune_tenants: true, ..super::pruning() };
    let refused = registry.refused("tenants: []", &options).await;
    assert_eq!(refused, ["tenants: the file names no tenant, so that every tenant would be removed"]);
}
