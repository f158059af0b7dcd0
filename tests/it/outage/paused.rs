//! A whole process that is paused, as a machine that is moved or a container that is frozen.

use std::thread::{scope, sleep};
use std::time::Duration;

use crate::support::binary::Installation;

/// C22: what changed while a server was paused holds for the first request it reads afterwards, however short or long the
/// pause was.
#[test]
fn a_process_that_was_paused_acts_on_nothing_from_before() {
    let installation = Installation::new();
    let added = installation.json(&["app", "add", "--name", "x", "--client-id", "x"]);
    let secret = added["client_secret"].as_str().unwrap();
    let server = installation.serve(&[]);
    for pause in [1_000, 1_600, 4_000].map(Duration::from_millis) {
        assert_eq!(server.token("x", secret, "").0, 200);
        server.signal("STOP");
        let enable = |enabled| installation.json(&["app", "set", "x", "--enabled", enabled]);
        enable("false");
        let status = scope(|threads| {
            // The system takes the connection and the request for it.
            let asking = threads.spawn(|| server.token("x", secret, "").0);
            sleep(pause);
            server.signal("CONT");
            asking.join().unwrap()
        });
        // 429 when asking below, until it is enabled, has used up the budget for failures.
        assert!([401, 429].contains(&status), "{status} after {pause:?}");
        enable("true");
        while server.token("x", secret, "").0 != 200 {
            sleep(Duration::from_millis(10));
        }
    }
    assert!(!server.log().contains("the store is away"), "{}", server.log());
}
