//! What became of the requests of one phase of a load.
//! Not for: sending them (`paced.rs`).

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The length of a window.
pub(super) const WINDOW: Duration = Duration::from_millis(100);

/// What became of them. Times are in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Report {
    /// Requests that were due.
    pub(super) due: u64,
    /// Those of them that found no free connection until the end.
    pub(super) unsent: u64,
    /// Those that were answered as they should be.
    pub(super) answered: u64,
    /// Those of them whose answer came before the phase was over.
    pub(super) in_time: u64,
    /// Those that were answered with 503 or 429.
    pub(super) refused: u64,
    /// Those that had another answer, or none.
    pub(super) failed: u64,
    /// What the first of those was told.
    pub(super) first_failure: Option<String>,
    /// Median of the times from when a request was due to its answer, if it was answered as it should be.
    pub(super) p50: f64,
    /// The time that one in a hundred of them exceeds.
    pub(super) p99: f64,
    /// The same, less the time for which other programs had the server's processor.
    pub(super) p99_unkept: f64,
    /// The time that one in a hundred refusals exceeds, from when the request was sent.
    pub(super) refusal_p99: f64,
    /// The longest of those.
    pub(super) refusal_max: f64,
    /// How late the generator itself was: exceeded for one request in a hundred.
    pub(super) late_p99: f64,
    /// What became of each tenth of a second, by when requests were due.
    pub(super) windows: Vec<Window>,
}

/// What became of the requests that were due in a tenth of a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Window {
    /// Answered as they should be.
    pub(super) answered: u64,
    /// All others, if they were sent.
    pub(super) others: u64,
    /// The time that one in a hundred of the former exceeds, in milliseconds.
    pub(super) p99: f64,
}

/// A phase in which requests are counted.
pub(super) struct Tally {
    began: Instant,
    due: u64,
    unsent: u64,
    in_time: u64,
    refused: u64,
    failed: u64,
    first_failure: Option<String>,
    times: Vec<Duration>,
    /// For how long other programs had the server's processor meanwhile, for each of them.
    kept: Vec<Duration>,
    refusals: Vec<Duration>,
    late: Vec<Duration>,
    windows: Vec<(Vec<Duration>, u64)>,
}

impl Tally {
    /// One that begins then.
    pub(super) fn new(began: Instant) -> Self {
        Self {
            began,
            due: 0,
            unsent: 0,
            in_time: 0,
            refused: 0,
            failed: 0,
            first_failure: None,
            times: Vec::new(),
            kept: Vec::new(),
            refusals: Vec::new(),
            late: Vec::new(),
            windows: Vec::new(),
        }
    }

    /// A request is due, and the generator was so late to see it.
    pub(super) fn due(&mut self, late: Duration) {
        self.due += 1;
        self.late.push(late);
    }

    /// A request never found a free connection.
    pub(super) fn unsent(&mut self) {
        self.unsent += 1;
    }

    /// A request was answered as it should be; meanwhile other programs had the server's processor for so long.
    pub(super) fn answered(&mut self, due: Instant, now: Instant, kept: Duration) {
        self.times.push(now - due);
        self.kept.push(kept);
        if let Some((times, _)) = self.window(due) {
            times.push(now - due);
        }
    }

    /// The phase of a request that was answered is not over yet.
    pub(super) fn in_time(&mut self) {
        self.in_time += 1;
    }

    /// A request was answered otherwise, so long after it was sent.
    pub(super) fn refused(&mut self, answer: &[u8], due: Instant, took: Duration) {
        if [b"HTTP/1.1 503", b"HTTP/1.1 429"].iter().any(|start| answer.starts_with(*start)) {
            self.refused += 1;
            self.refusals.push(took);
            self.note_other(due);
        } else {
            self.fail(due, &String::from_utf8_lossy(answer));
        }
    }

    /// A request had no answer.
    pub(super) fn cut(&mut self, due: Instant) {
        self.fail(due, "no answer");
    }

    fn fail(&mut self, due: Instant, why: &str) {
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| why.to_owned());
        self.note_other(due);
    }

    fn note_other(&mut self, due: Instant) {
        if let Some((_, others)) = self.window(due) {
            *others += 1;
        }
    }

    fn window(&mut self, due: Instant) -> Option<&mut (Vec<Duration>, u64)> {
        let since = due.saturating_duration_since(self.began);
        let number = usize::try_from(since.as_millis() / WINDOW.as_millis()).ok()?;
        if number >= self.windows.len() {
            self.windows.resize_with(number + 1, Default::default);
        }
        self.windows.get_mut(number)
    }

    /// How long answers would have taken without other programs: what was kept is taken off what is above the median, since it may
    /// have begun before the request was due.
    fn unkept(&self) -> Vec<Duration> {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let times = self.times.iter().zip(&self.kept);
        times.map(|(time, kept)| time.saturating_sub(*kept).max(median.min(*time))).collect()
    }

    /// What became of them all.
    pub(super) fn report(mut self, with_windows: bool) -> Report {
        let windows = if with_windows { std::mem::take(&mut self.windows) } else { Vec::new() };
        let windows = windows.into_iter().map(|(mut times, others)| Window {
            answered: times.len() as u64,
            others,
            p99: percentile(&mut times, 99),
        });
        let mut unkept = self.unkept();
        Report {
            due: self.due,
            unsent: self.unsent,
            answered: self.times.len() as u64,
            in_time: self.in_time,
            refused: self.refused,
            failed: self.failed,
            first_failure: self.first_failure,
            p50: percentile(&mut self.times, 50),
            p99: percentile(&mut self.times, 99),
            p99_unkept: percentile(&mut unkept, 99),
            refusal_p99: percentile(&mut self.refusals, 99),
            refusal_max: percentile(&mut self.refusals, 100),
            late_p99: percentile(&mut self.late, 99),
            windows: windows.collect(),
        }
    }
}

/// The time that so many of a hundred do not exceed, in milliseconds.
pub(super) fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}
