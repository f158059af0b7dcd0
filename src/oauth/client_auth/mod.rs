//! Client authentication: the methods, and the one place that decides who is calling.
//! Not for: what the caller may then do (`grant`).

use std::borrow::Cow;
use std::sync::Arc;

use super::error::{ErrorCode, OAuthError};
use super::request::Incoming;
use crate::crypto::secret::{MAX_SECRET_BYTES, SecretText};
use crate::domain::application::{Application, AuthMethod, ClientId, NotLive, Registered};
use crate::domain::id::CredentialId;
use crate::issuer::Issuer;

mod client_secret_basic;
mod client_secret_post;
mod guesses;
mod imported;
mod secret;

use guesses::Attempt;

/// Every method.
pub const METHODS: &[&dyn ClientAuthMethod] =
    &[&client_secret_basic::ClientSecretBasic, &client_secret_post::ClientSecretPost];

/// One way to send a proof.
pub trait ClientAuthMethod: Sync {
    /// Which it is.
    fn method(&self) -> AuthMethod;

    /// Looks whether the request uses this method.
    fn find<'request>(&self, incoming: &'request Incoming<'_>) -> Found<'request>;
}

/// What a method found in a request.
#[derive(Debug)]
pub enum Found<'request> {
    /// Another method, or none.
    NotMine,
    /// This method, with all it needs.
    Presented(Presented<'request>),
    /// This method, but broken; the reason is for the log.
    Broken(&'static str),
}

/// Who the caller says it is, and its proof, not yet judged.
#[derive(Debug)]
pub struct Presented<'request> {
    unverified_client_id: Cow<'request, str>,
    proof: SecretText<'request>,
}

/// A caller that has proved who it is. Only `authenticate` makes one.
#[derive(Debug)]
pub struct Authenticated {
    registered: Arc<Registered>,
    credential: CredentialId,
}

impl Authenticated {
    /// Who it is.
    #[must_use]
    pub fn application(&self) -> &Application {
        &self.registered.application
    }

    /// Who it is, with what the store has beside it.
    #[must_use]
    pub fn registered(&self) -> &Arc<Registered> {
        &self.registered
    }

    /// What it proved itself with.
    #[must_use]
    pub fn credential(&self) -> CredentialId {
        self.credential
    }
}

/// Why the commonest failure failed, for the log.
const WRONG: &str = "the secret is wrong, or was removed";

/// Finds out who is calling. Every failure is the same answer: `invalid_client`, or while the store is away that we cannot
/// say, since another secret or the application itself may stand there (docs/decisions/0022). Of those who guess at a
/// client id a hundred an hour are judged (C17, docs/decisions/0027).
///
/// # Errors
/// `invalid_request` when more than one method is used, `invalid_client` when authentication fails, that there were too many
/// failures, or our own trouble.
pub async fn authenticate(issuer: &Issuer, incoming: &Incoming<'_>) -> Result<Authenticated, OAuthError> {
    let (method, presented) = look(incoming)?;
    // Before anything is looked up: what is found rests on it, whatever happens meanwhile.
    let store_is_away = issuer.store_is_away();
    let in_memory = issuer.application_in_memory(&presented.unverified_client_id);
    let in_memory = match (recognize(issuer, method, &presented, in_memory.as_deref()), in_memory) {
        (Some(credential), Some(registered)) => return Ok(Authenticated { registered, credential }),
        (_, in_memory) => in_memory,
    };
    let attempt = Attempt::begin(issuer, incoming.source, &presented, in_memory.as_deref())?;
    let decided = decide(issuer, method, &presented, (in_memory.clone(), store_is_away)).await;
    match decided {
        Ok(authenticated) => {
            attempt.succeeded(issuer, &authenticated, &presented.proof);
            Ok(authenticated)
        }
        Err(error) if error.code == ErrorCode::InvalidClient => {
            let error = attempt.failed(issuer, error);
            let is_judged = error.code == ErrorCode::InvalidClient;
            Err(if is_judged && store_is_away { error.while_store_is_away() } else { error })
        }
        Err(error) => Err(error),
    }
}

/// A caller that has proved itself before with the same secret, which cannot be guessed, where all that it needs is in
/// memory: what nearly every request finds (docs/decisions/0029-a-proved-secret-is-remembered.md). Nothing tells it from
/// one that is judged but how long that takes.
fn recognize(
    issuer: &Issuer,
    method: AuthMethod,
    presented: &Presented<'_>,
    in_memory: Option<&Registered>,
) -> Option<CredentialId> {
    let credential = secret::recognize(issuer, in_memory, &presented.proof)?;
    may_authenticate(issuer, in_memory?, method).is_ok().then_some(credential)
}

async fn decide(
    issuer: &Issuer,
    method: AuthMethod,
    presented: &Presented<'_>,
    (in_memory, store_is_away): (Option<Arc<Registered>>, bool),
) -> Result<Authenticated, OAuthError> {
    let client_id = &presented.unverified_client_id;
    let registered = match in_memory {
        Some(registered) => Some(registered),
        // One that is not in memory takes the same work as one that is.
        None if store_is_away || ClientId::parse(client_id).is_err() => None,
        None => issuer.application(client_id).await?,
    };
    match judge(issuer, method, presented, registered)? {
        Judged::Proved(authenticated) => Ok(authenticated),
        // Rare and large: in a box of its own, so that every other request is as small as without it.
        Judged::Open(registered) => Box::pin(imported::judge(issuer, registered, &presented.proof)).await,
    }
}

