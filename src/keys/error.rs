//! What can be wrong with a key, and how to mend it.
//! Not for: signing (`signing/`).

use crate::domain::id::KeyId;

/// Why a signing key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotUse {
    /// The tenant has no key that signs.
    #[error("no signing key is active")]
    NoActiveKey,
    /// The key is sealed under another master key.
    #[error(
        "key {key} is sealed under master key {sealed_under}, but keys.master is {here}: give the server the right one"
    )]
    OtherMasterKey {
        /// Which key.
        key: KeyId,
        /// The fingerprint of the master key it was sealed under.
        sealed_under: String,
        /// The fingerprint of the one at hand.
        here: String,
    },
    /// The digest key of a former master key does not open.
    #[error(
        "the digest key of the former master key {of} is sealed under master key {sealed_under} and does not open, \
         and keys.master is {here}: give the server the right one, or restore the store from a backup"
    )]
    FormerDigestKey {
        /// The fingerprint of the former master key.
        of: String,
        /// The fingerprint of the master key it was sealed under.
        sealed_under: String,
        /// The fingerprint of the one at hand.
        here: String,
    },
    /// The key does not open, or is not the one that was published.
    #[error("key {key} is damaged: restore the store from a backup")]
    Damaged {
        /// Which key.
        key: KeyId,
    },
    /// The key is for an algorithm this program does not know.
    #[error("key {key} is for an algorithm that this program does not know")]
    UnknownAlgorithm {
        /// Which key.
        key: KeyId,
    },
    /// A key is asked for of an algorithm this program does not know.
    #[error("this program does not know the algorithm {algorithm:?}: a newer one asked for it; use that one")]
    NoSuchAlgorithm {
        /// Which algorithm.
        algorithm: String,
    },
    /// An answer that was kept is sealed under another master key, or damaged.
    #[error(
        "the answer to this request was kept, but does not open any more: see what was made, and ask anew"
    )]
    LostAnswer,
    /// A key could not be made.
    #[error("the crypto library could not make a key")]
    NotMade,
}
