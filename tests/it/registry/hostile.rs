//! Files that are attacks, or no registry at all: refused in a moment, with where it is.

use std::fmt::Write;

use chancery::admin::registry::{Options, read};

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

#[tokio::test]
async fn a_file_that_names_no_tenant_removes_none() {
    let registry = Registry::new();
    registry.apply(&super::tenant_a(""), &Options::default()).await;
    let options = Options { prune_tenants: true, ..super::pruning() };
    let refused = registry.refused("tenants: []", &options).await;
    assert_eq!(refused, ["tenants: the file names no tenant, so that every tenant would be removed"]);
}
