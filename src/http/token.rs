//! `POST /oauth2/token`: read, call, render.
//! Not for: any decision about the token (`oauth/token.rs`).

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use super::asked::Asked;
use super::context::Context;
use super::rate_limit;
use super::respond::{JSON_UTF8, json};
use crate::domain::refusal::Endpoint;
use crate::issuer::issuance::Issued;
use crate::oauth::token::{self, TokenResponse};

/// Answers a token request.
pub(super) async fn answer(context: Context, request: Request) -> Response {
    let mut asked = match Asked::read(request, &context, Endpoint::Token).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let answered = asked.answer(&context, token::issue).await;
    asked
        .finish(&context, answered, |response| {
            context.issuer.note_issued(&issued(&response, &context));
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
    Issued {
        request: context.request_id,
        source: context.source,
        application: &response.authenticated.application().client_id,
        credential: response.authenticated.credential(),
        scopes: &response.scopes,
        apis: &response.audience,
        token: response.id,
        key: response.key,
        expires_at: response.expires_at,
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
