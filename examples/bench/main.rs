//! The benchmark: raw signatures, tokens, refusals, introspections, memory and start, all in one run on this machine.
//! Not for: tests; it asserts nothing. `scripts/bench` builds it and the release binary, and runs it.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;

mod administration;
mod administrators;
mod apply;
mod connection;
mod constant;
mod forget;
mod load;
mod many;
mod old;
mod postgres;
mod process;
mod race;
mod raw;
mod registry;
mod report;
mod spread;

use administrators::Desk;
use load::Kind;
use report::{Measured, Quick, Round};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How many times raw signatures and tokens are measured in turn. The medians are reported.
const ROUNDS: usize = 7;

/// How many times that is done for the algorithms whose signatures take no longer than an answer.
const QUICK_ROUNDS: usize = 3;

/// How long each measurement takes, in seconds.
const SECONDS: u64 = 4;

/// Connections that keep the server busy without a queue that hides what a token takes.
const BUSY: usize = 32;

/// Connections of the row on memory.
const MANY: usize = 256;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["raw", seconds] => raw::run(seconds.parse()?, "RS256"),
        ["raw", seconds, algorithm] => raw::run(seconds.parse()?, algorithm),
        ["forget"] => forget::run(),
        ["administration", binary] => {
            administration::run(&PathBuf::from(binary), administration::APPLICATIONS)
        }
        ["administration", binary, count] => administration::run(&PathBuf::from(binary), count.parse()?),
        ["postgres", binary, url] => {
            rows(postgres::run(&PathBuf::from(binary), url, postgres::APPLICATIONS)?)
        }
        ["postgres", binary, url, count] => rows(postgres::run(&PathBuf::from(binary), url, count.parse()?)?),
        ["administer", deed, connections, seconds, count, address, token] => {
            let desk = Desk { address: address.parse()?, token: (*token).to_owned() };
            administrators::run(desk, deed, connections.parse()?, (seconds.parse()?, count.parse()?))
        }
        ["race", client_id, seconds, address, token] => {
            let desk = Desk { address: address.parse()?, token: (*token).to_owned() };
            race::run(&desk, client_id, seconds.parse()?)
        }
        ["constant", length] => constant::run(length.parse()?),
        ["load", address, kind, connections, seconds] => {
            load::run(address.parse()?, Kind::parse(kind)?, connections.parse()?, seconds.parse()?)
        }
        ["spread", address, whose, count, per_second, seconds] => {
            let client_id: fn(u32) -> String =
                if *whose == "many" { many::client_id } else { registry::client_id };
            let (count, per_second, seconds) = (count.parse()?, per_second.parse()?, seconds.parse()?);
            spread::run(address.parse()?, spread::Spread { client_id, count, per_second, seconds })
        }
        [binary] => measure(&PathBuf::from(binary)),
        _ => Err("usage: bench BINARY | bench raw SECONDS [ALG]".into()),
    }
}

/// Whether every row was reached, as the end of the program.
fn rows(all_reached: bool) -> Outcome {
    if all_reached { Ok(()) } else { Err("a row was missed".into()) }
}

fn measure(binary: &PathBuf) -> Outcome {
    let folder = tempfile::tempdir()?;
    registry::prepare(folder.path())?;
    let mut starts = Vec::new();
    for _ in 0..11 {
        starts.push(process::Server::start(binary, folder.path())?.first_token);
    }
    let server = process::Server::start(binary, folder.path())?;
    let idle_memory = server.memory_kib()?;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        let raw = process::raw(SECONDS, "RS256")?;
        let tokens = process::load(&server, Kind::Token, BUSY, SECONDS)?;
        writeln!(stdout(), "round {number}: {raw:.0} signatures/s, {:.0} tokens/s", tokens.per_second)?;
        rounds.push(Round { raw, tokens });
    }
    let mut quick = Vec::new();
    for kind in [Kind::Es256, Kind::EdDsa] {
        let same = process::Server::constant(server.token_length(kind)?)?;
        for _ in 0..QUICK_ROUNDS {
            let raw = process::raw(SECONDS, kind.name())?;
            let constant = process::load(&same, Kind::Constant, BUSY, SECONDS)?.per_second;
            let tokens = process::load(&server, kind, BUSY, SECONDS)?.per_second;
            quick.push((kind, Quick { raw, constant, tokens }));
        }
    }
    let alone = process::load(&server, Kind::Token, 1, SECONDS)?;
    let mut refusals = Vec::new();
    for kind in [Kind::UnknownClient, Kind::WrongSecret, Kind::HugeScope] {
        refusals.push((kind, process::load(&server, kind, BUSY, SECONDS)?));
    }
    let introspections = process::load(&server, Kind::Introspect, BUSY, SECONDS)?;
    let many = process::load(&server, Kind::Token, MANY, SECONDS)?;
    let busy_memory = server.peak_memory_kib()?;
    report::print(&Measured {
        starts,
        idle_memory,
        rounds,
        quick,
        alone,
        refusals,
        introspections,
        many,
        busy_memory,
    })
}
