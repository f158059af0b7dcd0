//! What every endpoint that takes a form from an application does before and after its own work.
//! Not for: the work (`oauth`), or what an answer looks like (`token.rs`, `introspect.rs`, `revoke.rs`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tokio::time::sleep;

use super::context::Context;
use super::oauth_error;
use super::read::{self, Fault};
use super::respond;
use crate::domain::refusal::Endpoint;
use crate::issuer::Issuer;
use crate::issuer::directory::TrueSince;
use crate::oauth::error::OAuthError;
use crate::oauth::form::Form;
use crate::oauth::request::Incoming;
use crate::store::StoreError;

/// When a failed authentication is answered, after its request was read and it was looked up whom it is for. All of them
/// are, whatever the reason and however long finding it took, so that the time of the answer tells nothing (C16). Waiting
/// costs no processor time.
const FAILURE_ANSWERED_AFTER: Duration = Duration::from_millis(5);

/// When a request is answered for which there is no signature, counted from the same moment: whoever asks again as
/// soon as it is answered gets a refusal sixty times a second and not thousands of times, and all others get what those would cost.
const OVERLOAD_ANSWERED_AFTER: Duration = Duration::from_millis(15);

/// The work of one endpoint.
pub(super) trait Work: Sync {
    /// What comes of it.
    type Done: Send;

    /// Which endpoint it is.
    const ENDPOINT: Endpoint;

    /// How old what it rests on may be when it is handed out, unless it is looked at again. Only a request that waited long, or
    /// was held up, comes near it.
    const HANDED_OUT_WITHIN: Duration = Duration::from_secs(1);

    /// Does it. It may be done twice: when it took so long that it has to rest on what is true by then.
    fn work(
        &self,
        issuer: &Issuer,
        incoming: &Incoming<'_>,
    ) -> impl Future<Output = Result<Self::Done, OAuthError>> + Send;

    /// Whether what came of it may be handed out although it is older than that, with the tenant as it was and is now. What it
    /// says of time is then as of now.
    fn is_true_still(&self, _issuer: &Issuer, _done: &mut Self::Done) -> bool {
        false
    }

    /// The answer, which is handed out.
    fn render(&self, done: Self::Done) -> Response;
}

/// A form request that was read, and the tenant as it was then.
struct Asked<'of> {
    context: &'of Context<'of>,
    endpoint: Endpoint,
    /// Whose endpoint it is, where it was looked up again.
    newer: Option<Arc<Issuer>>,
    since: TrueSince,
}

/// Answers a form request: reads it, does the work, and renders what became of it. What rests on knowledge that has grown
/// old in the meantime is not handed out.
pub(super) async fn answer<W: Work>(context: &Context<'_>, request: &mut Request, work: W) -> Response {
    let answer_fault = |fault| oauth_error::answer(fault, context, W::ENDPOINT);
    let refuse = |error| oauth_error::render(&error, context, W::ENDPOINT);
    if !read::is_form(request.headers()) {
        return answer_fault(Fault::NotAForm);
    }
    let authorization = match read::authorization(request.headers()) {
        Ok(authorization) => authorization,
        Err(error) => return refuse(error),
    };
    let (body, at_once) = match read::body(request.body_mut()).await {
        Ok(read) => read,
        Err(fault) => return answer_fault(fault),
    };
    let incoming = match Form::parse(&body) {
        Ok(form) => Incoming { form, authorization, source: context.source },
        Err(error) => return refuse(error),
    };
    let mut asked = match context.since.filter(|_| at_once) {
        Some(since) => Asked { context, endpoint: W::ENDPOINT, newer: None, since },
        None => match Box::pin(Asked::looked_up(context, W::ENDPOINT)).await {
            Ok(asked) => asked,
            Err(response) => return response,
        },
    };
    let mut answered = work.work(asked.issuer(), &incoming).await;
    if answered.as_ref().is_err_and(OAuthError::is_to_look_again) {
        // What is rare is in a box of its own, so that it does not make every request larger.
        answered = match Box::pin(asked.look_again()).await {
            Ok(true) => Box::pin(work.work(asked.issuer(), &incoming)).await,
            Ok(false) => answered,
            Err(error) => Err(OAuthError::not_known(error)),
        };
    }
    match answered {
        Ok(answered) if context.directory.may_hand_out(asked.since, W::HANDED_OUT_WITHIN) => {
            work.render(answered)
        }
        Ok(answered) => Box::pin(asked.hand_out_late(&work, answered)).await,
        Err(error) => Box::pin(asked.refuse_in_time(error)).await,
    }
}

impl<'of> Asked<'of> {
    /// The body may have taken its time; whether the tenant is live is asked again now that it is here.
    ///
    /// # Errors
    /// The answer to give instead.
    async fn looked_up(context: &'of Context<'of>, endpoint: Endpoint) -> Result<Self, Response> {
        let refuse = |error| oauth_error::render(&error, context, endpoint);
        match context.directory.current(context.issuer.tenant().id).await {
            Ok((Some(issuer), since)) => Ok(Self { context, endpoint, newer: Some(issuer), since }),
            Ok((None, _)) => Err(refuse(OAuthError::not_now("the tenant was removed, or cannot work now"))),
            Err(error) => Err(refuse(OAuthError::not_known(error))),
        }
    }

    /// Whose endpoint it is.
    fn issuer(&self) -> &Issuer {
        self.newer.as_deref().unwrap_or(&self.context.issuer)
    }

    /// Looks the tenant up again, since the work took so long that it has to rest on what is true by now. Whether it is
    /// there.
    ///
    /// # Errors
    /// When that cannot be found out.
    async fn look_again(&mut self) -> Result<bool, StoreError> {
        let current = self.context.directory.current(self.issuer().tenant().id).await?;
        let (Some(issuer), since) = current else { return Ok(false) };
        (self.newer, self.since) = (Some(issuer), since);
        Ok(true)
    }

    /// Hands out what took long, if nothing has changed of all that it rests on.
    async fn hand_out_late<W: Work>(self, work: &W, mut done: W::Done) -> Response {
        let current = self.context.directory.current_still(self.issuer(), self.since).await;
        if current.is_some_and(|issuer| work.is_true_still(&issuer, &mut done)) {
            work.render(done)
        } else {
            self.refuse(&OAuthError::not_now("the request was held up inside the server for too long"))
        }
    }

    /// Refuses. A failed authentication is answered late.
    async fn refuse_in_time(self, error: OAuthError) -> Response {
        let (response, after) = if error.is_overload() {
            (respond::overload(), Some(OVERLOAD_ANSWERED_AFTER))
        } else {
            (self.refuse(&error), error.is_answered_late().then_some(FAILURE_ANSWERED_AFTER))
        };
        if let Some(after) = after {
            sleep(after.saturating_sub(self.context.directory.passed(self.since))).await;
        }
        response
    }

    fn refuse(&self, error: &OAuthError) -> Response {
        oauth_error::render(error, self.context, self.endpoint)
    }
}
