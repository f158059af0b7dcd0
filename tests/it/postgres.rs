//! The built program on PostgreSQL: several nodes, the command line, and a database that is not there.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::support::binary::{Installation, PATIENCE, RunningServer};

/// A database of its own, on the server that `CHANCERY_TEST_POSTGRES` names.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are told where the server is")]
        let server = std::env::var("CHANCERY_TEST_POSTGRES").expect("scripts/postgres run sets it");
        let folder = tempfile::tempdir().unwrap();
        let unique: String =
            folder.path().to_str().unwrap().chars().filter(char::is_ascii_alphanumeric).collect();
        let database =
            Self { server, name: format!("it_{}_{}", std::process::id(), unique.to_ascii_lowercase()) };
        execute(&database.server, &format!("CREATE DATABASE {} TEMPLATE template0", database.name));
        database
    }

    fn url(&self) -> String {
        format!("{}/{}", self.server.rsplit_once('/').unwrap().0, self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn execute(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    });
}

/// A machine of its own, whose settings name the database. Its password is in a file.
struct Node(Installation);

impl Node {
    fn new(url: &str) -> Self {
        let node = Self(Installation::new());
        let (scheme, rest) = url.split_once("://").unwrap();
        let (user, place) = rest.split_once('@').unwrap();
        let (user, password) = user.split_once(':').unwrap();
        let write = |name: &str, text: String| std::fs::write(node.0.folder().join(name), text).unwrap();
        write("password", format!("{password}\n"));
        write("master.key", "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d\n".to_owned());
        write(
            "chancery.toml",
            format!(
                "store.url = '{scheme}://{user}@{place}'\nstore.password = 'file:password'\nkeys.master = 'master.key'\n"
            ),
        );
        node
    }

    fn run(&self, line: &str) -> Output {
        self.0.run(&words(line))
    }

    fn json(&self, line: &str) -> Value {
        self.0.json(&words(line))
    }

    fn serve(&self) -> RunningServer {
        self.0.serve(&["--config", "chancery.toml"])
    }
}

fn words(line: &str) -> Vec<&str> {
    ["--config", "chancery.toml"].into_iter().chain(line.split(' ')).collect()
}

fn soon(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn status(server: &RunningServer, secret: &Value) -> u16 {
    server.token("x", secret["client_secret"].as_str().unwrap(), "").0
}

#[test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
fn two_nodes_are_one_server() {
    let database = Database::new();
    let (one, two) = (Node::new(&database.url()), Node::new(&database.url()));
    let added = one.json("app add --name x --client-id x");
    let servers = [one.serve(), two.serve()];
    for server in &servers {
        assert_eq!(status(server, &added), 200);
    }
    // Each connection is ended, and nobody has to be started again.
    execute(
        &database.url(),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'chancery'",
    );
    let second = two.json("app secret add x");
    for server in &servers {
        soon(|| status(server, &second) == 200);
    }
    // A token that one refuses is refused by the other at once.
    let secret = second["client_secret"].as_str().unwrap();
    let token = servers[0].token("x", secret, "").1["access_token"].as_str().unwrap().to_owned();
    let form = format!("client_id=x&client_secret={secret}&token={token}");
    assert_eq!(servers[0].post("/oauth2/revoke", &form).0, 200);
    assert_eq!(servers[1].post("/oauth2/introspect", &form), (200, r#"{"active":false}"#.to_owned()));
    one.json("app remove x");
    for server in &servers {
        soon(|| [401, 429].contains(&status(server, &second)));
    }
    let mistakes = two.run("audit verify");
    assert!(mistakes.status.success(), "{}", String::from_utf8_lossy(&mistakes.stderr));
}

#[test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
fn commands_say_what_they_find() {
    let database = Database::new();
    let node = Node::new(&database.url());
    let early = node.run("doctor");
    let early = String::from_utf8_lossy(&early.stdout).into_owned();
    assert!(early.contains("the store's schema is number 0"), "{early}");
    let migrated = node.json("migrate --check");
    assert_eq!((&migrated["from"], &migrated["check"]), (&Value::from(0), &Value::from("ok")));
    assert_eq!(migrated["to"], node.json("migrate")["from"]);
    node.json("app add --name x");
    let findings = node.json("doctor");
    let store = findings.as_array().unwrap().iter().find(|one| one["check"] == "store").unwrap();
    let detail = store["detail"].as_str().unwrap();
    assert!(detail.contains("PostgreSQL ") && detail.contains("no TLS, synchronous_commit on"), "{detail}");
    let wrong = findings.as_array().unwrap().iter().find(|one| one["result"] == "wrong");
    assert_eq!(wrong, None);
}

#[test]
fn a_database_that_is_not_there_is_named_in_one_line() {
    let node = Node::new("postgres://me:hunter2@127.0.0.1:1/chancery");
    for line in ["serve", "app list", "migrate", "audit list"] {
        let output = node.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{line}: {said}");
        assert!(
            said.contains("127.0.0.1:1: error connecting to server") && !said.contains("hunter2"),
            "{said}"
        );
    }
    let unknown = node.0.run(&["--store", "postgres://me@127.0.0.1:1/chancery", "app", "list"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("keys.master: must be given with PostgreSQL"), "{said}");
}
