//! The registry as a file: what is in the store written down, and what is written down made so.
//! Not for: reading files or printing (`cli`); the changes themselves are those that every operator can make.

use crate::domain::Invalid;
use crate::store::StoreError;

use super::credentials::Given;
use super::{Admin, AdminError};

mod count;
mod difference;
mod document;
mod export;
mod mistakes;
mod period;
mod place;
mod plan;
mod present;
mod read;
mod schema;
mod shape;
mod wanted;
mod yaml;

pub use count::Count;
pub use difference::{Action, Difference};
pub use document::{ApiEntry, ApplicationEntry, Document, ScopeEntry, SecretEntry, TenantEntry};
pub use export::export;
pub use mistakes::{Mistake, Mistakes};
pub use period::Period;
pub use read::{MAX_FILE_BYTES, read};
pub use schema::schema;

use plan::Plan;
use present::Present;
use wanted::Wanted;

/// How often a file is compared with the store again because somebody else's change came between.
const MAX_ATTEMPTS: usize = 5;

/// How a file is applied.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that is given or not")]
pub struct Options {
    /// Only this tenant of the file.
    pub tenant: Option<String>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Remove what is in the tenants of the file and not in the file.
    pub prune: bool,
    /// Remove the tenants that are not in the file, too.
    pub prune_tenants: bool,
    /// Only add what is new; what is there already stays as it is, whatever the file says of it.
    pub only_new: bool,
}

/// Where the file says that a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file of this name, which is relative to the registry file.
    File(String),
    /// In an environment variable of this name.
    Environment(String),
}

/// Fetches secrets from where a file says they are.
pub trait SecretReader: Sync {
    /// The secret, or the hash that another server made of it.
    ///
    /// # Errors
    /// Says why it cannot be had, and never what it is.
    fn read(&self, source: &SecretSource) -> Result<Given, Invalid>;
}

/// What became of a file.
#[derive(Debug)]
pub struct Applied {
    /// What was done, or would be done, in order.
    pub differences: Vec<Difference>,
    /// Applications that are new and have no secret: the names of their tenants and their `client_id`s.
    pub without_secret: Vec<(String, String)>,
    /// With `only_new`, the `client_id`s of applications that were there already.
    pub left_alone: Vec<String>,
}

/// Why a file was not applied. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotApplied {
    /// What the file says cannot be.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// It could not be done.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl From<StoreError> for NotApplied {
    fn from(error: StoreError) -> Self {
        Self::Admin(error.into())
    }
}

/// Makes the store what a file says, in one transaction, and tells the difference. Everything is checked before.
///
/// # Errors
/// When anything in the file cannot be accepted, with every mistake there is; or when the store does not answer.
pub async fn apply(
    admin: &Admin,
    document: &Document,
    options: &Options,
    secrets: &dyn SecretReader,
) -> Result<Applied, NotApplied> {
    let wanted = Wanted::read(document, options, secrets, admin.now())?;
    for _ in 0..MAX_ATTEMPTS {
        let present = Present::read(admin, &wanted).await?;
        let mut plan = Plan::make(admin, &wanted, &present, options)?;
        if options.dry_run || plan.is_empty() || carry_out(admin, &mut plan).await? {
            let Plan { differences, without_secret, left_alone, .. } = plan;
            return Ok(Applied { differences, without_secret, left_alone });
        }
    }
    Err(AdminError::Conflict(
        "others have changed the registry again and again in the meantime: try again later".to_owned(),
    )
    .into())
}

/// Whether what the plan was made from was still so, and it was carried out.
async fn carry_out(admin: &Admin, plan: &mut Plan) -> Result<bool, NotApplied> {
    match admin.store.change_registry(plan.take_changes(admin)?).await {
        Err(StoreError::Conflict(_)) => return Ok(false),
        answer => answer?,
    }
    // Keys for algorithms that are asked for are published from now on, so that they sign the sooner.
    for tenant in &plan.touched {
        super::keys::provide(admin, tenant).await;
    }
    Ok(true)
}
