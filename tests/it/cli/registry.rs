//! `chancery apply` and `chancery export`: what they print, and what their exit status tells.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use super::{done, refused, text, wrong_usage};
use crate::support::binary::Installation;

const FILE: &str = "\
# yaml-language-server: $schema=registry.schema.json
tenants:
  - name: default
    issuer: https://id.example.com
    hosts: [id.example.com, localhost]
    scopes:
      - name: ping
        description: Pings
    applications:
      - client_id: billing
        name: Billing
        scopes: [ping]
        secrets:
          - label: of the file
            file: secrets/billing
          - label: of the environment
            env: BILLING
      - client_id: shop
        name: Shop
";

/// An installation with a registry file in a folder of its own, beside the secret it names.
fn installation() -> Installation {
    let installation = Installation::new();
    let folder = installation.folder().join("registry");
    fs::create_dir_all(folder.join("secrets")).unwrap();
    fs::write(folder.join("registry.yaml"), FILE).unwrap();
    fs::write(folder.join("secrets/billing"), "correct horse battery\n").unwrap();
    installation
}

fn change(installation: &Installation, from: &str, to: &str) {
    let file = installation.folder().join("registry/registry.yaml");
    let before = fs::read_to_string(&file).unwrap();
    assert!(before.contains(from));
    fs::write(file, before.replace(from, to)).unwrap();
}

/// Applies the file: what is printed, and the status.
fn apply(installation: &Installation, options: &[&str]) -> (String, i32) {
    let arguments = [&["apply", "-f", "registry/registry.yaml"], options].concat();
    let output = installation.command(&arguments).env("BILLING", "hunter2hunter2").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    said(&output)
}

fn said(output: &Output) -> (String, i32) {
    (String::from_utf8(output.stdout.clone()).unwrap(), output.status.code().unwrap())
}

#[test]
fn the_exit_status_tells_no_change_from_changed_if_that_is_asked_for() {
    let installation = installation();
    let added = "\
+ tenant default
+ scope ping (tenant default)
+ application billing (tenant default)
+ secret of application billing (tenant default): label: of the file
+ secret of application billing (tenant default): label: of the environment
+ application shop (tenant default)
";
    let would = format!("{added}To add 6, to change 0, to remove 0. Nothing was done.\n");
    assert_eq!(apply(&installation, &["--dry-run", "--exit-code"]), (would.clone(), 3));
    assert_eq!(apply(&installation, &["--dry-run"]), (would, 0));
    assert_eq!(done(&installation, "tenant list"), json!([]));
    let was = format!(
        "{added}Added 6, changed 0, removed 0.\nWithout a secret yet: shop. Add one: chancery --tenant default app secret \
         add shop\n"
    );
    assert_eq!(apply(&installation, &["--exit-code"]), (was, 3));
    for options in [&["--exit-code"][..], &["--exit-code", "--dry-run", "--prune"], &[]] {
        assert_eq!(apply(&installation, options), ("Nothing to change.\n".to_owned(), 0));
    }
    change(&installation, "name: Shop", "name: Shop\n        enabled: false");
    let changed =
        "~ application shop (tenant default): enabled: true → false\nAdded 0, changed 1, removed 0.\n";
    assert_eq!(apply(&installation, &[]), (changed.to_owned(), 0));
}

#[test]
fn a_program_reads_the_difference_in_json() {
    let installation = installation();
    done(&installation, "tenant add default --host localhost --issuer https://id.example.com");
    done(&installation, "app add --name Old --client-id old");
    let output = ["--output", "json"];
    let (text, status) = apply(&installation, &[&output[..], &["--dry-run", "--prune"]].concat());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&document["changed"], &document["dry_run"], status), (&json!(true), &json!(true), 0));
    assert_eq!(document["without_secret"], json!([{ "tenant": "default", "client_id": "shop" }]));
    let changes = document["changes"].as_array().unwrap();
    let expected = json!({ "action": "change", "kind": "tenant", "name": "default", "tenant": "default",
        "members": { "hosts": { "before": ["localhost"], "after": ["id.example.com", "localhost"] } } });
    assert_eq!(changes[0], expected);
    let shown: Vec<_> =
        changes.iter().map(|one| (one["action"].clone(), one["kind"].clone(), one["name"].clone())).collect();
    assert!(shown.contains(&(json!("remove"), json!("application"), json!("old"))), "{shown:?}");
    assert!(shown.contains(&(json!("add"), json!("secret"), json!("billing"))), "{shown:?}");
    assert!(!text.contains("hunter2") && !text.contains("horse"));
    apply(&installation, &[]);
    let (text, _) = apply(&installation, &output);
    let nothing = json!({ "changes": [], "changed": false, "dry_run": false, "without_secret": [] });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), nothing);
}

