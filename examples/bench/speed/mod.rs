//! The rows of `scripts/bench`: each measures one thing against what is required of it, and can be run alone.
//! Not for: the loads themselves, which are processes of their own.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use super::load::Kind;
use super::process::{self, Server};
use super::report::{Table, median};
use super::{BUSY, Outcome, registry};

mod algorithms;
mod idle;
mod latency;
mod others;
mod overload;
mod secure;
mod signatures;
mod soak;
mod two;

pub(super) use latency::steady;

/// One row, or a few that belong together.
struct Row {
    /// Its name, for `--only`.
    name: &'static str,
    /// Measures it.
    measure: fn(&mut Bench) -> Outcome,
}

/// All rows. The soak comes last: it takes ten minutes.
const ROWS: &[Row] = &[
    Row { name: "one-core", measure: signatures::one_core },
    Row { name: "openssl", measure: signatures::openssl },
    Row { name: "two-cores", measure: two::tokens },
    Row { name: "algorithms", measure: algorithms::all },
    Row { name: "reuse", measure: algorithms::reused },
    Row { name: "latency", measure: latency::half_load },
    Row { name: "overload", measure: overload::goodput },
    Row { name: "fairness", measure: overload::fairness },
    Row { name: "idle", measure: idle::connections },
    Row { name: "tls", measure: secure::protocols },
    Row { name: "scaling", measure: two::scaling },
    Row { name: "start", measure: others::start },
    Row { name: "memory", measure: others::memory },
    Row { name: "refusals", measure: others::refusals },
    Row { name: "introspection", measure: others::introspections },
    Row { name: SOAK, measure: soak::ten_minutes },
];

const SOAK: &str = "soak";

/// What rows share.
pub(super) struct Bench {
    /// The program that is measured.
    binary: PathBuf,
    /// A store with a thousand applications.
    folder: tempfile::TempDir,
    /// Whether it is the short form, for developers.
    is_quick: bool,
    /// Where results go.
    table: Table,
}

/// Measures the rows that are named, or all; in the short form but the soak. Whether every row was reached.
pub(super) fn run(binary: &Path, is_quick: bool, names: &[&str]) -> Outcome<bool> {
    if let Some(name) = names.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        let known: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        return Err(format!("there is no row {name:?}; there are: {}", known.join(", ")).into());
    }
    let folder = tempfile::tempdir()?;
    let admin = registry::prepare(folder.path())?;
    tokio::runtime::Builder::new_current_thread().build()?.block_on(registry::add_reusing(&admin))?;
    let mut bench = Bench { binary: binary.to_owned(), folder, is_quick, table: Table::new()? };
    for row in ROWS {
        let is_wanted =
            if names.is_empty() { !is_quick || row.name != SOAK } else { names.contains(&row.name) };
        if is_wanted {
            writeln!(stderr(), "bench: {}", row.name)?;
            if let Err(why) = (row.measure)(&mut bench) {
                bench.table.failed(row.name, why.as_ref())?;
            }
        }
    }
    bench.table.end()
}

impl Bench {
    /// Starts a server on one processor.
    fn server(&self) -> Outcome<Server> {
        self.start().server()
    }

    /// How that is done.
    fn start(&self) -> process::Start<'_> {
        process::Start::new(&self.binary, self.folder.path())
    }

    /// So many rounds, and fewer in the short form.
    fn rounds(&self, count: usize) -> usize {
        if self.is_quick { count.min(2) } else { count }
    }

    /// So many seconds, and one in the short form.
    fn seconds(&self, count: u64) -> u64 {
        if self.is_quick { 1 } else { count }
    }

    /// The most tokens per second that a server on one processor gives now.
    fn best(&self, server: &Server) -> Outcome<f64> {
        Ok(process::load(server, Kind::Token, BUSY, self.seconds(2))?.per_second)
    }
}

/// How long a raw signature of those tokens takes now, in milliseconds.
fn signature() -> Outcome<f64> {
    Ok(1e3 / process::raw(1, "RS256")?.per_second)
}

/// Rounds that are measured until the median of their ratios is known.
struct Rounds {
    /// At least so many.
    least: usize,
    /// At most so many.
    most: usize,
    /// How far the median may be from that of very many.
    known_to: f64,
}

impl Rounds {
    /// Measures them. How well the median is known, too, as the end of a sentence.
    fn measure<T>(
        &self,
        bench: &Bench,
        mut round: impl FnMut() -> Outcome<T>,
        ratio: impl Fn(&T) -> f64,
    ) -> Outcome<(Vec<T>, String)> {
        let (least, most) = (bench.rounds(self.least), bench.rounds(self.most));
        let (mut rounds, mut known_to) = (Vec::new(), f64::INFINITY);
        while rounds.len() < least || (known_to > self.known_to && rounds.len() < most) {
            rounds.push(round()?);
            known_to = uncertainty(rounds.iter().map(&ratio));
        }
        let said = format!("± {known_to:.3} in {} rounds", rounds.len());
        Ok((rounds, said))
    }
}

/// What a failure was told first, as the end of a sentence.
fn first_line(why: Option<&str>) -> String {
    why.and_then(|why| why.lines().next()).map(|line| format!(": {line}")).unwrap_or_default()
}

/// The median of something in every round.
fn middle<T>(rounds: &[T], value: impl Fn(&T) -> f64) -> f64 {
    median(rounds.iter().map(value))
}

/// How far the median of some rounds may be from that of very many, 95 times of 100: as in the notches of a box plot
/// (`McGill`, Tukey, Larsen 1978), 1.57 times the range of the middle half over the root of the number.
fn uncertainty(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 4).copied().unwrap_or(f64::NAN);
    let count = u32::try_from(values.len()).map_or(f64::NAN, f64::from);
    1.57 * (at(3) - at(1)) / count.sqrt()
}
