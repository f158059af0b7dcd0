//! Adding, listing and removing secrets: rotate by adding one, moving the callers, removing the old.
//! Not for: judging a presented secret (`oauth/client_auth`).

use std::time::Duration;

use serde_json::json;

use super::applications::{find, public_has_no_secret};
use super::{Admin, AdminError, insist, view};
use crate::crypto::secret::{MAX_SECRET_BYTES, Secret};
use crate::crypto::slow_hash::{Exported, SlowHash};
use crate::domain::application::Application;
use crate::domain::credential::{Credential, KeyedDigest, Verifier};
use crate::domain::id::CredentialId;
use crate::domain::tenant::Tenant;
use crate::domain::{Invalid, check_label};
use crate::store::{Recorded, RegistryChange};

/// Most secrets an application may have at once: rotation needs two, and each costs a comparison per request.
pub(super) const MAX_CREDENTIALS: usize = 10;

/// Longest label of a secret, in characters.
const MAX_LABEL: usize = 100;

/// A secret to be added. What is `None` takes its default.
#[derive(Debug, Clone, Default)]
pub struct NewSecret {
    /// What the operator calls it.
    pub label: Option<String>,
    /// How long it proves anything; for ever by default.
    pub expires: Option<Duration>,
    /// What it is; made by the server by default.
    pub given: Option<Given>,
}

/// A secret that somebody else made.
#[derive(Debug, Clone)]
pub enum Given {
    /// The secret itself. It is kept as our digest from now on.
    Secret(Secret),
    /// The hash that another server made of it. It is replaced by our digest when the secret is used for the first time.
    Hash(SlowHash),
}

impl From<Exported> for Given {
    fn from(exported: Exported) -> Self {
        match exported {
            Exported::Plain(secret) => Self::Secret(secret),
            Exported::Hash(hash) => Self::Hash(hash),
        }
    }
}

/// Adds a secret to an application and returns it this once; of one whose hash was given nobody knows it.
///
/// # Errors
/// When the application does not exist, is a public client, or has too many already.
pub async fn add(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
    new: NewSecret,
) -> Result<(Credential, Option<Secret>), AdminError> {
    insist(admin, || add_once(admin, tenant, client_id, new.clone())).await
}

async fn add_once(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
    new: NewSecret,
) -> Result<(Credential, Option<Secret>), AdminError> {
    let registered = find(admin, tenant, client_id).await?;
    admin.check_powers(registered.powers(), "the application")?;
    if !registered.application.kind.is_confidential() {
        return Err(public_has_no_secret(registered.application.kind).into());
    }
    if registered.credentials.len() >= MAX_CREDENTIALS {
        let text = format!(
            "the application has {MAX_CREDENTIALS} secrets already: remove one that is no longer used"
        );
        return Err(AdminError::Conflict(text));
    }
    let (credential, secret) = make(admin, &registered.application, new)?;
    let shown = secret.as_ref().map(|secret| secret.expose().to_owned());
    let answer = view::SecretView::new(&credential, admin.now()).with_client_secret(shown);
    admin.create(vec![addition(admin, &registered.application, &credential)], &answer).await?;
    Ok((credential, secret))
}

/// The change that adds a secret to an application.
pub(super) fn addition(admin: &Admin, application: &Application, credential: &Credential) -> Recorded {
    let detail = json!({
        "secret": credential.id.to_string(),
        "label": credential.label,
        "expires_at": credential.expires_at.map(|expiry| expiry.to_string()),
        "hash": credential.imported().map(SlowHash::name),
    });
    let client_id = application.client_id.as_str();
    let event = admin.event(application.tenant, "application.secret.add", client_id, detail);
    Recorded::new(RegistryChange::AddCredential(credential.clone(), Some(application.version)), event)
}

/// Removes a secret; within a second it proves nothing any more.
///
/// # Errors
/// When the application or the secret does not exist.
pub async fn remove(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
    secret_id: &str,
) -> Result<Credential, AdminError> {
    insist(admin, || remove_once(admin, tenant, client_id, secret_id)).await
}

async fn remove_once(
    admin: &Admin,
    tenant: &Tenant,
    client_id: &str,
    secret_id: &str,
) -> Result<Credential, AdminError> {
    let registered = find(admin, tenant, client_id).await?;
    admin.check_powers(registered.powers(), "the application")?;
    let found = secret_id.parse::<CredentialId>().ok();
    let credential = registered.credentials.iter().find(|credential| Some(credential.id) == found);
    let credential = credential.ok_or_else(|| AdminError::NotFound {
        what: "secret with id",
        name: secret_id.to_owned(),
        mend: " of this application: see 'chancery app secret list'",
    })?;
    let detail = json!({ "secret": secret_id, "label": credential.label });
    let event = admin.event(tenant.id, "application.secret.remove", client_id, detail);
    let change = RegistryChange::RemoveCredential(
        registered.application.id,
        credential.id,
        Some(registered.application.version),
    );
    admin.store.change_registry(vec![Recorded::new(change, event)]).await?;
    Ok(credential.clone())
}

/// Makes a credential, not yet stored, and its secret if that is known.
pub(super) fn make(
    admin: &Admin,
    application: &Application,
    new: NewSecret,
) -> Result<(Credential, Option<Secret>), AdminError> {
    let label = new.label.unwrap_or_default();
    check_secret_label(&label)?;
    if new.expires.is_some_and(|expires| expires.is_zero()) {
        return Err(Invalid(
            "a secret that expires at once proves nothing: give --expires at least 1s".to_owned(),
        )
        .into());
    }
    let keyed = |secret: &Secret| {
        let under = admin.vault.fingerprint();
        let digest = admin.vault.digest(under, application.id, secret);
        Verifier::Keyed(KeyedDigest::new(digest, under.to_owned()))
    };
    let (verifier, secret) = match new.given {
        Some(Given::Hash(hash)) => (Verifier::Imported(hash), None),
        Some(Given::Secret(secret)) => {
            let secret = check_secret(secret)?;
            (keyed(&secret), Some(secret))
        }
        None => {
            let secret = Secret::generate(admin.random.as_ref());
            (keyed(&secret), Some(secret))
        }
    };
    let now = admin.now();
    let credential = Credential {
        id: CredentialId::new(admin.random.as_ref()),
        application: application.id,
        label,
        verifier,
        created_at: now,
        expires_at: new.expires.map(|expires| now.plus(expires)),
        last_used_at: None,
    };
    Ok((credential, secret))
}

/// What the operator calls a secret. It may be empty.
pub(super) fn check_secret_label(label: &str) -> Result<(), Invalid> {
    if label.is_empty() { Ok(()) } else { check_label("label", label, MAX_LABEL) }
}

/// A secret that somebody else made: printable ASCII (RFC 6749 App. A.2). How good it is, is theirs to know.
pub(super) fn check_secret(secret: Secret) -> Result<Secret, Invalid> {
    let text = secret.expose();
    if text.is_empty()
        || text.len() > MAX_SECRET_BYTES
        || !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
    {
        return Err(Invalid(format!(
            "that is not a secret: 1 to {MAX_SECRET_BYTES} printable ASCII characters (RFC 6749 App. A.2)"
        )));
    }
    Ok(secret)
}
