//! Starting: the master key, the schema, two at once, addresses, and the issuer that follows its setting.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;

use super::{check_refused, done, refused, refused_words, text, token_by_post};
use crate::support::binary::Installation;

const SERVE: [&str; 5] = ["serve", "--listen-public", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0"];

/// The files of the data folder; of those that are not the store's also what is in them.
fn files(installation: &Installation) -> BTreeMap<String, Option<Vec<u8>>> {
    let Ok(entries) = fs::read_dir(installation.data()) else {
        return BTreeMap::new();
    };
    let named = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let content = (!name.starts_with("chancery.db")).then(|| fs::read(&path).unwrap());
        (name, content)
    });
    named.collect()
}

#[test]
fn what_it_makes_only_its_owner_may_read() {
    let installation = Installation::new();
    done(&installation, "app list");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&installation.data()), 0o700);
    for name in files(&installation).keys() {
        assert_eq!(mode(&installation.data().join(name)), 0o600, "{name}");
    }
    let key = installation.data().join("master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    refused(&installation, "app list", &["master.key", "chmod 600"]);
}

#[test]
fn without_the_right_master_key_nothing_is_done() {
    let installation = Installation::new();
    done(&installation, "app add --name x --client-id x");
    let before = (done(&installation, "app list"), done(&installation, "key list"), files(&installation));
    let own = installation.data().join("master.key");
    let key = fs::read(&own).unwrap();
    fs::write(installation.folder().join("other"), format!("{}\n", "5a".repeat(32))).unwrap();
    fs::write(installation.folder().join("no-key"), "hello\n").unwrap();
    fs::write(installation.folder().join("long"), "0".repeat(5000)).unwrap();

    let change: &[&str] = &["app", "add", "--name", "y"];
    for (named, words) in [
        ("other", &["is sealed under master key", "keys.master"][..]),
        ("no-key", &["keys.master", "no-key", "256 bits"]),
        ("long", &["keys.master", "too long"]),
        ("absent", &["keys.master", "absent"]),
        ("env:OTHER", &["is sealed under master key"]),
        ("env:ABSENT", &["keys.master", "environment"]),
    ] {
        for arguments in [change, &SERVE] {
            let mut command = installation.command(arguments);
            command.env("CHANCERY_KEYS_MASTER", named).env("OTHER", "5a".repeat(32));
            check_refused(&command.output().unwrap(), words);
        }
    }
    fs::rename(&own, installation.folder().join("own")).unwrap();
    for arguments in [change, &SERVE] {
        refused_words(&installation, arguments, &["the master key is gone", "restore it", "keys.master"]);
    }
    assert!(!own.exists(), "a second master key was made");
    fs::rename(installation.folder().join("own"), &own).unwrap();
    let after = (done(&installation, "app list"), done(&installation, "key list"), files(&installation));
    assert_eq!(after, before);
    let mut moved = installation.command(&["app", "show", "x"]);
    moved.env("CHANCERY_KEYS_MASTER", "env:KEY").env("KEY", String::from_utf8(key).unwrap());
    assert!(moved.output().unwrap().status.success());
}

#[test]
fn a_master_key_that_is_named_is_never_made() {
    let installation = Installation::new();
    for arguments in [&["app", "list"][..], &SERVE] {
        let output = installation.command(arguments).env("CHANCERY_KEYS_MASTER", "absent").output().unwrap();
        check_refused(&output, &["keys.master", "absent"]);
        assert_eq!(files(&installation), BTreeMap::new());
    }
    assert!(!installation.folder().join("absent").exists());
}

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let installation = Installation::new();
    done(&installation, "app list");
    let number = || rusqlite::Connection::open(installation.data().join("chancery.db")).unwrap();
    number().pragma_update(None, "user_version", 1000).unwrap();
    for arguments in
        [&["app", "list"][..], &["migrate"], &["migrate", "--check"], &["tenant", "list"], &SERVE]
    {
        refused_words(&installation, arguments, &["schema is number 1000", "newer program"]);
    }
    let found: u32 = number().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(found, 1000);
}

#[test]
fn a_file_that_is_no_store_is_left_alone() {
    let installation = Installation::new();
    fs::create_dir(installation.data()).unwrap();
    let content = b"Dear diary, this is not a database. ".repeat(100);
    fs::write(installation.data().join("chancery.db"), &content).unwrap();
    for arguments in [&["app", "list"][..], &["migrate", "--check"], &SERVE] {
        refused_words(&installation, arguments, &["not a database"]);
    }
    assert_eq!(fs::read(installation.data().join("chancery.db")).unwrap(), content);
    assert!(!installation.data().join("master.key").exists());
    fs::write(installation.folder().join("file"), "").unwrap();
    refused(&installation, "app list --store sqlite:file/x.db", &["file"]);
}