/// What is known of a caller after its secret was compared with our digests.
enum Judged {
    /// It has proved itself.
    Proved(Authenticated),
    /// It has not, but it may yet, by the hash that another server made of its secret.
    Open(Arc<Registered>),
}

/// Lets each method look; exactly one must have something.
fn look<'request>(incoming: &'request Incoming<'_>) -> Result<(AuthMethod, Presented<'request>), OAuthError> {
    const TWO: OAuthError = OAuthError::new(
        ErrorCode::InvalidRequest,
        "The request authenticates in more than one way (RFC 6749 section 2.3).",
    );
    const OTHER: OAuthError = OAuthError::new(
        ErrorCode::InvalidRequest,
        "The client_id in the form is not the one that authenticates (RFC 6749 section 3.2.1).",
    );
    let mut found = None;
    for method in METHODS {
        match method.find(incoming) {
            Found::NotMine => {}
            Found::Presented(_) | Found::Broken(_) if found.is_some() => return Err(TWO),
            Found::Presented(presented) => found = Some(Ok((method.method(), presented))),
            Found::Broken(reason) => found = Some(Err(reason)),
        }
    }
    let known_scheme = METHODS.iter().any(|method| method.method() == AuthMethod::ClientSecretBasic)
        && incoming.authorization.as_ref().is_none_or(|field| field.of_scheme("Basic").is_some());
    match (found, incoming.form.has_assertion, known_scheme) {
        (Some(_), true, _) | (Some(_), _, false) => Err(TWO),
        (Some(Ok((_, presented))), false, true) if !names_the_same(&presented, incoming) => Err(OTHER),
        (None, true, _) => Err(OAuthError::invalid_client("assertions are not supported")),
        (None, false, false) => Err(OAuthError::invalid_client("the Authorization scheme is not supported")),
        (None, false, true) => Err(OAuthError::invalid_client("the request has no credentials")),
        (Some(Err(reason)), false, true) => Err(OAuthError::invalid_client(reason)),
        (Some(Ok(presented)), false, true) => Ok(presented),
    }
}

/// Whether the form names the caller that authenticates, if it names one (B22).
fn names_the_same(presented: &Presented<'_>, incoming: &Incoming<'_>) -> bool {
    incoming.form.client_id.as_ref().is_none_or(|client_id| *client_id == presented.unverified_client_id)
}

/// Decides, but for imported secrets. The work is the same whoever is named and whatever is wrong: one digest, then comparisons.
fn judge(
    issuer: &Issuer,
    method: AuthMethod,
    presented: &Presented<'_>,
    registered: Option<Arc<Registered>>,
) -> Result<Judged, OAuthError> {
    let verdict = secret::verify(issuer, registered.as_deref(), &presented.proof);
    let Some(registered) = registered else {
        let hint = hint(&presented.unverified_client_id);
        return Err(OAuthError::invalid_client("no application has this client_id").with_hint(hint));
    };
    let refuse = |reason| Err(OAuthError::invalid_client(reason).of(&registered.application.client_id));
    if let Err(reason) = may_authenticate(issuer, &registered, method) {
        return refuse(reason);
    }
    if presented.proof.expose().len() > MAX_SECRET_BYTES {
        return refuse("the secret is longer than any secret can be");
    }
    match verdict {
        secret::Verdict::Proved(credential) => Ok(Judged::Proved(Authenticated { registered, credential })),
        secret::Verdict::Expired => refuse("the secret has expired"),
        secret::Verdict::Wrong if imported::may_tell(issuer, &registered) => Ok(Judged::Open(registered)),
        secret::Verdict::Wrong => refuse(WRONG),
    }
}

/// Whether an application may prove itself in this way at all.
///
/// # Errors
/// Why not, for the log.
fn may_authenticate(
    issuer: &Issuer,
    registered: &Registered,
    method: AuthMethod,
) -> Result<(), &'static str> {
    registered.check_live(issuer.tenant()).map_err(|not_live| match not_live {
        NotLive::TenantDisabled => "the tenant is disabled",
        NotLive::ApplicationDisabled => "the application is disabled",
        NotLive::Public => "the application is a public client and has no credentials",
    })?;
    if registered.application.auth_methods.contains(&method) {
        Ok(())
    } else {
        Err("the application is not registered for this authentication method")
    }
}

/// Enough of an unknown `client_id` to see which one was meant, and too little to be a secret sent in its place.
fn hint(unverified_client_id: &str) -> String {
    let length = unverified_client_id.chars().count();
    let shown = if length < 24 { 0 } else { 4 };
    let shown: String = unverified_client_id.chars().take(shown).filter(char::is_ascii_graphic).collect();
    format!("{shown}… of {length} characters")
}
