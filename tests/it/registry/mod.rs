//! The registry as a file, on a real store: what is planned, what is done, what is refused.

use std::collections::HashMap;

use chancery::admin::Admin;
use chancery::admin::credentials::Given;
use chancery::admin::registry::{self, Applied, Options, SecretReader, SecretSource};
use chancery::crypto::secret::Secret;
use chancery::domain::Invalid;
use tempfile::TempDir;

use crate::support::server::operator_of_nothing;

/// Files that are attacks, or no registry at all.
mod hostile;
/// Mistakes, all of them at once.
mod mistakes;
/// What is not in the file goes, if that is asked for.
mod prune;
/// What is written down reads back.
mod round_trip;
/// Secrets that applications must have.
mod secrets;
/// Tenants that are new, change, or exchange hosts.
mod tenants;

/// A store of its own, and an operator.
struct Registry {
    _folder: TempDir,
    admin: Admin,
    secrets: Secrets,
}

/// Secrets by the names of files and variables.
#[derive(Default)]
struct Secrets(HashMap<String, String>);

impl SecretReader for Secrets {
    fn read(&self, source: &SecretSource) -> Result<Given, Invalid> {
        let (SecretSource::File(name) | SecretSource::Environment(name)) = source;
        let secret = self.0.get(name).ok_or_else(|| Invalid(format!("there is no {name}")))?;
        Ok(Given::Secret(Secret::new(secret.clone())))
    }
}

/// With everything that is not in the file removed.
fn pruning() -> Options {
    Options { prune: true, ..Options::default() }
}

impl Registry {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let admin = operator_of_nothing(&folder);
        Self { _folder: folder, admin, secrets: Secrets::default() }
    }

    /// Applies a file that must be accepted: its difference, line by line.
    async fn apply(&self, text: &str, options: &Options) -> Vec<String> {
        let applied = self.try_apply(text, options).await.unwrap_or_else(|problem| panic!("{problem}"));
        applied.differences.iter().map(ToString::to_string).collect()
    }

    /// Applies a file that must be refused: what is said, but for the first line.
    async fn refused(&self, text: &str, options: &Options) -> Vec<String> {
        let before = self.export().await;
        let problem = self.try_apply(text, options).await.unwrap_err();
        assert_eq!(self.export().await, before, "something was changed");
        problem.lines().skip(1).map(|line| line.trim_start().to_owned()).collect()
    }

    async fn try_apply(&self, text: &str, options: &Options) -> Result<Applied, String> {
        let document = registry::read(text.as_bytes()).map_err(|mistakes| mistakes.to_string())?;
        let applied = registry::apply(&self.admin, &document, options, &self.secrets).await;
        applied.map_err(|problem| problem.to_string())
    }

    async fn export(&self) -> String {
        registry::export(&self.admin, None).await.unwrap()
    }
}

/// A file with the tenant `a`, which signs with ES256 since such keys are made quickly, and this in it.
fn tenant_a(inside: &str) -> String {
    let mut text = "tenants:\n  - name: a\n    issuer: https://a.example\n    algorithm: ES256\n".to_owned();
    for line in inside.lines() {
        text.extend(["    ", line, "\n"]);
    }
    text
}
