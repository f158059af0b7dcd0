//! The rows: each makes an installation, does something to it under load, and reports.
//! Not for: what they have in common with each other (`crowd.rs`, `ledger.rs`).

use std::pin::Pin;

mod changes;
mod clocks;
mod failover;
mod failures;
mod outage;
mod partition;
mod recovery;
mod restarts;
mod rolling;

use super::report::Report;
use super::{Done, Plan};

type Running<'plan> = Pin<Box<dyn Future<Output = Done<Report>> + Send + 'plan>>;

/// A row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Whether it needs no database server.
    pub(crate) runs_embedded: bool,
    pub(crate) run: for<'plan> fn(&'plan Plan) -> Running<'plan>,
}

/// All rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "a",
        title: "the database cannot be reached",
        runs_embedded: false,
        run: |plan| Box::pin(outage::run(plan)),
    },
    Row {
        name: "a2",
        title: "one node cannot reach the database",
        runs_embedded: false,
        run: |plan| Box::pin(partition::run(plan)),
    },
    Row {
        name: "b",
        title: "disable, rotate, revoke, remove a scope: seen on all nodes",
        runs_embedded: true,
        run: |plan| Box::pin(changes::run(plan)),
    },
    Row {
        name: "c",
        title: "the database crashes again and again",
        runs_embedded: false,
        run: |plan| Box::pin(restarts::run(plan)),
    },
    Row {
        name: "d",
        title: "one node killed, one paused, behind haproxy",
        runs_embedded: true,
        run: |plan| Box::pin(failures::run(plan)),
    },
    Row {
        name: "e",
        title: "one clock 3 s ahead, one 3 s behind",
        runs_embedded: true,
        run: |plan| Box::pin(clocks::run(plan)),
    },
    Row {
        name: "f",
        title: "a rolling update behind haproxy",
        runs_embedded: true,
        run: |plan| Box::pin(rolling::run(plan)),
    },
    Row {
        name: "g",
        title: "failover to a standby",
        runs_embedded: false,
        run: |plan| Box::pin(failover::run(plan)),
    },
];
