//! Identifiers made by the server: random UUIDs, one type for each thing they name.
//! Not for: `client_id` and other names that people choose.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::crypto::random::{self, Random};

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one.
            #[must_use]
            pub fn new(random: &dyn Random) -> Self {
                Self(random::uuid(random))
            }

            /// Its 16 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Writes the hyphenated form into `buffer` and returns it, without an allocation.
            pub fn encode<'buffer>(&self, buffer: &'buffer mut [u8; 36]) -> &'buffer str {
                self.0.hyphenated().encode_lower(buffer)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

identifier!(
    /// Names a tenant inside; people use its name.
    TenantId
);
identifier!(
    /// Names an application inside; on the wire it is the `client_id`.
    ApplicationId
);
identifier!(
    /// Names one credential of an application.
    CredentialId
);
identifier!(
    /// Names a signing key: the `kid` (RFC 7515 §4.1.4). It is never used again for other key material.
    KeyId
);
identifier!(
    /// Names a token: the `jti` (RFC 7519 §4.1.7).
    TokenId
);
identifier!(
    /// Names one HTTP request: the `X-Request-Id` of its answer and of its log line.
    RequestId
);
identifier!(
    /// Names an operator inside; people use its name.
    OperatorId
);
