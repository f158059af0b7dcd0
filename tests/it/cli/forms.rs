//! Each form that other programs rely on: `--output json` prints exactly one document with the promised members.

use serde_json::json;

use super::{done, members, refused, refused_words, text};
use crate::support::binary::Installation;

#[test]
fn tenants_are_added_changed_listed_shown_and_removed() {
    let installation = Installation::new();
    let issuer = "https://a.example/path";
    let hosts = ["--host", "A.example.", "--host", "b.example:8443", "--host", "a.example"];
    let added = installation.json(&[&["tenant", "add", "sample", "--issuer", issuer][..], &hosts].concat());
    assert_eq!(
        members(&added),
        [
            "name",
            "id",
            "hosts",
            "issuer",
            "enabled",
            "algorithm",
            "key_period",
            "tokens_per_minute",
            "tokens_per_hour",
            "tokens_per_day",
            "quota_mode",
            "created_at",
            "updated_at",
            "version"
        ]
    );
    assert_eq!(added["hosts"], json!(["a.example", "b.example:8443"]));
    assert_eq!(
        (&added["name"], &added["issuer"], &added["enabled"]),
        (&json!("sample"), &json!(issuer), &json!(true))
    );

    let disabled = done(&installation, "tenant set sample --enabled false");
    assert_eq!((&disabled["enabled"], &disabled["version"]), (&json!(false), &json!(2)));
    assert_eq!(disabled["hosts"], added["hosts"]);
    let moved = done(&installation, "tenant set sample --host c.example --issuer https://c.example");
    assert_eq!((&moved["hosts"], &moved["issuer"]), (&json!(["c.example"]), &json!("https://c.example")));
    assert_eq!(moved["enabled"], json!(false));

    assert_eq!(done(&installation, "tenant show sample"), moved);
    assert_eq!(done(&installation, "tenant list"), json!([moved]));
    assert_eq!(done(&installation, "tenant set sample"), moved);
    assert_eq!(done(&installation, "tenant remove sample"), moved);
    assert_eq!(done(&installation, "tenant list"), json!([]));
    refused(&installation, "tenant remove sample", &["no tenant \"sample\"", "tenant list"]);
}

#[test]
fn scopes_are_added_changed_listed_shown_and_removed() {
    let installation = Installation::new();
    let read = installation.json(&["scope", "add", "read", "--description", "Reads — nothing more"]);
    assert_eq!(members(&read), ["name", "description", "api", "created_at", "version"]);
    assert_eq!((text(&read, "name"), text(&read, "description")), ("read", "Reads — nothing more"));
    let bare = installation.json(&["scope", "add", "admin:!#[]~"]);
    assert_eq!((text(&bare, "name"), text(&bare, "description")), ("admin:!#[]~", ""));

    let changed = installation.json(&["scope", "set", "read", "--description", ""]);
    assert_eq!(text(&changed, "description"), "");
    assert_eq!((&changed["version"], &read["version"]), (&json!(2), &json!(1)));
    assert_eq!(done(&installation, "scope show read"), changed);
    assert_eq!(done(&installation, "scope list"), json!([bare, changed]));
    assert_eq!(done(&installation, "scope remove read"), changed);
    assert_eq!(done(&installation, "scope list"), json!([bare]));
    refused(&installation, "scope remove read", &["no scope \"read\""]);
}

#[test]
fn an_application_is_added_with_everything_that_can_be_said() {
    let installation = Installation::new();
    for scope in ["read", "write", "admin"] {
        installation.json(&["scope", "add", scope]);
    }
    let said = "app add --name Billing --type web --scope write --scope read --default-scope read \
                --grant client_credentials --auth-method client_secret_basic --token-lifetime 24h --client-id billing";
    let said: Vec<&str> = said.split_whitespace().collect();
    let mut added = installation.json(&said);
    let promised = ["client_id", "client_secret", "name", "type", "enabled", "scopes"];
    assert_eq!(members(&added)[..6], promised);
    let secret = added.as_object_mut().unwrap().shift_remove("client_secret").unwrap();
    assert!(chancery_secret(secret.as_str().unwrap()), "{secret}");
    // RFC 7591 §3.2.1: 0 is never.
    assert_eq!(added.as_object_mut().unwrap().shift_remove("client_secret_expires_at"), Some(json!(0)));
    let expected = json!({
        "client_id": "billing", "name": "Billing", "type": "web", "enabled": true, "scopes": ["write", "read"],
        "default_scopes": ["read"], "grants": ["client_credentials"], "auth_methods": ["client_secret_basic"],
        "apis": [], "default_api": null, "acts_for": [], "token_lifetime": 86400, "token_profile": null,
        "nbf_backdating": null, "token_reuse_percent": null, "tokens_per_minute": null, "tokens_per_hour": null,
        "tokens_per_day": null, "quota_mode": "enforce", "claims": {}, "tokens_revoked_before": null, "created_at": added["created_at"], "updated_at": added["updated_at"], "version": 1,
    });
    assert_eq!(added, expected);
    assert_eq!(done(&installation, "app list"), json!([expected]));

    let mut shown = done(&installation, "app show billing");
    let secrets = shown.as_object_mut().unwrap().shift_remove("secrets").unwrap();
    assert_eq!(shown, expected);
    assert_eq!(secrets.as_array().unwrap().len(), 1);
    assert_eq!(
        members(&secrets[0]),
        ["id", "label", "live", "hash", "created_at", "expires_at", "last_used_at"]
    );
}

