//! `chancery import`: applications from another server, their hashed secrets still valid.
//! Not for: what is taken of them (`admin/import`).

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::apply::read_file;
use super::output::{self, Output};
use super::{Failure, Global, workspace};
use crate::admin::import::{self, FORMATS, Fate, Imported};
use crate::domain::on_one_line;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What kind of file it is
    #[arg(value_parser = FORMATS.iter().map(|format| format.name).collect::<Vec<_>>())]
    format: String,
    /// The file, in JSON; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<(), Failure> {
    let format = import::find(&arguments.format)?;
    let bytes = read_file(&arguments.file)?;
    let (admin, tenant) = workspace::open_tenant(global).await?;
    let imported = import::import(&admin, &tenant, format, &bytes, arguments.dry_run).await?;
    match global.output {
        Output::Json => global.output.one(&document(&imported, arguments.dry_run)),
        Output::Text => output::write(&text(&imported, arguments.dry_run)),
    }
}

fn document(imported: &Imported, dry_run: bool) -> Value {
    let outcomes = imported.outcomes.iter().map(|outcome| {
        json!({ "client_id": outcome.client_id, "result": outcome.fate.as_str(), "notes": outcome.notes })
    });
    json!({
        "applications": outcomes.collect::<Vec<_>>(),
        "notes": imported.notes,
        "changes": imported.differences,
        "changed": !imported.differences.is_empty(),
        "dry_run": dry_run,
    })
}

/// A line for each application, with a line for each thing that is to be said of it.
fn text(imported: &Imported, dry_run: bool) -> String {
    let mut text = String::new();
    for outcome in &imported.outcomes {
        let _ = writeln!(text, "{:7}  {}", outcome.fate.as_str(), on_one_line(&outcome.client_id));
        for note in &outcome.notes {
            let _ = writeln!(text, "           {}", on_one_line(note));
        }
    }
    for note in &imported.notes {
        let _ = writeln!(text, "Note: {}.", on_one_line(note));
    }
    let count = |fate: Fate| imported.outcomes.iter().filter(|outcome| outcome.fate == fate).count();
    let (taken, changed, left) = (count(Fate::Taken), count(Fate::Changed), count(Fate::Left));
    let _ = writeln!(text, "Taken as they were {taken}, taken with changes {changed}, left {left}.");
    if dry_run {
        text.push_str("Nothing was done.\n");
    }
    text
}
