//! Listing signing keys.
//! Not for: opening them (`keys`).

use super::{Admin, AdminError};
use crate::domain::signing_key::SigningKey;
use crate::domain::tenant::Tenant;

/// The signing keys of a tenant, oldest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(admin: &Admin, tenant: &Tenant) -> Result<Vec<SigningKey>, AdminError> {
    Ok(admin.store.signing_keys(tenant.id).await?)
}