#[test]
fn first_starts_at_the_same_moment_share_one_installation() {
    let installation = Installation::new();
    let (servers, commands): (Vec<_>, Vec<_>) = std::thread::scope(|scope| {
        let servers: Vec<_> = (0..2).map(|_| scope.spawn(|| installation.serve(&[]))).collect();
        let add = |name: String| {
            scope.spawn({
                let installation = &installation;
                move || installation.json(&["app", "add", "--name", &name, "--client-id", &name])
            })
        };
        let commands: Vec<_> = (0..3).map(|number| add(format!("app-{number}"))).collect();
        (
            servers.into_iter().map(|server| server.join().unwrap()).collect(),
            commands.into_iter().map(|command| command.join().unwrap()).collect(),
        )
    });
    for added in &commands {
        for server in &servers {
            let (client_id, secret) = (text(added, "client_id"), text(added, "client_secret"));
            super::within_one_second(|| token_by_post(server, client_id, secret).0 == 200);
        }
    }
    assert_eq!(done(&installation, "tenant list").as_array().unwrap().len(), 1);
    assert_eq!(done(&installation, "key list").as_array().unwrap().len(), 1);
    assert_eq!(done(&installation, "migrate --check")["check"], "ok");
    assert!(files(&installation).keys().all(|name| name == "master.key" || name.starts_with("chancery.db")));
}

#[test]
fn two_installations_do_not_meet() {
    let (one, two) = (Installation::new(), Installation::new());
    let add = ["app", "add", "--name", "x", "--client-id", "x"];
    let (of_one, of_two) = (one.json(&add), two.json(&add));
    let (first, second) = (one.serve(&[]), two.serve(&[]));
    assert_eq!(token_by_post(&first, "x", text(&of_one, "client_secret")).0, 200);
    assert_eq!(token_by_post(&first, "x", text(&of_two, "client_secret")).0, 401);
    assert_eq!(token_by_post(&second, "x", text(&of_two, "client_secret")).0, 200);

    let taken = first.public.to_string();
    let third = Installation::new();
    for flag in ["public", "admin"] {
        let other = if flag == "public" { "--listen-admin" } else { "--listen-public" };
        let arguments = ["serve", &format!("--listen-{flag}"), &taken, other, "127.0.0.1:0"];
        refused_words(
            &third,
            &arguments,
            &[&format!("listen.{flag}"), &taken, "something listens there already"],
        );
    }
    assert!(!third.data().exists(), "a data folder was made although the server could not listen");
}

#[test]
fn the_issuer_follows_its_setting_and_the_address() {
    let installation = Installation::new();
    let add = ["app", "add", "--name", "x", "--client-id", "x"];
    let secret = text(&installation.json(&add), "client_secret").to_owned();
    let issuer = || text(&done(&installation, "tenant show default"), "issuer").to_owned();
    assert_eq!(issuer(), "http://127.0.0.1:8080");

    let server = installation.serve(&[]);
    let listening = format!("http://{}", server.public);
    assert_eq!(issuer(), listening);
    // A command knows nothing of the address the server was given, and must not move the issuer back.
    done(&installation, "app list");
    done(&installation, "scope add read");
    assert_eq!(issuer(), listening);
    assert_eq!(claims_issuer(&token_by_post(&server, "x", &secret).1), listening);
    drop(server);

    for setting in ["https://a.example", "https://b.example/path"] {
        let server = installation.serve(&["--issuer", setting]);
        assert_eq!(issuer(), setting);
        assert_eq!(claims_issuer(&token_by_post(&server, "x", &secret).1), setting);
        let host = setting.trim_start_matches("https://").split('/').next().unwrap();
        assert_eq!(done(&installation, "tenant show default")["hosts"][0], host);
        done(&installation, "app list");
        assert_eq!(issuer(), setting);
    }
    // Without the setting it stays: what callers call the server from elsewhere only a setting can tell.
    let server = installation.serve(&[]);
    assert_eq!(claims_issuer(&token_by_post(&server, "x", &secret).1), "https://b.example/path");
}

fn claims_issuer(answer: &serde_json::Value) -> String {
    let token = text(answer, "access_token");
    let claims = data_encoding::BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    text(&claims, "iss").to_owned()
}

#[test]
fn settings_come_from_file_environment_and_flags_in_this_order() {
    let installation = Installation::new();
    fs::write(
        installation.folder().join("c.toml"),
        "issuer = \"https://file.example\"\ndata = \"elsewhere\"\n",
    )
    .unwrap();
    let mut command = installation.command(&["--config", "c.toml", "--output", "json", "tenant", "list"]);
    command.env("CHANCERY_ISSUER", "https://environment.example").stdout(Stdio::piped());
    assert_eq!(command.output().unwrap().stdout, b"[]\n");
    let mut command = installation.command(&["--config", "c.toml", "app", "list"]);
    assert!(command.env("CHANCERY_ISSUER", "https://environment.example").output().unwrap().status.success());
    let tenants = done(&installation, "tenant list");
    assert_eq!(tenants[0]["issuer"], json!("https://environment.example"));
    assert!(!installation.folder().join("elsewhere").exists(), "the flag --data did not win");
    let server = installation.serve(&["--config", "c.toml", "--issuer", "https://flag.example"]);
    drop(server);
    assert_eq!(done(&installation, "tenant list")[0]["issuer"], json!("https://flag.example"));
}
