//! What a row requires and what was measured, as one line of a table; and what is needed to understand a miss.
//! Not for: measuring.

use std::collections::HashSet;
use std::fmt;
use std::io::{Write, stdout};
use std::time::Duration;

use super::Done;
use super::history::{Kind, Operation, Outcome, Record};
use super::judge;
use super::load::{Lateness, millis, percentile};
use super::site::Site;

/// How many broken promises are explained.
const EXPLAINED: usize = 10;

/// How many lines explain a row at most.
const LINES: usize = 60;

/// How many other operations on the same things are shown with each.
const SHOWN_BESIDE: usize = 8;

/// A row's result.
#[derive(Default)]
pub(crate) struct Report {
    required: Vec<String>,
    measured: Vec<String>,
    missed: Vec<String>,
    explanation: Vec<String>,
    breaks_promises: bool,
}

impl Report {
    /// Of a row that could not be run to its end.
    pub(crate) fn failed(why: &str) -> Self {
        let mut report = Self::default();
        let line = why.lines().next().unwrap_or_default();
        report.need("to run to its end", &format!("did not: {line}"), false);
        report.explanation.push(why.to_owned());
        report
    }

    /// What is required, what was measured, and whether that reaches it.
    pub(crate) fn need(&mut self, required: &str, measured: &str, is_reached: bool) {
        // Several ways to fail have the same to reach.
        if !self.required.iter().any(|known| known == required) {
            self.required.push(required.to_owned());
        }
        self.tell(measured);
        if !is_reached {
            self.missed.push(format!("required: {required}; measured: {measured}"));
        }
    }

    /// Something that was measured and that nothing is required of.
    pub(crate) fn tell(&mut self, measured: &str) {
        self.measured.push(measured.to_owned());
    }

    /// How late the generator was; a late one has measured itself.
    pub(crate) fn need_punctual(&mut self, lateness: Lateness) {
        let is_punctual = lateness.p99 < Duration::from_millis(100);
        if is_punctual {
            self.tell(&lateness.to_string());
        } else {
            self.need("a punctual generator", &lateness.to_string(), false);
        }
    }

    /// Whether all that is required was reached.
    pub(crate) fn is_reached(&self) -> bool {
        self.missed.is_empty()
    }

    /// Whether something was missed although no promise was broken.
    pub(crate) fn is_only_slow(&self) -> bool {
        !self.is_reached() && !self.breaks_promises
    }

    /// Judges what happened at a site.
    pub(crate) fn judge(&mut self, site: &Site) {
        let record = site.history.record();
        let violations = judge::violations(&record);
        let (count, operations) = (violations.len(), record.operations.len());
        let measured = format!("{count} broken promises in {operations} operations");
        self.breaks_promises |= count > 0;
        self.need("no promise broken", &measured, count == 0);
        let mut explained = HashSet::new();
        for violation in &violations {
            // One that many things contradict is explained once.
            let because = violation.because.unwrap_or(violation.operation);
            if explained.len() < EXPLAINED
                && explained.insert((violation.promise, std::ptr::from_ref(because)))
            {
                self.explain_one(violation, &record);
            }
        }
    }

    fn explain_one(&mut self, violation: &judge::Violation<'_>, record: &Record) {
        self.explanation.push(violation.to_string());
        let is_beside = |other: &&Operation| {
            !std::ptr::eq(*other, violation.operation)
                && other.things.iter().any(|thing| violation.operation.things.contains(thing))
        };
        let mut beside: Vec<_> = record.operations.iter().filter(is_beside).collect();
        beside.sort_by_key(|other| other.start.abs_diff(violation.operation.start));
        let beside = beside.into_iter().take(SHOWN_BESIDE);
        self.explanation.extend(beside.map(|other| format!("    beside it: {}", judge::shown(other))));
    }

    /// Adds an operation that did not succeed, if there was one.
    pub(crate) fn note_example(&mut self, share: &Share) {
        self.explanation.extend(share.example.clone());
    }

    /// Adds a line that is shown if anything was missed.
    pub(crate) fn note(&mut self, line: String) {
        self.explanation.push(line);
    }

    /// Prints what is needed to understand what was missed.
    pub(crate) fn explain(&self) -> Done {
        for line in self.missed.iter().chain(self.explanation.iter().take(LINES)) {
            writeln!(stdout(), "    {line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_reached() { "reached" } else { "**missed**" };
        write!(formatter, "{} | {} | {verdict}", self.required.join("; "), self.measured.join("; "))
    }
}

/// How operations of a kind went in a time.
pub(crate) struct Share {
    pub(crate) all: usize,
    pub(crate) granted: usize,
    /// 99 of 100 answers took no longer.
    pub(crate) p99: Duration,
    /// One that did not succeed, for whoever wants to know why.
    pub(crate) example: Option<String>,
}

impl Share {
    /// Of the operations of a record that are of a kind, began in a time, and are let through.
    pub(crate) fn of(
        record: &Record,
        kind: Kind,
        (start, end): (Duration, Duration),
        filter: impl Fn(&Operation) -> bool,
    ) -> Self {
        let is_one =
            |one: &&Operation| one.kind == kind && start <= one.start && one.start < end && filter(one);
        let ones: Vec<_> = record.operations.iter().filter(is_one).collect();
        let mut times: Vec<_> = ones.iter().map(|one| one.took()).collect();
        let example = ones.iter().find(|one| one.outcome != Outcome::Granted).map(|one| judge::shown(one));
        let granted = ones.iter().filter(|one| one.outcome == Outcome::Granted).count();
        Self { all: ones.len(), granted, p99: percentile(&mut times, 99), example }
    }

    /// Whether at least so many of 10,000 succeeded, and there were any.
    pub(crate) fn reaches(&self, of_ten_thousand: usize) -> bool {
        self.all > 0 && self.granted * 10_000 >= self.all * of_ten_thousand
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {}, p99 {}", self.granted, self.all, millis(self.p99))
    }
}