/// Enough to be told from any other text: the prefix and 49 letters and digits.
fn chancery_secret(secret: &str) -> bool {
    let digits = secret.strip_prefix("chy_").unwrap_or_default();
    digits.len() == 49 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[test]
fn an_application_is_added_with_nothing_but_its_name() {
    let installation = Installation::new();
    let added = installation.json(&["app", "add", "--name", "Ünïcode ✓"]);
    assert_eq!(text(&added, "name"), "Ünïcode ✓");
    assert_eq!(text(&added, "type"), "m2m");
    assert_eq!(added["auth_methods"], json!(["client_secret_basic", "client_secret_post"]));
    assert_eq!(added["grants"], json!(["client_credentials"]));
    assert_eq!((&added["scopes"], &added["token_lifetime"]), (&json!([]), &json!(300)));
    let other = installation.json(&["app", "add", "--name", "Ünïcode ✓"]);
    assert_ne!(added["client_id"], other["client_id"]);
    assert_ne!(added["client_secret"], other["client_secret"]);
}

/// What cannot keep a secret gets none.
#[test]
fn public_applications_have_no_secret() {
    let installation = Installation::new();
    for kind in ["spa", "native"] {
        let added = installation.json(&["app", "add", "--name", kind, "--type", kind, "--client-id", kind]);
        assert_eq!(added.get("client_secret"), None);
        assert_eq!((&added["grants"], &added["auth_methods"]), (&json!([]), &json!([])));
        refused_words(&installation, &["app", "secret", "add", kind], &["public client"]);
        refused_words(
            &installation,
            &["app", "set", kind, "--grant", "client_credentials"],
            &["public client"],
        );
        refused_words(
            &installation,
            &["app", "set", kind, "--auth-method", "client_secret_post"],
            &["public client"],
        );
        let with_secret = ["app", "add", "--name", kind, "--type", kind, "--secret-stdin"];
        super::check_refused(&installation.run_with_input(&with_secret, b"secret"), &["public client"]);
        assert_eq!(installation.json(&["app", "secret", "list", kind]), json!([]));
    }
}

#[test]
fn set_replaces_whole_lists_and_leaves_the_rest() {
    let installation = Installation::new();
    for scope in ["a", "b", "c"] {
        installation.json(&["scope", "add", scope]);
    }
    let add = ["app", "add", "--name", "x", "--client-id", "x", "--scope", "a", "--scope", "b"];
    installation.json(&add);
    let set = |arguments: &[&str]| installation.json(&[&["app", "set", "x"], arguments].concat());

    let after = set(&["--scope", "c", "--scope", "a", "--scope", "c"]);
    assert_eq!((&after["scopes"], &after["default_scopes"]), (&json!(["c", "a"]), &json!(["c", "a"])));
    let after = set(&["--default-scope", "a"]);
    assert_eq!((&after["scopes"], &after["default_scopes"]), (&json!(["c", "a"]), &json!(["a"])));
    refused(&installation, "app set x --scope b", &["default scope \"a\""]);
    let after = set(&["--scope", "b", "--default-scope", "b"]);
    assert_eq!((&after["scopes"], &after["default_scopes"]), (&json!(["b"]), &json!(["b"])));
    let after = set(&["--scope", "", "--default-scope", ""]);
    assert_eq!((&after["scopes"], &after["default_scopes"]), (&json!([]), &json!([])));
    let after = set(&["--grant", "refresh_token", "--grant", "authorization_code"]);
    assert_eq!(after["grants"], json!(["refresh_token", "authorization_code"]));
    assert_eq!(set(&["--grant", ""])["grants"], json!([]));
    assert_eq!(set(&["--auth-method", "client_secret_post"])["auth_methods"], json!(["client_secret_post"]));
    refused_words(
        &installation,
        &["app", "set", "x", "--auth-method", ""],
        &["at least one authentication method"],
    );
    let after = set(&["--name", "y", "--enabled", "false", "--token-lifetime", "90s"]);
    assert_eq!(
        (&after["name"], &after["enabled"], &after["token_lifetime"], &after["auth_methods"]),
        (&json!("y"), &json!(false), &json!(90), &json!(["client_secret_post"]))
    );
    assert_eq!(set(&[]), after);
}

#[test]
fn secrets_are_added_listed_and_removed() {
    let installation = Installation::new();
    done(&installation, "app add --name x --client-id x");
    let first = done(&installation, "app secret list x")[0].clone();
    let added = done(&installation, "app secret add x --label new --expires 90d");
    assert_eq!(
        members(&added),
        ["id", "client_secret", "label", "live", "hash", "created_at", "expires_at", "last_used_at"]
    );
    assert!(chancery_secret(text(&added, "client_secret")));
    assert_eq!(
        (text(&added, "label"), &added["live"], &added["last_used_at"]),
        ("new", &json!(true), &json!(null))
    );
    assert!(text(&added, "expires_at") > text(&added, "created_at"));

    let mut listed = added.clone();
    listed.as_object_mut().unwrap().shift_remove("client_secret");
    assert_eq!(done(&installation, "app secret list x"), json!([first, listed]));
    assert_eq!(installation.json(&["app", "secret", "remove", "x", text(&first, "id")]), first);
    assert_eq!(done(&installation, "app secret list x"), json!([listed]));
    refused_words(
        &installation,
        &["app", "secret", "remove", "x", text(&first, "id")],
        &["no secret with id"],
    );
    let forever = done(&installation, "app secret add x");
    assert_eq!((&forever["expires_at"], text(&forever, "label")), (&json!(null), ""));
}

/// The same client id in two tenants is two applications.
#[test]
fn commands_mean_the_tenant_that_is_named() {
    let installation = Installation::new();
    done(&installation, "tenant add one --host one.example --issuer https://one.example");
    done(&installation, "tenant add two --host two.example --issuer https://two.example");
    done(&installation, "--tenant one scope add s");
    done(&installation, "app add --tenant one --name x --client-id x --scope s");
    refused(&installation, "--tenant two app show x", &["no application", "app list"]);
    refused(&installation, "--tenant two app add --name x --scope s", &["no scope \"s\""]);
    done(&installation, "--tenant two app add --name x --client-id x");
    done(&installation, "--tenant two app remove x");
    assert_eq!(done(&installation, "--tenant one app list")[0]["client_id"], "x");
    let environment =
        installation.command(&["--output", "json", "key", "list"]).env("CHANCERY_TENANT", "one").output();
    let keys: serde_json::Value = serde_json::from_slice(&environment.unwrap().stdout).unwrap();
    assert_eq!(keys, done(&installation, "--tenant one key list"));
    assert_ne!(keys, done(&installation, "--tenant two key list"));
    refused(&installation, "--tenant three app list", &["no tenant \"three\"", "tenant list"]);
    refused(&installation, "app list", &["several tenants", "--tenant"]);
    done(&installation, "tenant remove two");
    assert_eq!(done(&installation, "app list")[0]["client_id"], "x");
}

#[test]
fn keys_are_listed_and_the_schema_is_brought_up_to_date() {
    let installation = Installation::new();
    let first = done(&installation, "migrate --check");
    assert_eq!((&first["from"], &first["check"]), (&json!(0), &json!("ok")));
    let again = done(&installation, "migrate");
    assert_eq!((&again["from"], &again["to"], again.get("check")), (&first["to"], &first["to"], None));

    let keys = done(&installation, "key list");
    assert_eq!(keys.as_array().unwrap().len(), 1);
    let shown = ["kid", "algorithm", "state", "thumbprint", "created_at", "state_since"];
    assert_eq!(members(&keys[0]), [&shown[..], &["signs_from", "published_until"]].concat());
    assert_eq!((&keys[0]["signs_from"], &keys[0]["published_until"]), (&json!(null), &json!(null)));
    assert_eq!((text(&keys[0], "algorithm"), text(&keys[0], "state")), ("RS256", "active"));
}

/// None is lost and none is refused: each is made on top of the one before.
#[test]
fn changes_at_the_same_moment_are_all_made() {
    let installation = Installation::new();
    done(&installation, "app add --name x --client-id x");
    done(&installation, "scope add read");
    let lines = [
        "app set x --name renamed",
        "app set x --scope read",
        "app set x --token-lifetime 1h",
        "app set x --auth-method client_secret_post",
        "app set x --enabled false",
        "app secret add x",
        "tenant set default --host a.example",
        "tenant set default --issuer https://b.example",
    ];
    std::thread::scope(|scope| {
        for line in lines {
            let installation = &installation;
            scope.spawn(move || done(installation, line));
        }
    });
    let shown = done(&installation, "app show x");
    assert_eq!(
        [
            &shown["name"],
            &shown["scopes"],
            &shown["token_lifetime"],
            &shown["auth_methods"],
            &shown["enabled"]
        ],
        [&json!("renamed"), &json!(["read"]), &json!(3600), &json!(["client_secret_post"]), &json!(false)]
    );
    assert_eq!((&shown["version"], shown["secrets"].as_array().unwrap().len()), (&json!(6), 2));
    let tenant = done(&installation, "tenant show default");
    assert_eq!(
        (&tenant["hosts"], &tenant["issuer"], &tenant["version"]),
        (&json!(["a.example"]), &json!("https://b.example"), &json!(3))
    );
}
