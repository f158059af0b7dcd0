//! `chancery store …`: moving an installation to another store, and back.
//! Not for: in which order it is done (`admin/copy.rs`).

use serde_json::json;

use super::copying::{self, CopyView, Names};
use super::{Failure, Global, workspace};
use crate::config::{self, StoreUrl};
use crate::store::copy::{self, Direction, Purpose};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Copy everything into an empty store, and mark the first one as moved. Servers on it go on answering meanwhile,
    /// but nothing can be changed from now on
    Copy {
        /// The store that is: sqlite:PATH, or postgres: and so on, as in store.url
        from: String,
        /// The store that is to be: an empty database, or a file that is not there yet
        to: String,
        /// Where the password of FROM is, which arguments would show to others on this machine
        #[arg(long, value_name = "file:PATH|env:NAME")]
        from_password: Option<String>,
        /// Where the password of TO is
        #[arg(long, value_name = "file:PATH|env:NAME")]
        to_password: Option<String>,
        /// Go on although the audit of the first one is broken, and keep it as it is
        #[arg(long)]
        accept_broken_audit: bool,
    },
    /// Let a store be changed again that was moved by mistake. What was changed in the other place since is not in it
    Reopen,
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Copy { from, to, from_password, to_password, accept_broken_audit } => {
            let from = store("FROM", &from, ("--from-password", from_password))?;
            let to = store("TO", &to, ("--to-password", to_password))?;
            relocate(global, &from, &to, accept_broken_audit).await
        }
        Command::Reopen => reopen(global).await,
    }
}

/// Reads where a store is and, beside it, where its password is.
fn store(name: &str, url: &str, (option, password): (&str, Option<String>)) -> Result<StoreUrl, Failure> {
    let find = |text: String| config::find_password(&text, config::process_environment());
    let password = password.map(find).transpose();
    let password = password.map_err(|why| Failure::new(format!("{option}: {why}")))?;
    StoreUrl::parse(url, password).map_err(|why| Failure::new(format!("{name}: {why}")))
}

async fn relocate(
    global: &Global,
    from: &StoreUrl,
    to: &StoreUrl,
    accepts_broken_audit: bool,
) -> Result<(), Failure> {
    if copying::name_of(from) == copying::name_of(to) {
        return Err(Failure::new("FROM and TO are the same store: name another one to copy to"));
    }
    let mut from = copying::open(from, Purpose::Hold).await?;
    // Looked at before the other one is made, so that a wrong name leaves nothing behind.
    copy::check_from(from.session.as_mut()).await?;
    let mut to = copying::open(to, Purpose::Fill).await?;
    let copied = copying::copier(global, accepts_broken_audit).relocate(&mut from, &mut to).await?;
    let master_key = "not copied: keys.master must name the same key for the new store";
    let next = format!("store.url of every server and command is now {}", to.name);
    global.output.one(&CopyView::new(&Names { from: &from.name, to: &to.name }, &copied, master_key, next))
}

async fn reopen(global: &Global) -> Result<(), Failure> {
    let settings = workspace::settings(global, Vec::new())?;
    let mut place = copying::open(&settings.storage.url, Purpose::Hold).await?;
    copying::check_schema(place.session.as_mut()).await?;
    let mark = copying::copier(global, false).reopen(&mut place).await?;
    let warning = match mark.direction {
        Direction::To => "whatever was changed there since is not here: nothing may use that store any more",
        Direction::From => "two stores are live now unless that one says that it was moved here: look at it",
    };
    let direction = mark.direction.as_str();
    global.output.one(&json!({
        "store": place.name, "direction": direction, "place": mark.place, "since": mark.at.to_string(),
        "warning": warning,
    }))
}
