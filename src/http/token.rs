//! `POST /oauth2/token`: read, call, render.
//! Not for: any decision about the token (`oauth/token.rs`).

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use super::asked::Asked;
use super::context::Context;
use super::rate_limit;
use super::respond::{JSON_UTF8, json};
use crate::domain::authorization::GrantedToken;
use crate::domain::refusal::Endpoint;
use crate::issuer::issuance::Issued;
use crate::oauth::token::{self, Granted, TokenResponse};

/// Answers a token request.
pub(super) async fn answer(context: &Context, request: &mut Request) -> Response {
    let mut asked = match Asked::read(request, context, Endpoint::Token).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let answered = asked.answer(context, token::issue).await;
    asked
        .finish(context, answered, |response| {
            context.issuer.note_issued(&issued(&response, context));
            let mut rendered = render(&response);
            if let Some(charged) = response.charged {
                rate_limit::tell(rendered.headers_mut(), charged.standing.as_ref());
                context.issuer.spend(charged);
            }
            rendered
        })
        .await
}

/// What is noted of a token that is handed out.
fn issued<'token>(response: &'token TokenResponse, context: &Context) -> Issued<'token> {
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
fn render(response: &TokenResponse) -> Response {
    let mut digits = itoa::Buffer::new();
    let seconds = digits.format(response.expires_in.as_secs());
    let body = match &response.token {
        Granted::Once(token) => {
            let mut body = write(token);
            body.push_str(seconds);
            body.push('}');
            body
        }
        Granted::Again(reused) => {
            [&**reused.written.get_or_init(|| write(&reused.token).into_boxed_str()), seconds, "}"].concat()
        }
    };
    json(StatusCode::OK, JSON_UTF8, body)
}

/// The answer up to the seconds that the token still has. No member holds a character that JSON escapes: the token is
/// base64url and dots, a scope name excludes quotes and backslashes (RFC 6749 §3.3).
fn write(token: &GrantedToken) -> String {
    let mut body = String::with_capacity(token.text.len() + 256);
    body.push_str(r#"{"access_token":""#);
    body.push_str(&token.text);
    body.push('"');
    for (position, scope) in token.scopes.iter().enumerate() {
        body.push_str(if position == 0 { r#","scope":""# } else { " " });
        body.push_str(scope.as_str());
    }
    if !token.scopes.is_empty() {
        body.push('"');
    }
    body.push_str(r#","token_type":"Bearer","expires_in":"#);
    body
}
