//! The secret in the form (RFC 6749 §2.3.1), as in the reference.
//! Not for: credentials in the query, which are never read.

use std::borrow::Cow;

use super::{ClientAuthMethod, Found, Presented};
use crate::domain::application::AuthMethod;
use crate::oauth::request::Incoming;

/// `client_secret_post`.
pub(super) struct ClientSecretPost;

impl ClientAuthMethod for ClientSecretPost {
    fn method(&self) -> AuthMethod {
        AuthMethod::ClientSecretPost
    }

    fn find<'request>(&self, incoming: &'request Incoming<'_>) -> Found<'request> {
        match (&incoming.form.client_id, &incoming.form.client_secret) {
            (_, None) => Found::NotMine,
            (None, Some(_)) => Found::Broken("the form has a client_secret but no client_id"),
            (Some(client_id), Some(secret)) => Found::Presented(Presented {
                unverified_client_id: Cow::Borrowed(client_id),
                proof: secret.borrowed(),
            }),
        }
    }
}
