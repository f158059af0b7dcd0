//! What every endpoint that takes a form from an application does before and after its own work.
//! Not for: the work (`oauth`), or what an answer looks like (`token.rs`, `introspect.rs`, `revoke.rs`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tokio::time::{Instant, sleep_until};

use super::context::Context;
use super::oauth_error::{self, render};
use super::read::{self, Arrived, Unread};
use super::respond;
use crate::domain::refusal::Endpoint;
use crate::issuer::Issuer;
use crate::issuer::directory::TrueSince;
use crate::oauth::error::OAuthError;
use crate::oauth::request::Incoming;

/// When a failed authentication is answered, after its request was read. All of them are, whatever the reason and
/// however long finding it took, so that the time of the answer tells nothing (C16). Waiting costs no processor time.
const FAILURE_ANSWERED_AFTER: Duration = Duration::from_millis(5);

/// When a request is answered for which there is no signature, after it was read: whoever asks again as soon as it is
/// answered gets a refusal forty times a second and not thousands of times, and all others get what those would cost.
const OVERLOAD_ANSWERED_AFTER: Duration = Duration::from_millis(25);

/// A request that was read, and the tenant as it was then.
pub(super) struct Asked {
    /// Whose endpoint it is.
    pub(super) issuer: Arc<Issuer>,
    /// What it says.
    pub(super) incoming: Incoming,
    endpoint: Endpoint,
    since: TrueSince,
    read_at: Instant,
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// The answer to give instead.
    pub(super) async fn read(
        request: &mut Request,
        context: &Context,
        endpoint: Endpoint,
    ) -> Result<Self, Response> {
        let refuse = |error| render(&error, context, endpoint);
        let Arrived { incoming, at_once, read_at } = match read::form(request, context.source).await {
            Ok(read) => read,
            Err(Unread::Refused(error)) => return Err(refuse(error)),
            Err(Unread::Fault(fault)) => return Err(oauth_error::answer(fault, context, endpoint)),
        };
        if let Some(since) = context.since.filter(|_| at_once) {
            return Ok(Self { issuer: Arc::clone(&context.issuer), incoming, endpoint, since, read_at });
        }
        // The body may have taken its time; whether the tenant is live is asked again now that it is here.
        match context.directory.current(context.issuer.tenant().id).await {
            Ok((Some(issuer), since)) => Ok(Self { issuer, incoming, endpoint, since, read_at }),
            Ok((None, _)) => Err(refuse(OAuthError::not_now("the tenant was removed, or cannot work now"))),
            Err(error) => Err(refuse(error.into())),
        }
    }

    /// Does the work, and does it again when that took so long that it has to rest on what is true by now.
    ///
    /// # Errors
    /// The refusal the caller is to be told.
    pub(super) async fn answer<T>(
        &mut self,
        context: &Context,
        work: impl AsyncFn(&Issuer, &Incoming) -> Result<T, OAuthError>,
    ) -> Result<T, OAuthError> {
        let answered = work(&self.issuer, &self.incoming).await;
        if !answered.as_ref().is_err_and(OAuthError::is_to_look_again) {
            return answered;
        }
        match context.directory.current(self.issuer.tenant().id).await? {
            (Some(issuer), since) => (self.issuer, self.since) = (issuer, since),
            (None, _) => return answered,
        }
        // What is rare is in a box of its own, so that it does not make every request larger.
        Box::pin(work(&self.issuer, &self.incoming)).await
    }

    /// Renders what became of it: what rests on knowledge that has grown old in the meantime is not handed out, and a
    /// failed authentication is answered late.
    pub(super) async fn finish<T>(
        self,
        context: &Context,
        answered: Result<T, OAuthError>,
        answer: impl FnOnce(T) -> Response,
    ) -> Response {
        match answered {
            Ok(_) if !context.directory.may_hand_out(self.since) => {
                let held_up = OAuthError::not_now("the request was held up inside the server for too long");
                render(&held_up, context, self.endpoint)
            }
            Ok(answered) => answer(answered),
            Err(error) if error.is_overload() => {
                Box::pin(sleep_until(self.read_at + OVERLOAD_ANSWERED_AFTER)).await;
                respond::overload()
            }
            Err(error) => {
                let response = render(&error, context, self.endpoint);
                if error.is_answered_late() {
                    Box::pin(sleep_until(self.read_at + FAILURE_ANSWERED_AFTER)).await;
                }
                response
            }
        }
    }
}
