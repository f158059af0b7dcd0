//! `POST /oauth2/token`: read, call, render.
//! Not for: any decision about the token (`oauth/token.rs`).

use std::sync::PoisonError;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;

use super::asked::{self, Work};
use super::context::Context;
use super::rate_limit;
use super::respond;
use crate::domain::refusal::Endpoint;
use crate::domain::scope::ScopeName;
use crate::issuer::Issuer;
use crate::issuer::issuance::Issued;
use crate::issuer::reuse::ReusedToken;
use crate::oauth::error::OAuthError;
use crate::oauth::request::Incoming;
use crate::oauth::token::{self, Granted, TokenResponse};

/// Answers a token request.
pub(super) async fn answer(context: &Context<'_>, request: &mut Request) -> Response {
    asked::answer(context, request, Issuance(context)).await
}

struct Issuance<'of>(&'of Context<'of>);

impl Work for Issuance<'_> {
    type Done = TokenResponse;

    const ENDPOINT: Endpoint = Endpoint::Token;

    /// So that the caller has it within a second.
    const HANDED_OUT_WITHIN: Duration = Duration::from_millis(800);

    fn work(
        &self,
        issuer: &Issuer,
        incoming: &Incoming<'_>,
    ) -> impl Future<Output = Result<TokenResponse, OAuthError>> + Send {
        token::issue(issuer, incoming)
    }

    fn is_true_still(&self, issuer: &Issuer, response: &mut TokenResponse) -> bool {
        response.is_true_still(issuer)
    }

    fn render(&self, response: TokenResponse) -> Response {
        let Self(context) = self;
        context.issuer.note_issued(&issued(&response, context));
        let mut rendered = render(response.token, response.expires_in);
        if let Some(charged) = response.charged {
            rate_limit::tell(rendered.headers_mut(), charged.standing.as_ref());
            context.issuer.spend(*charged);
        }
        rendered
    }
}

/// What is noted of a token that is handed out.
fn issued<'token>(response: &'token TokenResponse, context: &Context<'_>) -> Issued<'token> {
    let token = response.token.token();
    Issued {
        at: response.at,
        request: context.request_id,
        source: context.source,
        application: &response.authenticated.application().client_id,
        credential: response.authenticated.credential(),
        scopes: &token.scopes,
        apis: &token.audience,
        token: token.id,
        key: token.key,
        expires_at: token.expires_at,
        is_reused: response.is_reused,
    }
}

fn render(token: Granted, expires_in: Duration) -> Response {
    match token {
        Granted::Once(token) => respond::token(write(token.text, &token.scopes, expires_in)),
        Granted::Again(reused) => respond::token(write_again(&reused, expires_in)),
    }
}

/// The answer with a token that is reused: the same piece of memory for all who ask in the same second.
fn write_again(reused: &ReusedToken, expires_in: Duration) -> Bytes {
    let mut last = reused.answer.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, answer)) = &*last
        && *of == expires_in
    {
        return answer.clone();
    }
    let answer = Bytes::from(write(reused.token.text.clone(), &reused.token.scopes, expires_in));
    *last = Some((expires_in, answer.clone()));
    answer
}

/// The answer, written around the token where it lies. The members and their order are the reference's. None holds a character that
/// JSON escapes: the token is base64url and dots, a scope name excludes quotes and backslashes (RFC 6749 §3.3).
fn write(token: String, scopes: &[ScopeName], expires_in: Duration) -> String {
    let mut body = token;
    body.insert_str(0, r#"{"access_token":""#);
    body.push('"');
    for (position, scope) in scopes.iter().enumerate() {
        body.push_str(if position == 0 { r#","scope":""# } else { " " });
        body.push_str(scope.as_str());
    }
    if !scopes.is_empty() {
        body.push('"');
    }
    body.push_str(r#","token_type":"Bearer","expires_in":"#);
    body.push_str(itoa::Buffer::new().format(expires_in.as_secs()));
    body.push('}');
    body
}
