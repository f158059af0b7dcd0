//! Signals: the first asks the server to stop, the second does not wait.
//! Not for: what a stop waits for (`http/server.rs`).

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use crate::http::stop::Stop;

/// The word to stop, said at the first SIGINT or SIGTERM. At the second the process ends at once.
pub(super) fn stop_channel() -> Result<Stop, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(format!("signals cannot be received: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let (stopper, stop) = Stop::new();
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping: requests in flight are answered first; once more stops at once");
        stopper.stop();
        either(&mut interrupt, &mut terminate).await;
        std::process::exit(130);
    });
    Ok(stop)
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
