//! `POST /oauth2/revoke`: read, call, render.
//! Not for: any decision about the token (`oauth/revoke.rs`).

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;

use super::asked::Asked;
use super::context::Context;
use crate::domain::refusal::Endpoint;
use crate::oauth::revoke::revoke;

/// Answers a revocation request.
pub(super) async fn answer(context: &Context, request: &mut Request) -> Response {
    let mut asked = match Asked::read(request, context, Endpoint::Revocation).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let answered = asked.answer(context, revoke).await;
    if let Ok(Some(revoked)) = &answered {
        let (request_id, tenant) = (context.request_id, context.issuer.tenant().name.as_str());
        let (application, jti) = (revoked.application.as_str(), revoked.token);
        tracing::info!(%request_id, tenant, application, %jti, "a token was revoked");
    }
    // RFC 7009 §2.2: the status says it all.
    asked.finish(context, answered, |_| Response::new(Body::empty())).await
}