#[test]
fn a_server_acts_on_what_was_applied_and_on_the_secrets_that_were_named() {
    let installation = installation();
    apply(&installation, &[]);
    let server = installation.serve(&["--listen-behind-proxy"]);
    for secret in ["correct%20horse%20battery", "hunter2hunter2"] {
        let (status, body) = server.token("billing", secret, "ping");
        assert_eq!((status, &body["scope"]), (200, &json!("ping")), "{body}");
    }
    change(&installation, "      - name: ping\n        description: Pings\n", "      - name: pong\n");
    change(&installation, "[ping]", "[pong]");
    apply(&installation, &["--prune"]);
    super::within_one_second(|| server.token("billing", "hunter2hunter2", "pong").0 == 200);
    assert_eq!(server.token("billing", "hunter2hunter2", "ping").0, 400);
}

#[test]
fn an_export_is_applied_from_standard_input_to_another_installation() {
    let installation = installation();
    apply(&installation, &[]);
    let (text, status) = said(&installation.run(&["export"]));
    assert_eq!(status, 0);
    assert!(!text.contains("secret") && text.starts_with("tenants:\n  - name: default\n"), "{text}");
    assert_eq!(said(&installation.run(&["export", "-o", "out.yaml"])), (String::new(), 0));
    assert_eq!(fs::read_to_string(installation.folder().join("out.yaml")).unwrap(), text);
    let other = Installation::new();
    let output = other.run_with_input(&["apply", "-f", "-", "--exit-code"], text.as_bytes());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(said(&other.run(&["export"])).0, text);
    let again = other.run_with_input(&["apply", "-f", "-", "--exit-code", "--prune"], text.as_bytes());
    assert_eq!(again.status.code(), Some(0), "{again:?}");
}

#[test]
fn only_the_tenant_that_is_named_is_exported_and_applied() {
    let installation = installation();
    done(&installation, "tenant add b --host b.example --issuer https://b.example");
    apply(&installation, &[]);
    let (text, _) = said(&installation.run(&["export", "--tenant", "b"]));
    assert_eq!(text.matches("name: ").count(), 1, "{text}");
    refused(&installation, "export --tenant c", &["no tenant \"c\""]);
    change(&installation, "name: Shop", "name: Shopping");
    let output = installation.run(&["apply", "-f", "registry/registry.yaml", "--tenant", "b"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no tenant \"b\" in the file"));
}

#[test]
fn a_mistake_leaves_everything_as_it_was() {
    let installation = installation();
    apply(&installation, &[]);
    let before = said(&installation.run(&["export"])).0;
    change(&installation, "name: Shop", "name: Shopping\n        scopes: [nothing]");
    change(&installation, "env: BILLING", "env: NONE");
    let output = installation.run(&["apply", "-f", "registry/registry.yaml", "--exit-code"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: the registry file has a mistake, and nothing was changed:\n  tenants[0].applications[0] (billing): secrets[1]: \
         secret: the environment variable NONE is not set\n"
    );
    assert_eq!(said(&installation.run(&["export"])).0, before);
    refused(&installation, "apply -f nowhere.yaml", &["nowhere.yaml: No such file"]);
    refused(&installation, "apply -f . ", &[".: Is a directory"]);
    let refusal = installation.run(&[
        "--tenant",
        "default",
        "apply",
        "-f",
        "registry/registry.yaml",
        "--prune",
        "--prune-tenants",
    ]);
    assert!(String::from_utf8_lossy(&refusal.stderr).contains("leave --tenant"), "{refusal:?}");
    wrong_usage(&installation, &["apply"]);
    wrong_usage(&installation, &["apply", "-f", "x", "--prune-tenants"]);
}

#[test]
fn processes_that_apply_at_once_leave_one_registry() {
    let installation = installation();
    done(&installation, "tenant add default --host localhost --issuer https://id.example.com");
    let start = || {
        let mut command = installation.command(&["apply", "-f", "registry/registry.yaml"]);
        command.env("BILLING", "hunter2hunter2").stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..4).map(|_| start()).collect();
    let outputs: Vec<_> = running.into_iter().map(|child| said(&child.wait_with_output().unwrap())).collect();
    assert!(outputs.iter().all(|(_, status)| *status == 0), "{outputs:?}");
    assert_eq!(outputs.iter().filter(|(text, _)| text.contains("+ application shop")).count(), 1);
    assert_eq!(done(&installation, "app secret list billing").as_array().unwrap().len(), 2);
}

#[test]
fn the_schema_for_editors_is_the_one_in_the_manual() {
    let (schema, _) = said(&Installation::new().run(&["export", "--schema"]));
    let manual = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/registry.schema.json");
    assert!(
        fs::read_to_string(manual).unwrap() == schema,
        "write it again: cargo run -- export --schema > docs/registry.schema.json"
    );
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(text(&schema, "$schema"), "http://json-schema.org/draft-07/schema#");
}
