//! Where signatures are made: between other work, one at a time for each processor.
//! Not for: which key signs (`keys/mod.rs`) or what is signed (`oauth`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::crypto::algorithm::Signer;
use crate::crypto::jws;

/// How many tokens may wait for their signature. At a thousand signatures a second the last of them waits half a
/// second; whoever comes after it is better told to try again.
const QUEUE: usize = 512;

/// Lets so many signatures be made at once, and everything else have its turn after each of them.
///
/// An RSA signature keeps a processor busy for most of a millisecond. On threads of their own, signatures cost four
/// changes of threads for each token; here they cost none, and a health probe or a key fetch waits for one signature
/// at most: docs/decisions/0010-signing-between-other-work.md. A signature that takes less time than the rest of its
/// request has nothing to wait for, and is made at once.
pub struct Signing {
    count: usize,
    places: Semaphore,
    waiting: AtomicUsize,
}

/// Why a token was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Too many wait already.
    #[error("too many tokens wait for their signature")]
    Busy,
    /// The signature could not be made.
    #[error("the signature could not be made")]
    Failed,
}

impl Signing {
    /// Room for `places` signatures at once: as many as there are threads that serve requests.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let count = places.max(1);
        Self { count, places: Semaphore::new(count), waiting: AtomicUsize::new(0) }
    }

    /// How many signatures can be made at once.
    #[must_use]
    pub fn places(&self) -> usize {
        self.count
    }

    /// Signs `token`, which holds header and payload joined by a dot; it comes back as a whole compact JWS. A caller
    /// that goes away before its turn costs no signature.
    ///
    /// # Errors
    /// When too many wait already, or the signature could not be made.
    pub async fn sign(&self, signer: Arc<dyn Signer>, mut token: String) -> Result<String, NotSigned> {
        if signer.is_quick() {
            jws::sign(signer.as_ref(), &mut token).map_err(|_| NotSigned::Failed)?;
            return Ok(token);
        }
        let waiting = Waiting::join(&self.waiting)?;
        let place = self.places.acquire().await.map_err(|_| NotSigned::Failed)?;
        drop(waiting);
        jws::sign(signer.as_ref(), &mut token).map_err(|_| NotSigned::Failed)?;
        // Everything that is ready has its turn, and sockets are looked at, before the place goes to the next.
        yield_now().await;
        drop(place);
        Ok(token)
    }
}

/// One token in the queue.
struct Waiting<'queue>(&'queue AtomicUsize);

impl<'queue> Waiting<'queue> {
    fn join(count: &'queue AtomicUsize) -> Result<Self, NotSigned> {
        let waiting = Self(count);
        if count.fetch_add(1, Ordering::AcqRel) < QUEUE { Ok(waiting) } else { Err(NotSigned::Busy) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::crypto::algorithm::SigningFailed;
    use crate::crypto::jwk::PublicKey;

    struct Counting(AtomicU32, PublicKey, bool);

    impl Signer for Counting {
        fn sign(&self, _: &[u8], output: &mut Vec<u8>) -> Result<(), SigningFailed> {
            self.0.fetch_add(1, Ordering::Relaxed);
            output.push(1);
            Ok(())
        }

        fn signature_length(&self) -> usize {
            1
        }

        fn is_quick(&self) -> bool {
            self.2
        }

        fn public_key(&self) -> &PublicKey {
            &self.1
        }
    }

    fn counting() -> Arc<Counting> {
        counting_that(false)
    }

    fn counting_that(is_quick: bool) -> Arc<Counting> {
        Arc::new(Counting(AtomicU32::new(0), PublicKey::Rsa { n: vec![], e: vec![] }, is_quick))
    }

    fn ask(
        signing: &Arc<Signing>,
        signer: &Arc<Counting>,
        count: usize,
    ) -> Vec<tokio::task::JoinHandle<Result<String, NotSigned>>> {
        (0..count)
            .map(|_| {
                let (signing, signer) = (Arc::clone(signing), Arc::clone(signer));
                tokio::spawn(async move { signing.sign(signer, "a.b".to_owned()).await })
            })
            .collect()
    }

    #[tokio::test]
    async fn others_have_their_turn_after_each_signature() {
        let (signing, signer) = (Arc::new(Signing::new(1)), counting());
        let asked = ask(&signing, &signer, 50);
        let mut before = 0;
        while before < 50 {
            yield_now().await;
            let now = signer.0.load(Ordering::Relaxed);
            assert!(now - before <= 1, "{} signatures were made while another task waited", now - before);
            before = now;
        }
        for one in asked {
            assert_eq!(one.await.unwrap(), Ok("a.b.AQ".to_owned()));
        }
    }

    #[tokio::test]
    async fn refuses_when_too_many_wait_and_signs_the_rest() {
        let (signing, signer) = (Arc::new(Signing::new(1)), counting());
        let held = signing.places.acquire().await.unwrap();
        let asked = ask(&signing, &signer, QUEUE + 3);
        yield_now().await;
        drop(held);
        let mut refused = 0;
        for one in asked {
            refused += u32::from(one.await.unwrap() == Err(NotSigned::Busy));
        }
        assert_eq!((refused, signer.0.load(Ordering::Relaxed)), (3, 512));
        assert_eq!(signing.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_costs_no_signature() {
        let (signing, signer) = (Arc::new(Signing::new(1)), counting());
        let held = signing.places.acquire().await.unwrap();
        let asked = ask(&signing, &signer, 10);
        yield_now().await;
        asked.iter().for_each(tokio::task::JoinHandle::abort);
        yield_now().await;
        drop(held);
        assert!(ask(&signing, &signer, 1).remove(0).await.unwrap().is_ok());
        assert_eq!((signer.0.load(Ordering::Relaxed), signing.waiting.load(Ordering::Relaxed)), (1, 0));
    }

    #[tokio::test]
    async fn a_quick_signature_waits_for_nobody() {
        let (signing, signer) = (Signing::new(1), counting_that(true));
        let _held = signing.places.acquire().await.unwrap();
        signing.waiting.store(QUEUE, Ordering::Release);
        let mut asked = std::pin::pin!(signing.sign(signer, "a.b".to_owned()));
        // Once asked, it has the answer: it neither queues nor lets others go first.
        let answer =
            std::future::poll_fn(|context| std::task::Poll::Ready(asked.as_mut().poll(context))).await;
        assert_eq!(answer, std::task::Poll::Ready(Ok("a.b.AQ".to_owned())));
    }
}
