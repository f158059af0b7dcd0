//! `/health/live` and `/health/ready`.
//! Not for: strangers; the admin listener is for operators.

use axum::Extension;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json as value;

use super::context::AdminContext;
use super::respond::{JSON, json};

/// Whether the process answers at all. If not, it should be started anew.
pub(super) async fn live() -> Response {
    json(StatusCode::OK, JSON, value!({ "status": "live" }).to_string())
}

/// Whether requests should be sent here. If not, they should go elsewhere for a while.
pub(super) async fn ready(Extension(context): Extension<AdminContext>) -> Response {
    let reason = if context.stopping {
        Some("the server is stopping".to_owned())
    } else {
        context.directory.check_ready().await.err()
    };
    match reason {
        None => {
            let mut body = value!({ "status": "ready" });
            let warnings = context.directory.warnings();
            // Without this server there would be no tokens at all, so it stays ready.
            if let (false, Some(members)) = (warnings.is_empty(), body.as_object_mut()) {
                members.insert("warning".to_owned(), warnings.join("; ").into());
            }
            json(StatusCode::OK, JSON, body.to_string())
        }
        Some(reason) => {
            let body = value!({ "status": "not ready", "reason": reason }).to_string();
            json(StatusCode::SERVICE_UNAVAILABLE, JSON, body)
        }
    }
}
