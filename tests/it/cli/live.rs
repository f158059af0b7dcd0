//! A change made on the command line and the server that is running: it acts on it within one second.

use serde_json::{Value, json};

use super::{done, refused, text, token_by_basic, token_by_post, within_one_second};
use crate::support::binary::{Installation, RunningServer};

fn status(server: &RunningServer, secret: &Value) -> u16 {
    token_by_post(server, "x", text(secret, "client_secret")).0
}

/// An application `x` with the scopes `read` and `write`, its secret, and a server.
fn served() -> (Installation, Value, RunningServer) {
    let installation = Installation::new();
    done(&installation, "scope add read");
    done(&installation, "scope add write");
    let add = ["app", "add", "--name", "x", "--client-id", "x", "--scope", "read", "--scope", "write"];
    let added = installation.json(&add);
    let server = installation.serve(&[]);
    assert_eq!(status(&server, &added), 200);
    (installation, added, server)
}

/// Whoever asks again and again until something happens may use up the budget for failures, and is told so.
fn is_refused(status: u16) -> bool {
    status == 401 || status == 429
}

/// C19: two secrets during rotation; the old one stops.
#[test]
fn a_secret_is_rotated_without_a_gap() {
    let (installation, first, server) = served();
    let second = done(&installation, "app secret add x --label second");
    within_one_second(|| status(&server, &second) == 200);
    assert_eq!(status(&server, &first), 200);

    let listed = done(&installation, "app secret list x");
    installation.json(&["app", "secret", "remove", "x", text(&listed[0], "id")]);
    within_one_second(|| is_refused(status(&server, &first)));
    assert_eq!(status(&server, &second), 200);

    installation.json(&["app", "secret", "remove", "x", text(&second, "id")]);
    within_one_second(|| is_refused(status(&server, &second)));
    let third = done(&installation, "app secret add x");
    within_one_second(|| status(&server, &third) == 200);
}

/// C22
#[test]
fn a_disabled_application_gets_no_token_until_it_is_enabled() {
    let (installation, added, server) = served();
    let secret = text(&added, "client_secret");
    for (enabled, is_served) in [("false", false), ("true", true), ("false", false), ("true", true)] {
        installation.json(&["app", "set", "x", "--enabled", enabled]);
        let is_so = |status| if is_served { status == 200 } else { is_refused(status) };
        within_one_second(|| is_so(token_by_post(&server, "x", secret).0));
        assert!(is_so(token_by_basic(&server, "x", secret).0));
    }
    done(&installation, "app remove x");
    within_one_second(|| is_refused(token_by_post(&server, "x", secret).0));
    let again = done(&installation, "app add --name x --client-id x");
    within_one_second(|| status(&server, &again) == 200);
    assert!(is_refused(token_by_post(&server, "x", secret).0), "the secret of the one that was removed");
}

/// R06
#[test]
fn a_disabled_tenant_issues_nothing_until_it_is_enabled() {
    let (installation, added, server) = served();
    for (enabled, expected) in [("false", 401), ("true", 200)] {
        installation.json(&["tenant", "set", "default", "--enabled", enabled]);
        within_one_second(|| status(&server, &added) == expected);
    }
}

/// K08
#[test]
fn all_tokens_of_an_application_are_revoked_in_one_word() {
    let (installation, added, server) = served();
    let secret = text(&added, "client_secret");
    assert_eq!(added["tokens_revoked_before"], Value::Null);
    let token = text(&token_by_post(&server, "x", secret).1, "access_token").to_owned();
    let is_active = || {
        let ask = format!("client_id=x&client_secret={secret}&token={token}");
        server.post("/oauth2/introspect", &ask).1 != r#"{"active":false}"#
    };
    assert!(is_active());
    let revoked = done(&installation, "app revoke-tokens x");
    assert_eq!(revoked["tokens_revoked_before"], revoked["updated_at"]);
    within_one_second(|| !is_active());
    assert_eq!(done(&installation, "app show x"), revoked);
    refused(&installation, "app revoke-tokens y", &["client id \"y\"", "app list"]);
}

/// D13
#[test]
fn a_scope_that_is_taken_away_is_granted_no_more() {
    let (installation, added, server) = served();
    let secret = text(&added, "client_secret");
    let granted = || token_by_post(&server, "x", secret).1["scope"].clone();
    assert_eq!(granted(), "read write");
    done(&installation, "app set x --scope write");
    within_one_second(|| granted() == "write");
    assert_eq!(server.token("x", secret, "read"), (400, server.token("x", secret, "never").1));
    installation.json(&["app", "set", "x", "--scope", ""]);
    within_one_second(|| granted().is_null());
    done(&installation, "scope remove write");
    done(&installation, "app set x --scope read");
    within_one_second(|| granted() == "read");
}

#[test]
fn a_secret_proves_nothing_from_its_expiry_on() {
    let (installation, added, server) = served();
    let brief = done(&installation, "app secret add x --expires 4s");
    within_one_second(|| status(&server, &brief) == 200);
    let listed = || done(&installation, "app secret list x")[1].clone();
    while listed()["live"] == true {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(status(&server, &brief), 401);
    assert_eq!(listed()["expires_at"], brief["expires_at"]);
    assert_eq!(status(&server, &added), 200);
}

/// C05: a new application is registered for both methods, until it is narrowed to one.
#[test]
fn other_settings_of_an_application_are_followed_too() {
    let (installation, added, server) = served();
    let secret = text(&added, "client_secret");
    done(&installation, "app set x --token-lifetime 1h");
    within_one_second(|| token_by_post(&server, "x", secret).1["expires_in"] == json!(3599));
    done(&installation, "app set x --auth-method client_secret_basic");
    within_one_second(|| is_refused(token_by_post(&server, "x", secret).0));
    assert_eq!(token_by_basic(&server, "x", secret).0, 200);
    done(&installation, "app set x --grant refresh_token");
    within_one_second(|| token_by_basic(&server, "x", secret).1["error"] == "unauthorized_client");
}

#[test]
fn the_last_use_of_a_secret_is_written_down() {
    let (installation, added, mut server) = served();
    let second = done(&installation, "app secret add x");
    server.signal("TERM");
    assert!(server.wait().success());
    let listed = done(&installation, "app secret list x");
    let used = text(&listed[0], "last_used_at");
    assert!(used >= text(&added, "created_at") && used <= text(&second, "created_at"), "{listed}");
    assert_eq!(listed[1]["last_used_at"], json!(null));
}

#[test]
fn an_application_has_at_most_ten_secrets() {
    let installation = Installation::new();
    done(&installation, "app add --name x --client-id x");
    for _ in 1..10 {
        done(&installation, "app secret add x");
    }
    refused(&installation, "app secret add x", &["10 secrets already", "remove"]);
}
