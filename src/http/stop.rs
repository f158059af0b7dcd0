//! The word to stop, said once and heard everywhere.
//! Not for: who says it (`cli/signal.rs`).

use tokio::sync::watch;

/// Hears the word to stop. Cheap to copy.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Says the word to stop. Dropping it says it too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// A new pair.
    #[must_use]
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// Waits until the word is said.
    pub async fn said(&mut self) {
        let _ = self.0.wait_for(|said| *said).await;
    }
}

impl Stopper {
    /// Says it.
    pub fn stop(&self) {
        let _ = self.0.send(true);
    }
}
