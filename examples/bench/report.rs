//! What was measured, as a table in Markdown that grows row by row.
//! Not for: measuring it.

use std::error::Error;
use std::io::{Write, stdout};

use super::Outcome;

/// A table, and which of its rows were missed.
pub(super) struct Table {
    required: usize,
    missed: Vec<String>,
}

impl Table {
    /// Begins one.
    pub(super) fn new() -> Outcome<Self> {
        writeln!(stdout(), "| row | required | measured | |\n| --- | --- | --- | --- |")?;
        Ok(Self { required: 0, missed: Vec::new() })
    }

    /// A row of which nothing is required.
    #[expect(clippy::unused_self, reason = "rows belong to a table that has begun")]
    pub(super) fn told(&mut self, name: &str, measured: &str) -> Outcome {
        line(name, "", measured, "")
    }

    /// A row of which something is required.
    pub(super) fn judged(&mut self, name: &str, required: &str, measured: &str, reached: bool) -> Outcome {
        self.required += 1;
        if !reached {
            self.missed.push(name.to_owned());
        }
        line(name, required, measured, if reached { "reached" } else { "**missed**" })
    }

    /// A row that could not be measured, which is as good as missed.
    pub(super) fn failed(&mut self, name: &str, why: &dyn Error) -> Outcome {
        let why = why.to_string().replace(['\n', '|'], " ");
        self.judged(name, "to be measured", &format!("not measured: {why}"), false)
    }

    /// Says how many rows were reached, and whether all were.
    pub(super) fn end(self) -> Outcome<bool> {
        if self.required > 0 {
            let reached = self.required - self.missed.len();
            writeln!(stdout(), "\n{reached} of {} required rows reached.", self.required)?;
        }
        for name in &self.missed {
            writeln!(stdout(), "Missed: {name}.")?;
        }
        Ok(self.missed.is_empty())
    }
}

fn line(name: &str, required: &str, measured: &str, verdict: &str) -> Outcome {
    writeln!(stdout(), "| {name} | {required} | {measured} | {verdict} |")?;
    Ok(())
}

/// The middle one.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Microseconds as milliseconds.
pub(super) fn milliseconds(micros: f64) -> String {
    format!("{:.2} ms", micros / 1000.0)
}

/// Kibibytes as mebibytes.
#[expect(clippy::cast_precision_loss, reason = "kibibytes of memory fit a float")]
pub(super) fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
