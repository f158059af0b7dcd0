//! `kill -9`, fifty times, amid changes from the command line and token requests: nothing acknowledged is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::support::binary::{Installation, PATIENCE, RunningServer};

const ROUNDS: u64 = 50;
const WRITERS: u64 = 3;

/// What the command line has acknowledged about one application.
#[derive(Default)]
struct Application {
    /// `None` while a change of it was cut short, so that either is right.
    enabled: Option<bool>,
    /// The secrets that were acknowledged, by id; the first one's id is learnt from the list.
    secrets: BTreeMap<String, String>,
    /// Secrets that are gone, as was acknowledged.
    removed: BTreeSet<String>,
    /// A secret whose removal was cut short.
    doubtful: Option<String>,
}

/// What one writer has done. Only it writes to its applications, so that it knows what they must be.
#[derive(Default)]
struct Acknowledged {
    applications: BTreeMap<String, Application>,
    scopes: BTreeSet<String>,
    /// The application it works on now.
    current: Option<String>,
}

/// One round's stop: the word, and the commands that run, to be killed with the server.
#[derive(Default)]
struct Round {
    over: AtomicBool,
    changes: AtomicU64,
    running: Mutex<Vec<Arc<Mutex<Child>>>>,
}

impl Round {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Waits until so many changes were acknowledged, and some milliseconds into the next ones.
    fn wait(&self, changes: u64, milliseconds: u64) {
        let started = Instant::now();
        while self.changes.load(Ordering::SeqCst) < changes {
            assert!(started.elapsed() < PATIENCE, "the commands do not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(milliseconds));
    }

    /// Kills everything that runs at the same moment.
    fn kill(&self, server: RunningServer) {
        let running = self.running.lock().unwrap();
        self.over.store(true, Ordering::SeqCst);
        for child in running.iter() {
            let _ = child.lock().unwrap().kill();
        }
        drop(server);
    }

    /// Runs a command. `None` when it was killed; whatever it printed then acknowledges nothing.
    fn run(&self, installation: &Installation, arguments: &[&str]) -> Option<Value> {
        let mut command = installation.command(&[&["--output", "json"], arguments].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = {
            let mut running = self.running.lock().unwrap();
            if self.is_over() {
                return None;
            }
            let child = Arc::new(Mutex::new(command.spawn().unwrap()));
            running.push(Arc::clone(&child));
            child
        };
        let status = loop {
            if let Some(status) = child.lock().unwrap().try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let (mut said, mut trouble) = (Vec::new(), String::new());
        let mut child = child.lock().unwrap();
        child.stdout.take().unwrap().read_to_end(&mut said).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut trouble).unwrap();
        match status.code() {
            Some(0) => {
                self.changes.fetch_add(1, Ordering::SeqCst);
                Some(serde_json::from_slice(&said).unwrap())
            }
            Some(code) => panic!("{arguments:?} ended with {code}: {trouble}"),
            None => None,
        }
    }
}

/// Numbers that look random and are the same in every run (xorshift64).
struct Numbers(AtomicU64);

impl Numbers {
    fn below(&self, limit: u64) -> u64 {
        let step = |mut number: u64| {
            number ^= number << 13;
            number ^= number >> 7;
            number ^ (number << 17)
        };
        let former =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |number| Some(step(number))).unwrap();
        step(former) % limit
    }
}

/// Makes one change after the other until the round is over.
fn write(
    installation: &Installation,
    round: &Round,
    numbers: &Numbers,
    name: &str,
    acknowledged: &mut Acknowledged,
) {
    let mut count = 0;
    while !round.is_over() {
        count += 1;
        let fresh = format!("{name}-{count}");
        let Acknowledged { applications, scopes, current } = acknowledged;
        let application = current.as_ref().and_then(|current| applications.get_mut(current));
        let (Some(client_id), Some(application)) = (current.as_deref(), application) else {
            let answer = round.run(installation, &["app", "add", "--name", name, "--client-id", &fresh]);
            if let Some(answer) = answer {
                let secret = answer["client_secret"].as_str().unwrap().to_owned();
                let secrets = BTreeMap::from([(String::new(), secret)]);
                let enabled = Some(true);
                applications
                    .insert(fresh.clone(), Application { enabled, secrets, ..Application::default() });
                *current = Some(fresh);
            }
            continue;
        };
        match numbers.below(10) {
            0 => *current = None,
            1 => {
                if round.run(installation, &["scope", "add", &fresh]).is_some() {
                    scopes.insert(fresh);
                }
            }
            2..5 => change_enabled(installation, round, client_id, application),
            _ => change_secrets(installation, round, client_id, application),
        }
    }
}

fn change_enabled(
    installation: &Installation,
    round: &Round,
    client_id: &str,
    application: &mut Application,
) {
    let wanted = !application.enabled.unwrap();
    let flag = wanted.to_string();
    application.enabled = None;
    if let Some(answer) = round.run(installation, &["app", "set", client_id, "--enabled", &flag]) {
        assert_eq!(answer["enabled"], wanted);
        application.enabled = Some(wanted);
    }
}

/// Adds a secret or, when there are several, removes the last one added.
fn change_secrets(
    installation: &Installation,
    round: &Round,
    client_id: &str,
    application: &mut Application,
) {
    if application.secrets.len() < 2 {
        if let Some(answer) = round.run(installation, &["app", "secret", "add", client_id]) {
            let text = |name: &str| answer[name].as_str().unwrap().to_owned();
            application.secrets.insert(text("id"), text("client_secret"));
        }
        return;
    }
    let id = application.secrets.keys().next_back().unwrap().clone();
    application.secrets.remove(&id);
    application.doubtful = Some(id.clone());
    if round.run(installation, &["app", "secret", "remove", client_id, &id]).is_some() {
        application.removed.extend(application.doubtful.take());
    }
}

/// Gets tokens until the server is gone; until then every request is answered with one.
fn get_tokens(server: std::net::SocketAddr, secret: &str, round: &Round) -> u64 {
    let mut count = 0;
    while !round.is_over() {
        match token_status(server, "steady", secret) {
            Some(200) => {
                count += 1;
                // The command lines shall have something of the machine too.
                std::thread::sleep(Duration::from_millis(3));
            }
            Some(status) => panic!("an acknowledged secret got {status}"),
            None => assert!(round.is_over(), "a request got no answer from a server that was not killed"),
        }
    }
    count
}

/// The status of a token request; nothing when the answer did not come whole.
fn token_status(server: std::net::SocketAddr, client_id: &str, secret: &str) -> Option<u16> {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(server).ok()?;
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
    let head = "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ";
    stream.write_all(format!("{head}{}\r\n\r\n{form}", form.len()).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.ends_with('}').then(|| answer.split(' ').nth(1).unwrap().parse().unwrap())
}

/// Holds what is there against what was acknowledged, and learns what became of the changes that were cut short.
/// The secrets of applications that no writer works on any more are looked at in the end, with `every_secret`.
fn check(installation: &Installation, all: &mut [Acknowledged], every_secret: bool) {
    assert_eq!(installation.json(&["migrate", "--check"])["check"], "ok");
    let scopes = names(&installation.json(&["scope", "list"]), "name");
    let listed = installation.json(&["app", "list"]);
    let listed = listed.as_array().unwrap();
    let enabled: BTreeMap<&str, bool> = listed
        .iter()
        .map(|one| (one["client_id"].as_str().unwrap(), one["enabled"].as_bool().unwrap()))
        .collect();
    let secrets = |client_id: &str| installation.json(&["app", "secret", "list", client_id]);
    let mut rest = enabled.clone();
    for acknowledged in all {
        assert!(scopes.is_superset(&acknowledged.scopes), "a scope is lost");
        for (client_id, application) in &mut acknowledged.applications {
            let Some(found) = rest.remove(client_id.as_str()) else { panic!("{client_id} is lost") };
            assert_eq!(found, application.enabled.unwrap_or(found), "a change of {client_id} is lost");
            application.enabled = Some(found);
            if every_secret || acknowledged.current.as_ref() == Some(client_id) {
                check_secrets(application, &secrets(client_id));
            }
        }
    }
    for (client_id, enabled) in rest.iter().filter(|_| every_secret) {
        let count = secrets(client_id).as_array().unwrap().len();
        assert_eq!((*enabled, count), (true, 1), "{client_id} was registered by halves");
    }
}

fn names(list: &Value, member: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|one| one[member].as_str().unwrap().to_owned()).collect()
}

fn check_secrets(application: &mut Application, listed: &Value) {
    let ids = names(listed, "id");
    // The first secret came with the application, whose answer does not tell its id.
    if let Some(first) = application.secrets.remove("") {
        let known =
            |id: &str| application.secrets.contains_key(id) || application.doubtful.as_deref() == Some(id);
        let id =
            listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).find(|id| !known(id));
        application.secrets.insert(id.expect("the first secret is lost").to_owned(), first);
    }
    for id in application.secrets.keys() {
        assert!(ids.contains(id), "secret {id} is lost: {listed}");
    }
    if let Some(doubtful) = application.doubtful.take_if(|doubtful| !ids.contains(doubtful)) {
        application.removed.insert(doubtful);
    }
    assert!(ids.is_disjoint(&application.removed), "a secret that was removed is back: {listed}");
}

/// Gets a token with every acknowledged secret of the applications the writers work on.
fn check_tokens(server: &RunningServer, all: &[Acknowledged]) {
    for acknowledged in all {
        let current =
            acknowledged.current.as_ref().map(|current| (current, &acknowledged.applications[current]));
        if let Some((client_id, application)) = current {
            let expected = if application.enabled.unwrap() { 200 } else { 401 };
            for secret in application.secrets.values() {
                assert_eq!(token_status(server.public, client_id, secret), Some(expected), "{client_id}");
            }
        }
    }
}

/// What one round proves: a server answers token requests while three command lines at a time register applications,
/// add and remove secrets, add scopes, switch applications on and off. At a moment nobody chose, all of these processes
/// are killed. Then every change whose command had ended with status 0 is there; no secret whose removal was
/// acknowledged is back; a change that was cut short happened or did not; SQLite finds its file and all references
/// whole; and a server started on it gives a token for every acknowledged secret of an application that is on.
#[test]
fn nothing_acknowledged_is_lost() {
    let installation = Installation::new();
    let steady = installation.json(&["app", "add", "--name", "steady", "--client-id", "steady"]);
    let steady = steady["client_secret"].as_str().unwrap();
    let numbers = Numbers(AtomicU64::new(0x9E37_79B9_7F4A_7C15));
    let mut all: Vec<_> = (0..WRITERS).map(|_| Acknowledged::default()).collect();
    let mut tokens = 0;
    for number in 0..ROUNDS {
        let server = installation.serve(&[]);
        check_tokens(&server, &all);
        let (round, public) = (Round::default(), server.public);
        std::thread::scope(|scope| {
            for (writer, acknowledged) in all.iter_mut().enumerate() {
                let (installation, round, numbers) = (&installation, &round, &numbers);
                let name = format!("r{number}-w{writer}");
                scope.spawn(move || write(installation, round, numbers, &name, acknowledged));
            }
            let getter = scope.spawn(|| get_tokens(public, steady, &round));
            round.wait(numbers.below(12), numbers.below(40));
            round.kill(server);
            tokens += getter.join().unwrap();
        });
        check(&installation, &mut all, false);
    }
    check(&installation, &mut all, true);
    let applications: usize = all.iter().map(|one| one.applications.len()).sum();
    assert!(
        applications > 20 && tokens > ROUNDS,
        "too little happened: {applications} applications, {tokens} tokens"
    );
}
