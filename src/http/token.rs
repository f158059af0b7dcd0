//! `POST /oauth2/token`: read, call, render.
//! Not for: any decision about the token (`oauth/token.rs`).

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;

use super::asked::{self, Work};
use super::context::Context;
use super::rate_limit;
use super::respond;
use crate::domain::refusal::Endpoint;
use crate::domain::scope::ScopeName;
use crate::issuer::Issuer;
use crate::issuer::issuance::Issued;
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

/// The members and their order are the reference's. All but the last number is the same each time a token is handed out.
fn render(token: Granted, expires_in: Duration) -> Response {
    let mut digits = itoa::Buffer::new();
    let seconds = digits.format(expires_in.as_secs());
    respond::token(match token {
        Granted::Once(token) => {
            let mut body = write(token.text, &token.scopes);
            body.push_str(seconds);
            body.push('}');
            body
        }
        Granted::Again(reused) => {
            let token = &reused.token;
            let write = || write(token.text.clone(), &token.scopes).into_boxed_str();
            [&**reused.written.get_or_init(write), seconds, "}"].concat()
        }
    })
}

/// The answer up to the seconds that the token still has, written around the token where it lies. No member holds a
/// character that JSON escapes: the token is base64url and dots, a scope name excludes quotes and backslashes (RFC 6749
/// §3.3).
fn write(token: String, scopes: &[ScopeName]) -> String {
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
    body
}
