//! The issuance stream as the settings want it.
//! Not for: what it says (`issuer/issuance/`).

use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use crate::config::{Destination, IssuanceSettings};
use crate::domain::time::Clock;
use crate::issuer::issuance::Issuance;
use crate::issuer::issuance::file::RotatingFile;
use crate::issuer::issuance::writer::{QUEUE, StandardOutput, Writer, start};

/// How long a server that stops waits for the last lines.
const FINISH_DEADLINE: Duration = Duration::from_secs(5);

/// Opens where the lines go. There is no writer where nothing is to be written.
pub(super) fn open(
    settings: &IssuanceSettings,
    clock: &Arc<dyn Clock>,
) -> Result<(Issuance, Option<Writer>), Failure> {
    let clock = Arc::clone(clock);
    let started = match &settings.to {
        Destination::Off => return Ok((Issuance::off(), None)),
        Destination::StandardOutput => start(StandardOutput, clock, QUEUE),
        Destination::File(path) => {
            let file = RotatingFile::open(path, settings.rotate_at, settings.keep)
                .map_err(|error| Failure::new(format!("issuance.to: {}: {error}", path.display())))?;
            start(file, clock, QUEUE)
        }
    };
    started
        .map(|(issuance, writer)| (issuance, Some(writer)))
        .map_err(|error| Failure::new(format!("the system gives no threads: {error}")))
}

/// Has the last lines written.
pub(super) async fn finish(writer: Option<Writer>) {
    if let Some(writer) = writer
        && let Err(error) = writer.finish(FINISH_DEADLINE).await
    {
        tracing::error!("{error}");
    }
}
