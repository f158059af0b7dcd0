//! What the front has found out about a request before a handler sees it.
//! Not for: anything a handler finds out itself.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::issuer::directory::TrueSince;
use crate::issuer::{Directory, Issuer};

/// A request to a tenant.
pub(super) struct Context<'of> {
    /// Whose endpoint it is, as it was when the request began.
    pub(super) issuer: Arc<Issuer>,
    /// Since when that rests on what is true, if it was found in memory without a wait.
    pub(super) since: Option<TrueSince>,
    /// All tenants.
    pub(super) directory: &'of Directory,
    /// Names the request in its answer and in the log.
    pub(super) request_id: RequestId,
    /// Where it came from, as far as the connection tells.
    pub(super) source: Option<IpAddr>,
}

/// A request to the admin listener.
#[derive(Clone)]
pub(super) struct AdminContext {
    /// All tenants.
    pub(super) directory: Arc<Directory>,
    /// Whether the server is about to stop.
    pub(super) stopping: bool,
}

/// What is known of a request to the admin API before anybody has proved who they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// Names the request in its answer, in the log and in the audit.
    pub(super) request_id: RequestId,
    /// Where it came from, as far as the connection tells.
    pub(super) source: Option<IpAddr>,
}
