//! Row e: the nodes' clocks differ, and tokens of each are good at the others.
//! Not for: a clock that goes back, which the tests of the clock itself look at.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::crowd::Crowd;
use crate::desk::Change;
use crate::door::Login;
use crate::history::{Kind, Outcome, Thing};
use crate::judge::GRACE;
use crate::load::millis;
use crate::report::{Report, Share};
use crate::site::{Shape, Site};
use crate::{Done, Plan};

/// By how much each node's clock is ahead, in seconds.
const OFFSETS: [i64; 3] = [0, 3, -3];

/// Where Debian and others keep the library that tells a process another time.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
];

/// How long a new key is published before it signs, and a node needs to notice: docs/operate/rotate.md.
const SIGNS_AFTER: Duration = Duration::from_secs(8 * 60 + 30);

pub(super) async fn run(plan: &Plan) -> Done<Report> {
    let library = LIBRARIES.into_iter().find(|library| Path::new(library).exists());
    let library = library.ok_or("libfaketime is missing: install the package faketime")?;
    let mut site = Site::open(plan, Shape::Plain).await?;
    for (node, offset) in site.nodes.iter_mut().zip(OFFSETS) {
        node.stop().await?;
        if offset != 0 {
            node.set_environment("LD_PRELOAD", library);
            node.set_environment("FAKETIME", &format!("{offset:+}"));
            // Deadlines are measured on the other clock, which is right on every machine.
            node.set_environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        node.start().await?;
    }
    let mut report = Report::default();
    let (offsets, undated) = look_at_clocks(&site).await?;
    report.need("clocks off by 0, 3 and −3 s", &format!("{offsets:?} s"), offsets == OFFSETS);
    let mut crowd = Crowd::new("e");
    for (node, (door, desk)) in site.doors.iter().zip(&site.desks).enumerate() {
        crowd.tokens(door, &site.known, 40.0);
        crowd.keys(door, 10.0);
        crowd.operators(desk, node, 2.0);
    }
    crowd.verifiers(&site.doors, &site.known, 30.0);
    let start = site.history.now();
    sleep(GRACE).await;
    let published = rotate(&site).await?;
    report.need(
        "a new key published everywhere within 1 s",
        &format!("new key after {}", millis(published)),
        published <= GRACE,
    );
    sleep(plan.either(Duration::from_secs(10), SIGNS_AFTER)).await;
    let end = site.history.now();
    crowd.end(&site, &mut report).await?;
    let record = site.history.record();
    for (what, kind) in [("tokens", Kind::Token), ("introspections", Kind::Introspect)] {
        let share = Share::of(&record, kind, (start, end), |one| one.place.is_some() && is_of_known(one));
        report.need(&format!("all {what}"), &format!("{what} {share}"), share.reaches(10_000));
        report.note_example(&share);
    }
    let mut keys: Vec<&Thing> =
        record.operations.iter().filter(|one| one.kind == Kind::Token).flat_map(|one| &one.keys).collect();
    keys.sort();
    keys.dedup();
    // The new key signs in the long form only: it takes minutes until every verifier must know it.
    let wanted = plan.either(1, 2);
    report.need("keys that signed", &format!("{} keys", keys.len()), keys.len() == wanted);
    report.tell(&format!("a token without backdating is active elsewhere after at most {}", millis(undated)));
    report.judge(&site);
    Ok(report)
}

fn is_of_known(one: &crate::history::Operation) -> bool {
    one.things.first().is_some_and(|thing| thing.starts_with("application known-"))
}

/// By how many seconds the tokens of each node are ahead of this process's clock; and how long it takes until a token
/// whose time begins when it is issued is active at all nodes.
#[expect(clippy::disallowed_methods, reason = "the nodes' clocks are compared with the one of this process")]
async fn look_at_clocks(site: &Site) -> Done<(Vec<i64>, Duration)> {
    let login = Login::new("plain", "read");
    let (desk, mut offsets, mut longest) =
        (site.desks.first().ok_or("there is no desk")?, Vec::new(), Duration::ZERO);
    let body = json!({
        "name": "Plain", "client_id": &*login.client_id, "client_secret": &*login.secret, "scopes": ["read"],
    });
    // Nobody's thing: that its tokens are not active at once is what is measured, and no broken promise.
    let change = Change { kind: Kind::Make, things: Vec::new(), method: "POST", path: "applications", body };
    if desk.change(change).await.0 != Outcome::Granted {
        return Err("an application was not registered".into());
    }
    for door in &site.doors {
        let token = door.unjudged_token(&login).await.ok_or("no token")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        let issued = site.history.now();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few seconds")]
        offsets.push((token.issued_at as f64 + 0.5 - now).round() as i64);
        for other in &site.doors {
            while !other.is_active(&token).await {
                if site.history.now() > issued + Duration::from_secs(20) {
                    return Err("a token is not active at another node after 20 s".into());
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        longest = longest.max(site.history.now().saturating_sub(issued));
    }
    Ok((offsets, longest))
}

/// Makes the next key at the node whose clock is ahead, and says how long it takes until all publish it.
async fn rotate(site: &Site) -> Done<Duration> {
    let desk = site.desks.get(1).ok_or("there is no desk")?;
    let change =
        Change { kind: Kind::Allow, things: Vec::new(), method: "POST", path: "keys", body: json!({}) };
    let (outcome, made) = desk.change(change).await;
    let key = made.get("kid").and_then(Value::as_str).ok_or_else(|| format!("no new key: {outcome:?}"))?;
    let made = site.history.now();
    for door in &site.doors {
        while !door.keys().await.iter().any(|known| &**known == key) {
            if site.history.now() > made + Duration::from_secs(10) {
                return Err("a new key is not published within 10 s".into());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(site.history.now().saturating_sub(made))
}
