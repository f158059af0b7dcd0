//! `POST /oauth2/token`: read, call, render.
//! Not for: any decision about the token (`oauth/token.rs`).

use std::time::Duration;

use axum::Extension;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::sleep_until;

use super::context::Context;
use super::respond::{self, JSON_UTF8, json};
use super::{oauth_error, read};
use crate::oauth::error::ErrorCode;
use crate::oauth::token::{self, TokenResponse};

/// When a failed authentication is answered, after its request was read. All of them are, whatever the reason and
/// however long finding it took, so that the time of the answer tells nothing (C16). Waiting costs no processor time.
const FAILURE_ANSWERED_AFTER: Duration = Duration::from_millis(5);

/// Answers a token request.
pub(super) async fn answer(Extension(context): Extension<Context>, request: Request) -> Response {
    let (incoming, read_at) = match read::form(request, &context).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    // The body may have taken its time; whether the tenant is live is asked again now that it is here.
    let (issuer, since) = match context.directory.current(context.issuer.tenant().id).await {
        Ok((Some(issuer), since)) => (issuer, since),
        Ok((None, _)) => return respond::try_again(),
        Err(error) => return oauth_error::render(&error.into(), &context),
    };
    match token::issue(&issuer, &incoming).await {
        Ok(_) if !context.directory.may_hand_out(since) => respond::try_again(),
        Ok(response) => render(&response),
        Err(error) => {
            let response = oauth_error::render(&error, &context);
            if error.code == ErrorCode::InvalidClient {
                sleep_until(read_at + FAILURE_ANSWERED_AFTER).await;
            }
            response
        }
    }
}

/// The members and their order are the reference's. None of them holds a character that JSON escapes: the token is
/// base64url and dots, a scope name excludes quotes and backslashes (RFC 6749 §3.3).
fn render(response: &TokenResponse) -> Response {
    let mut body = String::with_capacity(response.access_token.len() + 256);
    body.push_str(r#"{"access_token":""#);
    body.push_str(&response.access_token);
    body.push('"');
    for (position, scope) in response.scopes.iter().enumerate() {
        body.push_str(if position == 0 { r#","scope":""# } else { " " });
        body.push_str(scope.as_str());
    }
    if !response.scopes.is_empty() {
        body.push('"');
    }
    body.push_str(r#","token_type":"Bearer","expires_in":"#);
    body.push_str(&response.expires_in.as_secs().to_string());
    body.push('}');
    json(StatusCode::OK, JSON_UTF8, body)
}
