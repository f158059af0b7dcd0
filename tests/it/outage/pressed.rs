//! Stores that hang or are slow, notices of changes, and floods of questions.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::Bridging;
use crate::support::faulty::Mood;

/// Long enough for anything that comes at all.
const GENEROUS: Duration = Duration::from_mins(1);

/// A store that gives no answer at all costs those who come first a wait, and nobody a token; it is asked a few times and
/// not by every request.
#[tokio::test]
async fn a_store_that_hangs_is_away() {
    let bridging = Bridging::start().await;
    bridging.turn(Mood::Hangs);
    bridging.store.take_asked();
    let first = join_all((0..50).map(|_| bridging.status(&bridging.app))).await;
    assert_eq!(first, [200; 50]);
    assert_eq!(bridging.store.take_asked(), 1);
    for _ in 0..50 {
        assert_eq!(bridging.status(&bridging.app).await, 200);
    }
    assert_eq!(bridging.ask("nobody", "x").await.status, 503);
    assert_eq!(bridging.store.take_asked(), 0);
    for _ in 0..3 {
        bridging.follow().await;
    }
    assert_eq!(bridging.store.take_asked(), 3);
    bridging.store.turn(Mood::Works);
    bridging.server.directory.follow().await.unwrap();
    assert_eq!(bridging.ask("nobody", "x").await.status, 401);
}

/// An attempt that nobody waits for any more goes on, and brings what changed.
#[tokio::test]
async fn a_slow_store_still_brings_changes() {
    let bridging = Bridging::start().await;
    bridging.turn(Mood::Hangs);
    assert_eq!(bridging.status(&bridging.app).await, 200);
    bridging.disable().await;
    // The attempt from before has its answer now. It is the only one there is: nobody follows in this test.
    bridging.store.turn(Mood::Works);
    let late = async {
        while bridging.status(&bridging.app).await == 200 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(GENEROUS, late).await.unwrap();
}

/// C22: what was known and has changed is known as it is now, although nobody has asked for it in between.
#[tokio::test]
async fn whoever_has_changed_is_still_known_when_the_store_goes_away() {
    let bridging = Bridging::start().await;
    let (second, _) = bridging.server.add_secret(&bridging.app, None).await;
    bridging.follow().await;
    let is_read_again = async {
        while !bridging.at_admin("/metrics").await.body.contains("\nchancery_memory_applications 1\n") {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(GENEROUS, is_read_again).await.unwrap();
    bridging.turn(Mood::Unavailable);
    assert_eq!([bridging.status(&bridging.app).await, bridging.status(&second).await], [200; 2]);
}

/// An administrator is told soon, also when the store stops answering in the middle.
#[tokio::test]
async fn an_administrator_waits_for_no_store_that_hangs() {
    let bridging = Bridging::start().await;
    bridging.store.turn(Mood::Hangs);
    let following = bridging.server.directory.keep_following(Duration::from_millis(1));
    let waits = async {
        let ask = crate::support::ask::get("/admin/v1/applications").basic("somebody", "x");
        bridging.server.answer_administrator(ask, bridging.store.clone()).await
    };
    let later = async {
        sleep(Duration::from_millis(20)).await;
        bridging.server.advance(Duration::from_millis(401));
    };
    let answered = async { tokio::join!(waits, later).0 };
    let reply = tokio::select! {
        reply = timeout(GENEROUS, answered) => reply.unwrap(),
        () = following => unreachable!("it follows for ever"),
    };
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{reply:?}");
}

/// C22: a notice of a change is acted on at once, and a flood of notices is no flood of questions.
#[tokio::test]
async fn notices_wake_the_follower() {
    let bridging = Bridging::start().await;
    let never = Duration::from_hours(24);
    let work = async {
        bridging.disable().await;
        bridging.store.notice();
        while bridging.status(&bridging.app).await == 200 {
            sleep(Duration::from_millis(1)).await;
        }
        bridging.store.take_asked();
        let mut notices = 0;
        while bridging.store.take_asked() == 0 || notices < 1_000 {
            bridging.store.notice();
            notices += 1;
            tokio::task::yield_now().await;
        }
        bridging.store.take_asked()
    };
    let asked = tokio::select! {
        asked = timeout(GENEROUS, work) => asked.unwrap(),
        () = bridging.server.directory.keep_following(never) => unreachable!("it follows for ever"),
    };
    assert!(asked < 500, "{asked} questions");
}

/// Everybody who asks for the same application at once is one question.
#[tokio::test]
async fn a_burst_for_one_application_is_one_question() {
    let bridging = Bridging::start().await;
    let app = bridging.add("another").await;
    bridging.store.take_asked();
    assert_eq!(join_all((0..200).map(|_| bridging.status(&app))).await, [200; 200]);
    assert_eq!(bridging.store.take_asked(), 1);
}

/// A flood of names that nobody has reaches the store a few at a time, and is told to come back; whoever is known does not
/// notice.
#[tokio::test]
async fn a_flood_of_unknown_ids_leaves_the_store_room() {
    let bridging = Bridging::start().await;
    bridging.store.take_asked();
    bridging.store.turn(Mood::Hangs);
    let names: Vec<String> = (0..1_000).map(|number| format!("stranger{number}")).collect();
    let flood = join_all(names.iter().map(async |name| bridging.ask(name, "x").await.status));
    let known = async {
        for _ in 0..100 {
            assert_eq!(bridging.status(&bridging.app).await, 200);
        }
        let asked = bridging.store.take_asked();
        bridging.store.turn(Mood::Works);
        asked
    };
    let (statuses, asked) = tokio::join!(flood, known);
    assert!((1..=8).contains(&asked), "{asked} questions at once");
    let refused = statuses.iter().filter(|status| **status == 503).count();
    assert!((700..=999).contains(&refused), "{refused}");
    assert!(statuses.iter().all(|status| [401, 503].contains(status)));
    assert_eq!(bridging.ask("stranger999", "x").await.status, 401);
}
