//! The benchmark: what is required of the server's speed, and what else there is to know of it, in one run on this machine.
//! Not for: tests. `scripts/bench` builds it and the release binary, and runs it.

use std::error::Error;
use std::path::{Path, PathBuf};

mod administration;
mod administrators;
mod apply;
mod caller;
mod connection;
mod constant;
mod forget;
mod frugal;
mod hold;
mod kept;
mod load;
mod many;
mod old;
mod paced;
mod peers;
mod postgres;
mod process;
mod race;
mod raw;
mod registry;
mod report;
mod secure;
mod speed;
mod spread;
mod tally;

use administrators::Desk;
use load::Kind;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How many times two servers are measured in turn. The medians are reported.
const ROUNDS: usize = 7;

/// How long each of those measurements takes, in seconds.
const SECONDS: u64 = 4;

/// Connections that keep the server busy without a queue that hides what a token takes.
const BUSY: usize = 32;

/// Connections of rows on memory.
const MANY: usize = 256;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["raw", seconds] => raw::run(seconds.parse()?, "RS256", 1),
        ["raw", seconds, algorithm, threads] => raw::run(seconds.parse()?, algorithm, threads.parse()?),
        ["forget"] => forget::run(),
        ["administration", binary] => {
            administration::run(&PathBuf::from(binary), administration::APPLICATIONS)
        }
        ["administration", binary, count] => administration::run(&PathBuf::from(binary), count.parse()?),
        ["postgres", binary, url] => rows(postgres::run(Path::new(binary), url, postgres::APPLICATIONS)?),
        ["postgres", binary, url, count] => rows(postgres::run(Path::new(binary), url, count.parse()?)?),
        ["administer", deed, connections, seconds, count, address, token] => {
            let desk = Desk { address: address.parse()?, token: (*token).to_owned() };
            administrators::run(desk, deed, connections.parse()?, (seconds.parse()?, count.parse()?))
        }
        ["race", client_id, seconds, address, token] => {
            let desk = Desk { address: address.parse()?, token: (*token).to_owned() };
            race::run(&desk, client_id, seconds.parse()?)
        }
        ["constant", length, threads] => constant::run(length.parse()?, threads.parse()?, None),
        ["constant", length, threads, algorithm] => {
            constant::run(length.parse()?, threads.parse()?, Some(algorithm))
        }
        ["load", address, kind, connections, seconds] => {
            load::run(address.parse()?, Kind::parse(kind)?, connections.parse()?, seconds.parse()?)
        }
        ["frugal", address, kind, connections, seconds] => {
            frugal::run(address.parse()?, Kind::parse(kind)?, connections.parse()?, seconds.parse()?)
        }
        ["paced", address, spec] => paced::run(address.parse()?, spec),
        ["secure", address, how, folder, seconds] => {
            secure::run(address.parse()?, how, Path::new(folder), seconds.parse()?)
        }
        ["hold", address, count] => hold::run(address.parse()?, None, count.parse()?),
        ["hold", address, count, folder] => {
            hold::run(address.parse()?, Some(Path::new(folder)), count.parse()?)
        }
        ["peers", binary, sources, target] => {
            rows(peers::run(Path::new(binary), Path::new(sources), Path::new(target))?)
        }
        ["spread", address, whose, count, per_second, seconds] => {
            let client_id: fn(u32) -> String =
                if *whose == "many" { many::client_id } else { registry::client_id };
            let (count, per_second, seconds) = (count.parse()?, per_second.parse()?, seconds.parse()?);
            spread::run(address.parse()?, spread::Spread { client_id, count, per_second, seconds })
        }
        ["speed", binary, "--quick", names @ ..] => rows(speed::run(Path::new(binary), true, names)?),
        ["speed", binary, names @ ..] => rows(speed::run(Path::new(binary), false, names)?),
        _ => Err("usage: scripts/bench says what there is".into()),
    }
}

/// Whether every row was reached, as the end of the program.
fn rows(all_reached: bool) -> Outcome {
    if all_reached { Ok(()) } else { Err("a row was missed".into()) }
}
