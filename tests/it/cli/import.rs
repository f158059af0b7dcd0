//! `chancery import`: its report for people and for programs.

use serde_json::json;

use super::{done, refused, wrong_usage};
use crate::support::binary::Installation;

fn sample(name: &str) -> String {
    format!("{}/tests/samples/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn what_becomes_of_each_application_is_said_in_a_line() {
    let installation = Installation::new();
    let import = |options: &[&str]| {
        let output = installation.run(&[&["import", "keycloak", &sample("keycloak")], options].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let would = import(&["--dry-run"]);
    assert!(
        would.ends_with("Taken as they were 2, taken with changes 1, left 5.\nNothing was done.\n"),
        "{would}"
    );
    assert_eq!(done(&installation, "app list"), json!([]));
    let was = import(&[]);
    assert_eq!(format!("{was}Nothing was done.\n"), would);
    assert!(was.contains("changed  portal\n           its tokens were meant for several APIs"), "{was}");
    assert!(!was.contains("s3cret") && !was.contains('\u{1b}'));
    assert_eq!(done(&installation, "app list").as_array().unwrap().len(), 3);
    assert_eq!(done(&installation, "app secret list warehouse")[0]["label"], "from keycloak");
}

#[test]
fn a_program_reads_the_report_in_json() {
    let installation = Installation::new();
    let report = installation.json(&["import", "spring", &sample("spring")]);
    assert_eq!((&report["changed"], &report["dry_run"]), (&json!(true), &json!(false)));
    let first = json!({ "client_id": "bcrypt", "result": "taken", "notes": [] });
    assert_eq!(report["applications"][0], first);
    let text = report.to_string();
    assert!(!text.contains("$2a$") && !text.contains("s3cret"), "{text}");
    let again = installation.json(&["import", "spring", &sample("spring"), "--dry-run"]);
    assert_eq!((&again["changed"], &again["changes"]), (&json!(false), &json!([])));
}

#[test]
fn what_cannot_be_read_is_refused_in_one_line() {
    let installation = Installation::new();
    refused(&installation, "import hydra nowhere.json", &["nowhere.json"]);
    let output = installation.run_with_input(&["import", "auth0", "-"], b"{\"clients\": [");
    super::check_refused(&output, &["no JSON (line 1"]);
    let output = installation.run_with_input(&["import", "auth0", "-"], b"{}");
    super::check_refused(&output, &["client-grants"]);
    wrong_usage(&installation, &["import", "okta", "x.json"]);
}
