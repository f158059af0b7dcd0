//! A place in the quotas for a token, or the refusal that there is none.
//! Not for: counting (`issuer/quotas.rs`), or the header fields that tell of it (`http/rate_limit.rs`).

use super::error::OAuthError;
use crate::domain::application::Application;
use crate::issuer::Issuer;
use crate::issuer::quotas::Charged;

const OWN: &str = "The application has used up its quota of tokens. Retry-After says when there are more.";

const TENANTS: &str = "The applications of this tenant have used up their quota of tokens. Retry-After says when there are more.";

/// Takes a place for a token, which is given back unless the token is handed out.
///
/// # Errors
/// `too_many_requests` when the application or its tenant has used up its quota.
pub async fn charge(issuer: &Issuer, application: &Application) -> Result<Box<Charged>, OAuthError> {
    issuer.charge(application).await.map(Box::new).map_err(|used_up| {
        let description = if used_up.is_own { OWN } else { TENANTS };
        let error = OAuthError::too_many(description, used_up.retry_after);
        error.with_standing(used_up.standing).of(&application.client_id)
    })
}
