//! What people see: a few whole print-outs. Ids, times and secrets are replaced by as many characters.

use super::done;
use crate::support::binary::Installation;

/// What a command that succeeds prints, with what is different every time made the same.
fn shown(installation: &Installation, arguments: &[&str]) -> String {
    let output = installation.run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    same_every_time(&String::from_utf8(output.stdout).unwrap())
}

fn same_every_time(text: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_:.".contains(character);
    let mut same = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character| !is_part(character)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        same.push_str(before);
        same.push_str(&replaced(word));
        rest = after;
    }
    same + rest
}

fn replaced(word: &str) -> String {
    let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    let stand_in = if word.starts_with("chy_") {
        Some('s')
    } else if word.len() == 24 && word.ends_with('Z') {
        Some('t')
    } else if (word.len() == 36 || word.len() == 32) && digits >= 32 {
        Some('i')
    } else {
        None
    };
    match stand_in {
        Some(letter) => {
            word.chars().map(|one| if one.is_ascii_alphanumeric() { letter } else { one }).collect()
        }
        None => word.to_owned(),
    }
}

#[test]
fn applications_read_well() {
    let installation = Installation::new();
    done(&installation, "scope add read");
    done(&installation, "scope add write");
    insta::assert_snapshot!(
        shown(&installation, &["app", "add", "--name", "Billing", "--scope", "read", "--scope", "write"]),
        @r"
    client_id      iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii
    client_secret  sss_sssssssssssssssssssssssssssssssssssssssssssssssss
    name           Billing
    type           m2m
    enabled        true
    scopes         read write
    created_at     tttt-tt-ttttt:tt:tt.tttt
    updated_at     tttt-tt-ttttt:tt:tt.tttt
    version        1
    ");
    let add = ["app", "add", "--name", "Front end", "--type", "spa", "--client-id", "front"];
    installation.json(&add);
    insta::assert_snapshot!(shown(&installation, &["app", "list"]), @r"
    CLIENT ID                         NAME       TYPE  ENABLED  SCOPES
    iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii  Billing    m2m   true     read write
    front                             Front end  spa   true     -
    ");
}

#[test]
fn the_secrets_of_an_application_read_well() {
    let installation = Installation::new();
    done(&installation, "app add --name x --client-id x");
    installation.json(&[
        "app",
        "secret",
        "add",
        "x",
        "--label",
        "for the second data centre",
        "--expires",
        "90d",
    ]);
    insta::assert_snapshot!(shown(&installation, &["app", "secret", "list", "x"]), @r"
    ID                                    LABEL                       LIVE  HASH  CREATED AT                EXPIRES AT                LAST USED AT
    iiiiiiii-iiii-iiii-iiii-iiiiiiiiiiii                              true  -     tttt-tt-ttttt:tt:tt.tttt  -                         -
    iiiiiiii-iiii-iiii-iiii-iiiiiiiiiiii  for the second data centre  true  -     tttt-tt-ttttt:tt:tt.tttt  tttt-tt-ttttt:tt:tt.tttt  -
    ");
    insta::assert_snapshot!(shown(&installation, &["app", "show", "x"]), @r"
    client_id   x
    name        x
    type        m2m
    enabled     true
    scopes      -
    created_at  tttt-tt-ttttt:tt:tt.tttt
    updated_at  tttt-tt-ttttt:tt:tt.tttt
    version     1
    secrets
      ID                                    LABEL                       LIVE  HASH  CREATED AT                EXPIRES AT                LAST USED AT
      iiiiiiii-iiii-iiii-iiii-iiiiiiiiiiii                              true  -     tttt-tt-ttttt:tt:tt.tttt  -                         -
      iiiiiiii-iiii-iiii-iiii-iiiiiiiiiiii  for the second data centre  true  -     tttt-tt-ttttt:tt:tt.tttt  tttt-tt-ttttt:tt:tt.tttt  -
    ");
}

#[test]
fn people_see_of_an_application_only_what_is_not_as_usual() {
    let installation = Installation::new();
    done(&installation, "scope add read");
    done(&installation, "scope add write");
    done(&installation, "app add --name x --client-id x --scope read --scope write --default-scope read");
    let set = ["app", "set", "x", "--token-lifetime", "10m", "--auth-method", "client_secret_post"];
    let quota = ["--token-reuse-percent", "50", "--tokens-per-day", "1000", "--quota-mode", "report"];
    shown(&installation, &[&set[..], &quota].concat());
    insta::assert_snapshot!(shown(&installation, &["app", "remove", "x"]), @r"
    client_id            x
    name                 x
    type                 m2m
    enabled              true
    scopes               read write
    default_scopes       read
    auth_methods         client_secret_post
    token_lifetime       600
    token_reuse_percent  50
    tokens_per_day       1000
    quota_mode           report
    created_at           tttt-tt-ttttt:tt:tt.tttt
    updated_at           tttt-tt-ttttt:tt:tt.tttt
    version              2
    secrets
      ID                                    LABEL  LIVE  HASH  CREATED AT                EXPIRES AT  LAST USED AT
      iiiiiiii-iiii-iiii-iiii-iiiiiiiiiiii         true  -     tttt-tt-ttttt:tt:tt.tttt  -           -
    ");
    // A public client has neither grants nor ways to prove itself; that is as usual for it.
    let shown = shown(&installation, &["app", "add", "--name", "y", "--type", "spa"]);
    assert!(!shown.contains("grants") && !shown.contains("auth_methods"), "{shown}");
}

#[test]
fn tenants_and_scopes_read_well() {
    let installation = Installation::new();
    let add = ["tenant", "add", "sample", "--host", "sample.example", "--host", "s.example:8443"];
    insta::assert_snapshot!(
        shown(&installation, &[&add[..], &["--issuer", "https://sample.example"]].concat()),
        @r"
    name        sample
    id          iiiiiiii-iiii-iiii-iiii-iiiiiiiiiiii
    hosts       sample.example s.example:8443
    issuer      https://sample.example
    enabled     true
    algorithm   RS256
    key_period  7776000
    created_at  tttt-tt-ttttt:tt:tt.tttt
    updated_at  tttt-tt-ttttt:tt:tt.tttt
    version     1
    ");
    insta::assert_snapshot!(shown(&installation, &["tenant", "list"]), @r"
    NAME    ISSUER                  HOSTS                          ENABLED
    sample  https://sample.example  sample.example s.example:8443  true
    ");
    let limited = shown(&installation, &["tenant", "set", "sample", "--tokens-per-minute", "600"]);
    assert!(
        limited.contains("tokens_per_minute  600\n") && !limited.contains("tokens_per_hour"),
        "{limited}"
    );
    let scope =
        |arguments: &[&str]| shown(&installation, &[&["--tenant", "sample", "scope"], arguments].concat());
    insta::assert_snapshot!(scope(&["list"]), @"NAME  API  DESCRIPTION");
    scope(&["add", "identity_proofing", "--description", "See that a person is who they say"]);
    scope(&["add", "x"]);
    let api = "https://api.example.com/orders?";
    shown(&installation, &["--tenant", "sample", "api", "add", api]);
    scope(&["add", "orders:read", "--api", api, "--description", "Read orders"]);
    insta::assert_snapshot!(scope(&["list"]), @r"
    NAME               API                              DESCRIPTION
    identity_proofing  -                                See that a person is who they say
    orders:read        https://api.example.com/orders?  Read orders
    x                  -
    ");
    insta::assert_snapshot!(shown(&installation, &["--output", "json", "migrate", "--check"]), @r#"
    {
      "from": 8,
      "to": 8,
      "check": "ok"
    }
    "#);
}

#[test]
fn a_refusal_and_wrong_usage_read_well() {
    let installation = Installation::new();
    let said = |arguments: &[&str]| String::from_utf8(installation.run(arguments).stderr).unwrap();
    insta::assert_snapshot!(said(&["app", "add", "--name", "x", "--scope", "read"]), @r#"error: there is no scope "read" in this tenant: add it with 'chancery scope add' or 'chancery api add'"#);
    insta::assert_snapshot!(said(&["app", "add", "--name", "x", "--type", "m2n"]), @r#"error: "m2n" is not an application type: one of m2m, web, spa, native"#);
    insta::assert_snapshot!(said(&["app", "set", "x", "--enabled", "no"]), @r"
    error: invalid value 'no' for '--enabled <BOOL>'
      [possible values: true, false]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(said(&["serve", "--listen-public", "8080", "--keys-master", "env:ABSENT"]), @r"
    error: listen.public: must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080 (--listen-public)
    keys.master: the environment variable that it names is not set, or is empty (--keys-master)
    ");
    insta::assert_snapshot!(said(&["app"]).lines().take(12).collect::<Vec<_>>().join("\n"), @r"
    Applications: the callers, their scopes and secrets

    Usage: chancery app [OPTIONS] <COMMAND>

    Commands:
      add            Register an application and print its secret, this once
      list           List the applications of the tenant
      show           Show an application
      set            Change an application; a list replaces the whole list
      remove         Remove an application with its secrets
      revoke-tokens  Refuse every token issued to it until now, where tokens are asked about
      secret         Its secrets: rotate by adding one, moving the callers, removing the old
    ");
}
