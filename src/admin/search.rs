//! Listing and searching applications a page at a time, however many there are.
//! Not for: one application (`applications.rs`).

use std::sync::Arc;

use super::{Admin, AdminError};
use crate::domain::application::Registered;
use crate::domain::tenant::Tenant;
use crate::store::Match;

/// A part of the applications of a tenant.
#[derive(Debug, Default)]
pub struct Page {
    /// Only those whose name or `client_id` begins so.
    pub search: Option<String>,
    /// Where the part before ended.
    pub after: Option<Match>,
    /// How many at most.
    pub limit: usize,
}

/// A page of applications, each with its place, and whether there are more.
///
/// # Errors
/// When the store does not answer.
pub async fn page(
    admin: &Admin,
    tenant: &Tenant,
    page: Page,
) -> Result<(Vec<(Match, Arc<Registered>)>, bool), AdminError> {
    let Page { search, after, limit } = page;
    let mut found = match (search, after) {
        (Some(text), after) => admin.store.find_applications(tenant.id, &text, after, limit + 1).await?,
        (None, after) => {
            let after = after.map(Match::into_client_id);
            let listed = admin.store.applications(tenant.id, after, limit + 1).await?;
            listed.into_iter().map(|one| (Match::ClientId(one.application.client_id.clone()), one)).collect()
        }
    };
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}
