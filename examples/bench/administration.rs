//! What administration takes where there are very many applications, and what it takes from those who get tokens.
//! `scripts/bench --administration`; it takes some ten minutes, and some gigabytes of disk for a while.
//! Not for: tokens alone.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::administrators::{DEEDS, Desk};
use super::load::Kind;
use super::process::{self, Server};
use super::{MANY, Outcome, apply, many, old};

/// Applications in the store unless the caller says otherwise.
pub(super) const APPLICATIONS: u32 = 1_000_000;

/// How long each deed is measured, in seconds.
const SECONDS: u64 = 6;

/// How long tokens are counted at once while others work, in seconds.
const SLICE: u64 = 2;

/// How many slices make a measurement without others.
const SLICES: usize = 4;

/// A server, and how many applications it has.
struct Site<'binary> {
    binary: &'binary PathBuf,
    folder: &'binary Path,
    server: Server,
    count: u32,
}

/// Measures everything, and prints a table as it goes.
pub(super) fn run(binary: &PathBuf, count: u32) -> Outcome {
    let folder = tempfile::tempdir()?;
    writeln!(stdout(), "| {count} applications | |\n| --- | --- |")?;
    let filled = many::fill(folder.path(), count)?;
    let (seconds, mebibytes) = (filled.took.as_secs_f64(), filled.mebibytes);
    row("filling the store", &format!("{seconds:.0} s, {mebibytes} MiB on the disk"))?;
    let server = Server::start(binary, folder.path())?;
    row("start to first token, nothing forgotten yet", &millis(server.first_token.as_secs_f64() * 1e6))?;
    drop(server);
    let server = Server::start(binary, folder.path())?;
    row("start to first token", &millis(server.first_token.as_secs_f64() * 1e6))?;
    row("memory, idle", &mebibytes_of(server.memory_kib()?))?;
    let site = Site { binary, folder: folder.path(), server, count };
    for deed in DEEDS {
        for connections in ["1", "4"] {
            site.measure(deed, connections)?;
        }
    }
    site.race()?;
    site.disturb()?;
    row("memory, at most", &mebibytes_of(site.server.peak_memory_kib()?))?;
    drop(site);
    let opened = old::migrate(&folder.path().join("chancery.db"))?.as_secs_f64();
    row("opening the same store of the first release", &format!("{opened:.1} s"))?;
    if apply::is_there(binary) {
        let (first, second, is_same) = apply::measure(binary)?;
        let (first, second) = (first.as_secs_f64(), second.as_secs_f64());
        let what = if is_same { "changes nothing" } else { "**changes something**" };
        row(
            "`apply` of 10,000 applications",
            &format!("{first:.2} s; the second takes {second:.2} s and {what}"),
        )?;
    }
    Ok(())
}

