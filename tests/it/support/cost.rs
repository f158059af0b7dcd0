//! What an answer costs, in what no machine and no load changes.
//! Not for: time.

use std::pin::pin;

use chancery::http::server::Answers;
use futures_util::FutureExt;

use super::ask::Ask;
use super::server::{SOURCE, TestServer};

/// What an answer costs.
#[derive(Debug)]
pub(crate) struct Cost {
    /// How often memory was asked for.
    pub(crate) pieces: u64,
    /// How much of it, in bytes.
    pub(crate) bytes: u64,
    /// How large the answer is while it is on its way: it is moved several times.
    pub(crate) moved: usize,
    /// How often the clock was read.
    pub(crate) readings: u64,
}

impl TestServer {
    /// What an answer costs from a request that has come to an answer that can be written, without either.
    pub(crate) fn cost(&self, ask: Ask) -> Cost {
        let (mut request, before) = (ask.into_request(), self.clock.readings());
        let (mut response, mut moved) = (None, 0);
        let memory = allocation_counter::measure(|| {
            let answer = self.front.answer(&mut request, Some(SOURCE));
            moved = size_of_val(&answer);
            let mut answer = pin!(answer);
            // The signature lets others have their turn once.
            while response.is_none() {
                response = answer.as_mut().now_or_never();
            }
        });
        assert_eq!(response.unwrap().status(), 200);
        let readings = self.clock.readings() - before;
        Cost { pieces: memory.count_total, bytes: memory.bytes_total, moved, readings }
    }
}
