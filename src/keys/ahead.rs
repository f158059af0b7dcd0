//! What signatures would have to do now and then beside signing, done on a thread of its own before they are asked for.
//! Not for: what that is (`crypto/blinding.rs`).

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use crate::crypto::algorithm::Signer;
use crate::threads::start_quiet;

/// The thread, once it is wanted. It ends with this.
#[derive(Default)]
pub(super) struct Ahead(OnceLock<SyncSender<Arc<dyn Signer>>>);

impl Ahead {
    /// Has a signer prepared by and by where it is to be and there is time for it. While one waits for that already, nothing
    /// happens, and it may be asked for again.
    pub(super) fn prepare(&self, signer: &Arc<dyn Signer>, there_is_time: impl FnOnce() -> bool) {
        if signer.is_to_prepare() && there_is_time() {
            let _ = self.0.get_or_init(Self::start).try_send(Arc::clone(signer));
        }
    }

    fn start() -> SyncSender<Arc<dyn Signer>> {
        // With room for one; whoever finds none comes again.
        let (sender, receiver) = sync_channel::<Arc<dyn Signer>>(1);
        if let Err(error) = start_quiet("ahead", move || receiver.iter().for_each(|signer| signer.prepare()))
        {
            tracing::warn!(%error, "there is no thread to prepare signatures; now and then one takes longer");
        }
        sender
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
    use std::time::Duration;

    use super::*;
    use crate::crypto::algorithm::SigningFailed;
    use crate::crypto::jwk::PublicKey;

    /// Tells when it is prepared.
    struct Telling {
        is_to_prepare: bool,
        prepared: Sender<()>,
        key: PublicKey,
    }

    impl Signer for Telling {
        fn sign(&self, _: &[u8], _: &mut Vec<u8>) -> Result<(), SigningFailed> {
            Err(SigningFailed)
        }

        fn signature_length(&self) -> usize {
            0
        }

        fn is_to_prepare(&self) -> bool {
            self.is_to_prepare
        }

        fn prepare(&self) {
            self.prepared.send(()).unwrap();
        }

        fn public_key(&self) -> &PublicKey {
            &self.key
        }
    }

    fn telling(is_to_prepare: bool) -> (Arc<dyn Signer>, Receiver<()>) {
        let (prepared, told) = channel();
        (Arc::new(Telling { is_to_prepare, prepared, key: PublicKey::Rsa { n: vec![], e: vec![] } }), told)
    }

    #[test]
    fn a_signer_is_prepared_where_it_is_to_be_and_there_is_time() {
        let ahead = Ahead::default();
        let ([(due, told), (ready, silent)], patience) =
            ([true, false].map(telling), Duration::from_secs(30));
        ahead.prepare(&due, || false);
        ahead.prepare(&ready, || true);
        assert!(ahead.0.get().is_none(), "there is no thread while there is nothing to do");
        ahead.prepare(&due, || true);
        told.recv_timeout(patience).unwrap();
        assert_eq!(
            (told.try_recv(), silent.try_recv()),
            (Err(TryRecvError::Empty), Err(TryRecvError::Empty))
        );
        drop((ahead, due));
        // The thread ends, and with it the last that knows the signer.
        assert!(told.recv_timeout(patience).is_err());
    }
}