impl Site<'_> {
    /// The arguments of a program that administers.
    fn aside(&self, words: &[&str]) -> Outcome<Child> {
        let desk = Desk::open(self.server.address, self.server.admin_address)?;
        let desk = [desk.address.to_string(), desk.token];
        let arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).chain(desk).collect();
        process::aside(&arguments)
    }

    fn administrators(&self, deed: &str, connections: &str) -> Outcome<Child> {
        self.aside(&["administer", deed, connections, &SECONDS.to_string(), &self.count.to_string()])
    }

    fn measure(&self, deed: &str, connections: &str) -> Outcome {
        let numbers = numbers(self.administrators(deed, connections)?)?;
        let [count, elapsed, p50, p99] = numbers.as_slice() else { return Err("no numbers".into()) };
        let (p50, p99, rate) = (millis(*p50), millis(*p99), count / elapsed);
        row(
            &format!("{deed}; connections: {connections}"),
            &format!("p50 {p50}, **p99 {p99}**, {rate:.0} per second"),
        )
    }

    /// A thousand changes of one application, by everybody at once.
    fn race(&self) -> Outcome {
        judge(&numbers(self.aside(&["race", "app-0", "0"])?)?)
    }

    /// Tokens per second, while administrators do this and that.
    fn disturb(&self) -> Outcome {
        if apply::is_there(self.binary) {
            let file = apply::write(self.folder, "applied", "applied.localhost")?;
            let applying = || {
                let command = process::beside(self.binary);
                // Nobody reads what it says, which is long, before it ends.
                Ok(apply::command(command, self.folder, &file).stdout(Stdio::null()).spawn()?)
            };
            self.compare("apply of 10,000 in another process", &applying)?;
        } else {
            row("apply", "not measured: this program has no command apply")?;
        }
        for connections in ["1", "4"] {
            let name = format!("list, search and show; connections: {connections}");
            self.compare(&name, &|| self.administrators("mixed", connections))?;
            let name = format!("list; connections: {connections}");
            self.compare(&name, &|| self.administrators("list", connections))?;
        }
        let racing = || self.aside(&["race", "app-1", &SECONDS.to_string()]);
        let said = self.compare("rounds of 1,000 changes of one application", &racing)?;
        let numbers = said.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        judge(&numbers)
    }

    /// Tokens while something else goes on, compared with tokens right before and right after. Where others use this
    /// machine as well, the server's processor time for a token says more than how many tokens there were.
    fn compare(&self, name: &str, start: &dyn Fn() -> Outcome<Child>) -> Outcome<String> {
        let before = self.calm()?;
        let (during, said) = self.during(start()?)?;
        let after = self.calm()?;
        let (calm, cpu) = (before.0.midpoint(after.0), before.1.midpoint(after.1));
        let (ratio, cpu_ratio) = (during.0 / calm, cpu / during.1);
        row(
            &format!("tokens per second during: {name}"),
            &format!(
                "{:.0} of {:.0} before and {:.0} after: **{ratio:.3}**; by processor time {cpu_ratio:.3}",
                during.0, before.0, after.0
            ),
        )?;
        Ok(said)
    }

    /// Tokens per second, and the server's processor time for each. So many connections that the server has enough to do
    /// while others keep the load generator from its processor.
    fn tokens(&self) -> Outcome<(f64, f64)> {
        let load = process::load(&self.server, Kind::Token, MANY, SLICE)?;
        Ok((load.per_second, load.cpu_micros))
    }

    fn calm(&self) -> Outcome<(f64, f64)> {
        Ok(mean(&(0..SLICES).map(|_| self.tokens()).collect::<Outcome<Vec<_>>>()?))
    }

    /// The same until another process ends, and what that says.
    fn during(&self, mut other: Child) -> Outcome<((f64, f64), String)> {
        let mut tokens = Vec::new();
        loop {
            let one = self.tokens()?;
            let is_over = other.try_wait()?.is_some();
            if !is_over || tokens.is_empty() {
                tokens.push(one);
            }
            if is_over {
                break;
            }
        }
        Ok((mean(&tokens), said(other)?))
    }
}

fn judge(numbers: &[f64]) -> Outcome {
    let [made, refused, version, events, elapsed] = numbers else { return Err("no numbers".into()) };
    let is_whole = (made + 1.0 - version).abs() < 0.5 && (made - events).abs() < 0.5;
    let verdict = if is_whole { "nothing lost" } else { "**something lost**" };
    let what = format!(
        "{made} made, {refused} answered 412, version {version} in the end, {events} audit events, {elapsed:.2} s: {verdict}"
    );
    row("concurrent changes of one application with If-Match", &what)
}

fn said(child: Child) -> Outcome<String> {
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err("what went on beside failed".into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn numbers(child: Child) -> Outcome<Vec<f64>> {
    Ok(said(child)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of numbers")]
fn mean(pairs: &[(f64, f64)]) -> (f64, f64) {
    let count = pairs.len() as f64;
    let (first, second) = pairs.iter().copied().unzip::<f64, f64, Vec<_>, Vec<_>>();
    (first.iter().sum::<f64>() / count, second.iter().sum::<f64>() / count)
}

#[expect(clippy::cast_precision_loss, reason = "kibibytes of memory fit a float")]
fn mebibytes_of(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

fn millis(micros: f64) -> String {
    format!("{:.2} ms", micros / 1000.0)
}

fn row(name: &str, value: &str) -> Outcome {
    writeln!(stdout(), "| {name} | {value} |")?;
    Ok(())
}
