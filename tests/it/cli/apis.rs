//! APIs from the command line, and what applications have to do with them.

use serde_json::json;

use super::{done, members, refused, text};
use crate::support::binary::Installation;

const ORDERS: &str = "https://orders.example.com/v1";

#[test]
fn apis_are_added_changed_listed_shown_and_removed() {
    let installation = Installation::new();
    let added = done(
        &installation,
        "api add https://orders.example.com/v1 --name Orders --scope orders:write --scope orders:read \
         --token-lifetime 10m --token-profile ciam --nbf-backdating 30s --algorithm RS256",
    );
    let expected = [
        "identifier",
        "name",
        "scopes",
        "algorithm",
        "token_lifetime",
        "token_profile",
        "nbf_backdating",
        "created_at",
        "updated_at",
        "version",
    ];
    assert_eq!(members(&added), expected);
    assert_eq!((text(&added, "identifier"), text(&added, "name")), (ORDERS, "Orders"));
    assert_eq!(added["scopes"], json!(["orders:read", "orders:write"]));
    assert_eq!(
        (&added["token_lifetime"], &added["token_profile"], &added["nbf_backdating"], &added["algorithm"]),
        (&json!(600), &json!("ciam"), &json!(30), &json!("RS256"))
    );
    let scope = done(&installation, "scope show orders:read");
    assert_eq!(text(&scope, "api"), ORDERS);
    done(&installation, &format!("scope add orders:delete --api {ORDERS}"));
    let changed = installation.json(&[
        "api",
        "set",
        ORDERS,
        "--scope",
        "orders:read",
        "--token-lifetime",
        "",
        "--token-profile",
        "",
        "--nbf-backdating",
        "",
        "--algorithm",
        "",
        "--name",
        "",
    ]);
    assert_eq!((&changed["scopes"], &changed["name"]), (&json!(["orders:read"]), &json!("")));
    for name in ["token_lifetime", "token_profile", "nbf_backdating", "algorithm"] {
        assert!(changed[name].is_null(), "{name}");
    }
    assert_eq!(changed["version"], 2);
    assert_eq!(done(&installation, &format!("api show {ORDERS}")), changed);
    assert_eq!(done(&installation, "api list"), json!([changed]));
    assert_eq!(done(&installation, &format!("api set {ORDERS}")), changed);
    assert_eq!(done(&installation, &format!("api remove {ORDERS}")), changed);
    assert_eq!((done(&installation, "api list"), done(&installation, "scope list")), (json!([]), json!([])));
    refused(&installation, &format!("api show {ORDERS}"), &["no API", "api list"]);
}

#[test]
fn what_an_api_cannot_be_is_refused_in_one_line() {
    let installation = Installation::new();
    done(&installation, "scope add ping");
    done(&installation, "api add urn:a --scope a:read");
    let refusals = [
        ("api add orders", "absolute URI"),
        ("api add https://a.example#b", "absolute URI"),
        ("api add urn:chancery:admin", "server's own"),
        ("api add urn:a", "there already"),
        ("api add urn:b --scope ping", "there already"),
        ("api add urn:b --scope a:read", "there already"),
        ("api add urn:b --token-lifetime 59s", "60s to 24h"),
        ("api add urn:b --token-profile jwt", "one of ciam, rfc9068"),
        ("api add urn:b --nbf-backdating 61s", "0s to 60s"),
        ("api add urn:b --algorithm none", "one of RS256"),
        ("api add urn:b --algorithm HS256", "one of RS256"),
        ("api add urn:b --algorithm ML-DSA-65", "keys.experimental"),
        ("tenant set default --algorithm ML-DSA-65", "keys.experimental"),
        ("tenant set default --algorithm es256", "one of RS256"),
        ("api set urn:none --name x", "no API"),
        ("api remove urn:none", "no API"),
        ("scope add b:read --api urn:none", "no API"),
        ("app add --name x --api urn:none", "no API"),
        ("app add --name x --acts-for urn:none", "no API"),
        ("app add --name x --default-api urn:none", "no API"),
        ("app add --name x --default-api urn:a", "may not call"),
        ("app add --name x --client-id urn:a", "cannot be both"),
        ("app add --name x --claim tier", "NAME=VALUE"),
        ("app add --name x --claim sub=root", "registered claim"),
        ("app add --name x --claim a=1 --claim a=2", "twice"),
    ];
    for (line, why) in refusals {
        refused(&installation, line, &[why]);
    }
    assert_eq!(done(&installation, "api list").as_array().unwrap().len(), 1);
    assert_eq!(done(&installation, "app list"), json!([]));
    done(&installation, "app add --name x --client-id urn:c");
    refused(&installation, "api add urn:c", &["cannot be both"]);
}

#[test]
fn what_an_application_has_to_do_with_an_api_keeps_it() {
    let installation = Installation::new();
    done(&installation, "api add urn:a --scope a:read");
    done(&installation, "api add urn:b");
    let app = done(
        &installation,
        "app add --name x --client-id x --scope a:read --api urn:b --default-api urn:b --acts-for urn:a \
         --claim tier=\"gold\" --claim level=7 --claim team=blue",
    );
    assert_eq!(
        (&app["apis"], &app["default_api"], &app["acts_for"]),
        (&json!(["urn:b"]), &json!("urn:b"), &json!(["urn:a"]))
    );
    assert_eq!(app["claims"], json!({ "tier": "gold", "level": 7, "team": "blue" }));
    for (line, still) in [
        ("api remove urn:a", "still has to do with"),
        ("api remove urn:b", "still has to do with"),
        ("scope remove a:read", "still granted"),
    ] {
        refused(&installation, line, &[still]);
    }
    refused(&installation, "app set x --api=", &["may not call its default API"]);
    installation.json(&["api", "set", "urn:a", "--scope", "a:read", "--scope", "a:write"]);
    let refusal = installation.run(&["api", "set", "urn:a", "--scope", ""]);
    assert!(String::from_utf8_lossy(&refusal.stderr).contains("still granted"), "{refusal:?}");
    let freed = installation.json(&[
        "app",
        "set",
        "x",
        "--scope",
        "",
        "--api",
        "",
        "--default-api",
        "",
        "--acts-for",
        "",
        "--claim",
        "",
    ]);
    assert_eq!(
        (&freed["apis"], &freed["default_api"], &freed["acts_for"], &freed["claims"]),
        (&json!([]), &json!(null), &json!([]), &json!({}))
    );
    for line in ["api remove urn:a", "api remove urn:b"] {
        done(&installation, line);
    }
    assert_eq!(done(&installation, "scope list"), json!([]));
}
