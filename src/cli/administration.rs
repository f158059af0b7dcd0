//! The thread that answers administrators, which gives way to those that answer callers: docs/decisions/0020.
//! Not for: what is answered (`http/admin`).

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::Failure;
use crate::http::Front;
use crate::http::server::Server;
use crate::http::stop::Stop;
use crate::threads::{Workers, start_quiet};

/// Most connections at once.
const MAX_CONNECTIONS: usize = 256;

/// Serves on a thread of its own until `stop` says so. What is returned hears when the last request is answered.
pub(super) fn serve(
    front: Arc<Front>,
    listener: TcpListener,
    stop: Stop,
) -> Result<oneshot::Receiver<()>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the admin listener does not start: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (tell, told) = oneshot::channel();
    start_quiet("administration", move || {
        runtime.block_on(async {
            let (max_connections, workers) = (MAX_CONNECTIONS, Workers::alone());
            Server { front, certificates: None, max_connections, workers }.serve(listener, stop).await;
        });
        // What is left of it has the store open.
        drop(runtime);
        let _ = tell.send(());
    })
    .map_err(failed)?;
    Ok(told)
}
