//! Operators from the command line: added with a secret that is shown once, changed, renewed and removed.

use serde_json::json;

use super::{done, members, refused, refused_words, text, wrong_usage};
use crate::support::binary::Installation;

const SHOWN: [&str; 7] = ["name", "tenant", "scopes", "enabled", "created_at", "updated_at", "version"];

fn with_two_tenants() -> Installation {
    let installation = Installation::new();
    done(&installation, "app list");
    done(&installation, "tenant add sample --host sample.example --issuer https://sample.example");
    installation
}

#[test]
fn operators_are_added_changed_listed_shown_and_removed() {
    let installation = with_two_tenants();
    let added = done(&installation, "operator add ann@example.com");
    assert_eq!(members(&added), [&["name", "secret"], &SHOWN[1..]].concat());
    assert!(text(&added, "secret").starts_with("chy_"));
    assert_eq!(added["scopes"], json!(["admin:read", "admin:write"]));
    assert_eq!((text(&added, "tenant"), &added["enabled"]), ("default", &json!(true)));

    let shown = done(&installation, "operator show ann@example.com");
    assert_eq!(members(&shown), SHOWN);
    let set =
        "operator set ann@example.com --enabled false --scope admin:keys:write --scope admin:audit:read";
    let changed = done(&installation, set);
    assert_eq!(changed["scopes"], json!(["admin:keys:write", "admin:audit:read"]));
    assert_eq!((&changed["enabled"], &changed["version"]), (&json!(false), &json!(2)));
    assert_eq!(done(&installation, set)["version"], json!(2), "what is so already was changed");

    let renewed = done(&installation, "operator renew-secret ann@example.com");
    assert!(text(&renewed, "secret").starts_with("chy_"));
    assert_ne!(renewed["secret"], added["secret"]);
    assert_eq!((&renewed["enabled"], &renewed["version"]), (&json!(false), &json!(3)));
    let removed = done(&installation, "operator remove ann@example.com");
    assert_eq!(members(&removed), SHOWN);
    assert_eq!(done(&installation, "operator list"), json!([]));
    let actions: Vec<_> = done(&installation, "audit list --subject ann@example.com")
        .as_array()
        .unwrap()
        .iter()
        .map(|event| text(event, "action").to_owned())
        .collect();
    assert_eq!(actions, ["operator.remove", "operator.renew_secret", "operator.set", "operator.add"]);
}

#[test]
fn the_command_line_sees_those_of_every_tenant_and_says_whose_they_are() {
    let installation = with_two_tenants();
    done(&installation, "operator add ann");
    done(&installation, "--tenant sample operator add bea --scope admin:read");
    let all = done(&installation, "operator add zoe --platform");
    assert!(all["tenant"].is_null());
    let listed = installation.run(&["operator", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    let words: Vec<Vec<_>> = listed.lines().map(|line| line.split("  ").collect()).collect();
    let names: Vec<_> = words.iter().map(|line| line[0]).collect();
    assert_eq!(names, ["NAME", "ann", "bea", "zoe"]);
    for (line, tenant) in listed.lines().zip(["TENANT", " default ", " sample ", "(every tenant)"]) {
        assert!(line.contains(tenant), "{line}");
    }
    let of_sample = done(&installation, "--tenant sample operator list");
    assert_eq!(of_sample.as_array().unwrap().len(), 1);
    done(&installation, "operator show bea");
    refused(&installation, "--tenant sample operator show ann", &["no operator \"ann\"", "operator list"]);
    refused(&installation, "--tenant absent operator list", &["no tenant \"absent\""]);
    // An operator goes with its tenant.
    done(&installation, "tenant remove sample");
    assert_eq!(done(&installation, "operator list").as_array().unwrap().len(), 2);
}

#[test]
fn an_operator_that_cannot_be_is_refused() {
    let installation = Installation::new();
    done(&installation, "operator add ann");
    refused(&installation, "operator add ann", &["\"ann\" exists already"]);
    refused(
        &installation,
        "operator add b --scope orders:read",
        &["not a scope of an operator", "admin:read"],
    );
    refused(&installation, "operator add b --scope admin:platform", &["not a scope of an operator"]);
    refused(&installation, "operator set ann --scope admin:read --scope orders:read", &["\"orders:read\""]);
    refused(&installation, "--tenant default operator add b --platform", &["--platform", "--tenant"]);
    refused_words(&installation, &["operator", "add", "b", "--scope", ""], &["at least one scope"]);
    for name in ["", "a:b", "a b", "\u{fc}"] {
        refused_words(&installation, &["operator", "add", name], &["not an operator's name"]);
    }
    for line in ["set b --enabled true", "show b", "remove b", "renew-secret b"] {
        refused(&installation, &format!("operator {line}"), &["no operator \"b\"", "operator list"]);
    }
    for line in ["operator", "operator add", "operator add a b", "operator set ann --enabled yes"] {
        wrong_usage(&installation, &line.split(' ').collect::<Vec<_>>());
    }
    assert_eq!(done(&installation, "operator list").as_array().unwrap().len(), 1);
}
