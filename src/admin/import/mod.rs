//! Applications from other servers, one file a format, and the list that is the only thing that knows them all. They become
//! what a registry file says, and go the same way into the store.
//! Not for: what may be stored (`registry`), or how hashes of secrets are checked (`crypto/slow_hash`).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::credentials::Given;
use super::registry::{
    self, Difference, Document, MAX_FILE_BYTES, NotApplied, Options, SecretReader, SecretSource,
};
use super::{Admin, AdminError};
use crate::domain::Invalid;
use crate::domain::tenant::Tenant;

mod auth0;
mod client;
mod hydra;
mod json;
mod keycloak;
mod spring;
mod take;

use client::Export;

/// Every format.
pub const FORMATS: &[Format] = &[hydra::FORMAT, keycloak::FORMAT, auth0::FORMAT, spring::FORMAT];

/// A format that applications of another server come in.
#[derive(Debug)]
pub struct Format {
    /// What operators call it.
    pub name: &'static str,
    /// What its files are.
    pub files: &'static str,
    read: fn(&Value) -> Result<Export, Invalid>,
}

/// What became of an application of another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is here as it was there.
    Taken,
    /// It is here, and something of it is not as it was there.
    Changed,
    /// It is not here.
    Left,
}

impl Fate {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Changed => "changed",
            Self::Left => "left",
        }
    }
}

/// What became of one application, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name on the wire, as the other server had it.
    pub client_id: String,
    /// What became of it.
    pub fate: Fate,
    /// What is not as it was, or why it was left.
    pub notes: Vec<String>,
}

/// What became of a file.
#[derive(Debug)]
pub struct Imported {
    /// Each application, in the order of the file.
    pub outcomes: Vec<Outcome>,
    /// What is to be said of all of them.
    pub notes: Vec<String>,
    /// What was added, or would be, in order.
    pub differences: Vec<Difference>,
}

/// The format of this name.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static Format, Invalid> {
    FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
        let names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        Invalid(format!("{name:?} is not a format: one of {}", names.join(", ")))
    })
}

/// Takes the applications of a file into a tenant, with the scopes and APIs they need, all in one transaction. What is
/// there already stays as it is.
///
/// # Errors
/// When the file is not of the format, or the store does not answer.
pub async fn import(
    admin: &Admin,
    tenant: &Tenant,
    format: &Format,
    bytes: &[u8],
    dry_run: bool,
) -> Result<Imported, NotApplied> {
    let export = read(format, bytes).map_err(AdminError::from)?;
    let mut taken = take::take(format, export, admin.now());
    let document = Document { tenants: vec![taken.within(tenant)] };
    let options = Options { dry_run, only_new: true, ..Options::default() };
    let applied = registry::apply(admin, &document, &options, &Kept(taken.secrets)).await?;
    let left_alone: HashSet<String> = applied.left_alone.into_iter().collect();
    for outcome in &mut taken.outcomes {
        if outcome.fate != Fate::Left && left_alone.contains(&outcome.client_id) {
            outcome.fate = Fate::Left;
            outcome.notes =
                vec!["an application of this client id is there already, and stays as it is".to_owned()];
        }
    }
    Ok(Imported { outcomes: taken.outcomes, notes: taken.notes, differences: applied.differences })
}

fn read(format: &Format, bytes: &[u8]) -> Result<Export, Invalid> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Invalid(format!("the file is longer than {MAX_FILE_BYTES} bytes")));
    }
    let tree = serde_json::from_slice(bytes).map_err(|error| {
        Invalid(format!("the file is no JSON (line {}, column {})", error.line(), error.column()))
    })?;
    (format.read)(&tree)
}

/// Secrets by the names that the document calls them by.
struct Kept(HashMap<String, Given>);

impl SecretReader for Kept {
    fn read(&self, source: &SecretSource) -> Result<Given, Invalid> {
        let (SecretSource::File(name) | SecretSource::Environment(name)) = source;
        self.0.get(name).cloned().ok_or_else(|| Invalid("there is no such secret".to_owned()))
    }
}
