//! What a file of another server says, in words that all of them share. Nothing of it is checked yet.
//! Not for: what is made of it (`take.rs`).

use crate::crypto::secret::Secret;
use crate::domain::time::Timestamp;

/// Everything of a file.
#[derive(Debug, Default)]
pub(super) struct Export {
    pub(super) clients: Vec<ForeignClient>,
    /// What scopes permit, for people.
    pub(super) scopes: Vec<(String, String)>,
    pub(super) apis: Vec<ForeignApi>,
    /// What is to be said of the whole.
    pub(super) notes: Vec<String>,
}

/// An application as another server has it.
#[derive(Debug, Default)]
pub(super) struct ForeignClient {
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) is_disabled: bool,
    pub(super) is_public: bool,
    pub(super) grants: Vec<String>,
    /// Empty when nothing is said of them.
    pub(super) auth_methods: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) default_scopes: Option<Vec<String>>,
    /// What its tokens may be meant for.
    pub(super) apis: Vec<String>,
    /// What its tokens are meant for by default.
    pub(super) default_api: Option<String>,
    /// How long its tokens live, in seconds.
    pub(super) lifetime: Option<u64>,
    pub(super) secret: ForeignSecret,
    pub(super) secret_expires_at: Option<Timestamp>,
    /// What the format has to say of it.
    pub(super) notes: Vec<String>,
}

/// A secret as another server has it.
#[derive(Debug, Default)]
pub(super) enum ForeignSecret {
    /// The file has none.
    #[default]
    None,
    /// The secret itself.
    Plain(Secret),
    /// A hash of it, or the secret itself with a label that says so.
    Encoded(Secret),
}

/// An API as another server has it.
#[derive(Debug, Default)]
pub(super) struct ForeignApi {
    pub(super) identifier: String,
    pub(super) name: String,
    pub(super) scopes: Vec<(String, String)>,
    /// How long its tokens live, in seconds.
    pub(super) lifetime: Option<u64>,
    pub(super) algorithm: Option<String>,
}
