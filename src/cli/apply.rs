//! `chancery apply`: makes the store what a registry file says.
//! Not for: what a file may say, or what it changes (`admin/registry`).

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::output::{self, Output};
use super::{Failure, Global, input, workspace};
use crate::admin::credentials::Given;
use crate::admin::registry::{self, Action, Applied, MAX_FILE_BYTES, Options, SecretReader, SecretSource};
use crate::domain::Invalid;

/// The exit status that tells "changed" from "no change", when it was asked for.
const CHANGED: u8 = 3;

/// So many applications without a secret are named.
const NAMED: usize = 10;

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is given or not")]
pub(super) struct Arguments {
    /// The registry file, in YAML or JSON; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Remove applications, scopes and APIs that are in the file's tenants and not in the file
    #[arg(long)]
    prune: bool,
    /// Remove the tenants that are not in the file, with everything in them
    #[arg(long, requires = "prune")]
    prune_tenants: bool,
    /// Exit with 3 when something was changed, or would be, and with 0 only when not
    #[arg(long)]
    exit_code: bool,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, Failure> {
    if arguments.prune_tenants && global.tenant.is_some() {
        return Err(Failure::new(
            "--prune-tenants is about every tenant: leave --tenant and CHANCERY_TENANT away, or --prune-tenants",
        ));
    }
    let document = registry::read(&read_file(&arguments.file)?)?;
    let admin = workspace::open(&workspace::settings(global, Vec::new())?).await?;
    let options = Options {
        tenant: global.tenant.clone(),
        dry_run: arguments.dry_run,
        prune: arguments.prune,
        prune_tenants: arguments.prune_tenants,
        only_new: false,
    };
    let folder = arguments.file.parent().unwrap_or(Path::new("")).to_path_buf();
    let applied = registry::apply(&admin, &document, &options, &Secrets { folder }).await?;
    print(global.output, &applied, arguments.dry_run)?;
    let is_told = arguments.exit_code && !applied.differences.is_empty();
    Ok(if is_told { ExitCode::from(CHANGED) } else { ExitCode::SUCCESS })
}

pub(super) fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = file.display().to_string();
    let failed = |error: io::Error| Failure::new(format!("{name}: {error}"));
    let limit = MAX_FILE_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if name == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        File::open(file).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}

/// Secrets in files beside the registry file, or in the environment.
struct Secrets {
    folder: PathBuf,
}

impl SecretReader for Secrets {
    fn read(&self, source: &SecretSource) -> Result<Given, Invalid> {
        let secret = match source {
            SecretSource::File(name) => input::secret_from_file(&self.folder.join(name)),
            SecretSource::Environment(name) => input::secret_from_environment(name),
        };
        secret.map(Given::Secret).map_err(|failure| Invalid(failure.to_string()))
    }
}

fn print(form: Output, applied: &Applied, dry_run: bool) -> Result<(), Failure> {
    if form == Output::Json {
        let without_secret = applied.without_secret.iter();
        let without_secret: Vec<Value> = without_secret
            .map(|(tenant, client_id)| json!({ "tenant": tenant, "client_id": client_id }))
            .collect();
        return form.one(&json!({
            "changes": applied.differences,
            "changed": !applied.differences.is_empty(),
            "dry_run": dry_run,
            "without_secret": without_secret,
        }));
    }
    let lines = applied.differences.iter().map(|difference| format!("{difference}\n"));
    output::write(&format!("{}{}", lines.collect::<String>(), summary(applied, dry_run)))
}

fn summary(applied: &Applied, dry_run: bool) -> String {
    if applied.differences.is_empty() {
        return "Nothing to change.\n".to_owned();
    }
    let count = |action: Action| {
        applied.differences.iter().filter(|difference| difference.action() == action).count()
    };
    let (added, changed, removed) = (count(Action::Add), count(Action::Change), count(Action::Remove));
    let mut text = if dry_run {
        format!("To add {added}, to change {changed}, to remove {removed}. Nothing was done.\n")
    } else {
        format!("Added {added}, changed {changed}, removed {removed}.\n")
    };
    if let Some((tenant, client_id)) = applied.without_secret.first().filter(|_| !dry_run) {
        let names: Vec<_> = applied.without_secret.iter().take(NAMED).map(|(_, id)| id.as_str()).collect();
        let others = match applied.without_secret.len().checked_sub(NAMED) {
            None | Some(0) => String::new(),
            Some(others) => format!(" and {others} more"),
        };
        let names = names.join(", ");
        let command = format!("chancery --tenant {tenant} app secret add {client_id}");
        let _ = writeln!(text, "Without a secret yet: {names}{others}. Add one: {command}");
    }
    text
}
