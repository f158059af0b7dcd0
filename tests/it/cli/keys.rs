//! Bringing the next signing key forward, and revoking one that has leaked, beside a server that runs.

use serde_json::{Value, json};

use super::{done, members, refused, text, token_by_post, within_one_second};
use crate::support::binary::{Installation, RunningServer};
use crate::support::reply::part;

/// The key that signs what a server issues.
fn kid(server: &RunningServer, secret: &str) -> String {
    let (_, answer) = token_by_post(server, "x", secret);
    let header: Value = serde_json::from_str(&part(text(&answer, "access_token"), 0)).unwrap();
    text(&header, "kid").to_owned()
}

fn states(installation: &Installation) -> Vec<String> {
    let keys = done(installation, "key list");
    keys.as_array().unwrap().iter().map(|key| text(key, "state").to_owned()).collect()
}

#[test]
fn the_next_key_is_brought_forward_and_a_leaked_one_revoked() {
    let installation = Installation::new();
    let secret = text(&done(&installation, "app add --name x --client-id x"), "client_secret").to_owned();
    let server = installation.serve(&[]);
    let first = kid(&server, &secret);

    let next = done(&installation, "key rotate");
    assert_eq!((text(&next, "state"), &next["published_until"]), ("upcoming", &json!(null)));
    let from = text(&next, "signs_from");
    refused(&installation, "key rotate", &["is upcoming already", text(&next, "kid"), "signs from", from]);
    refused(&installation, "key rotate --algorithm none", &["nothing of this tenant is signed with"]);
    assert_eq!(
        (kid(&server, &secret), states(&installation)),
        (first.clone(), vec!["active".to_owned(), "upcoming".to_owned()])
    );

    let revoked = done(&installation, &format!("key revoke {first}"));
    assert_eq!((text(&revoked, "kid"), text(&revoked, "state")), (first.as_str(), "gone"));
    assert_eq!(revoked["replaced_by"], next["kid"]);
    assert_eq!(members(&revoked)[8..], ["replaced_by", "breaks"]);
    assert_eq!(revoked["breaks"].as_array().unwrap().len(), 2);
    within_one_second(|| kid(&server, &secret) == text(&next, "kid"));
    assert_eq!(states(&installation), ["gone", "active"]);
    refused(&installation, &format!("key revoke {first}"), &["is gone already"]);
    refused(&installation, "key revoke x", &["there is no signing key", "key list"]);
}
