//! The thread that answers administrators, which gives way to those that answer callers: docs/decisions/0020.
//! Not for: what is answered (`http/admin`).

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::Failure;
use crate::http::Front;
use crate::http::server::Server;
use crate::http::stop::Stop;
use crate::threads::start_quiet;

/// Serves on a thread of its own until `stop` says so. What is returned hears when the last request is answered.
pub(super) fn serve(
    server: Server<Front>,
    listener: TcpListener,
    stop: Stop,
) -> Result<oneshot::Receiver<()>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the admin listener does not start: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (tell, told) = oneshot::channel();
    start_quiet("administration", move || {
        runtime.block_on(server.serve(listener, stop));
        // What is left of it has the store open.
        drop(runtime);
        let _ = tell.send(());
    })
    .map_err(failed)?;
    Ok(told)
}
