//! `POST /oauth2/revoke`: read, call, render.
//! Not for: any decision about the token (`oauth/revoke.rs`).

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;

use super::asked::{self, Work};
use super::context::Context;
use crate::domain::refusal::Endpoint;
use crate::issuer::Issuer;
use crate::oauth::error::OAuthError;
use crate::oauth::request::Incoming;
use crate::oauth::revoke::revoke;

/// Answers a revocation request.
pub(super) async fn answer(context: &Context<'_>, request: &mut Request) -> Response {
    asked::answer(context, request, Revocation(context)).await
}

struct Revocation<'of>(&'of Context<'of>);

impl Work for Revocation<'_> {
    type Done = ();

    const ENDPOINT: Endpoint = Endpoint::Revocation;

    async fn work(&self, issuer: &Issuer, incoming: &Incoming<'_>) -> Result<(), OAuthError> {
        if let Some(revoked) = revoke(issuer, incoming).await? {
            let (request_id, tenant) = (self.0.request_id, issuer.tenant().name.as_str());
            let (application, jti) = (revoked.application.as_str(), revoked.token);
            tracing::info!(%request_id, tenant, application, %jti, "a token was revoked");
        }
        Ok(())
    }

    /// RFC 7009 §2.2: the status says it all.
    fn render(&self, (): ()) -> Response {
        Response::new(Body::empty())
    }
}
