//! Why a request was refused.
//! Not for: how often (`statistics.rs`).

use super::{Admin, AdminError};
use crate::domain::Invalid;
use crate::domain::refusal::Refusal;
use crate::domain::tenant::Tenant;

/// A refusal that is kept, and the name of its tenant.
#[derive(Debug)]
pub struct Explained {
    /// The refusal.
    pub refusal: Refusal,
    /// The tenant's name; `None` when it was removed since.
    pub tenant: Option<String>,
}

/// A refusal by the `X-Request-Id` of its answer: of this tenant, or of whichever it was.
///
/// # Errors
/// When it is not kept, the text is no request id, or the store does not answer.
pub async fn explain(
    admin: &Admin,
    tenant: Option<&Tenant>,
    request_id: &str,
) -> Result<Explained, AdminError> {
    const NO_ID: &str =
        "that is not a request id: it is what the answer has as X-Request-Id, and the log as request_id";
    let request = request_id.trim().parse().map_err(|_| Invalid(NO_ID.to_owned()))?;
    let found = admin.store.refusal(request).await?;
    let refusal = found.filter(|refusal| tenant.is_none_or(|tenant| tenant.id == refusal.tenant));
    let Some(refusal) = refusal else {
        return Err(AdminError::NotFound {
            what: "refusal of the request",
            name: request_id.to_owned(),
            mend: ": refusals are kept for 7 days, under a flood not all of them, and are there a second later; a request \
                   that was answered is none; see the log of that time",
        });
    };
    let tenants = admin.store.tenants().await?;
    let tenant = tenants.into_iter().find(|one| one.id == refusal.tenant).map(|one| one.name);
    Ok(Explained { refusal, tenant })
}
