//! What a command says when it was refused or failed: one line, what and how to mend it.
//! Not for: wrong usage, which clap explains.

use std::fmt;

use crate::domain::on_one_line;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(on_one_line(&text.into()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Several mistakes are several lines.
impl From<crate::admin::registry::Mistakes> for Failure {
    fn from(mistakes: crate::admin::registry::Mistakes) -> Self {
        Self(mistakes.to_string())
    }
}

impl From<crate::admin::registry::NotApplied> for Failure {
    fn from(error: crate::admin::registry::NotApplied) -> Self {
        match error {
            crate::admin::registry::NotApplied::Mistakes(mistakes) => mistakes.into(),
            crate::admin::registry::NotApplied::Admin(error) => error.into(),
        }
    }
}

macro_rules! from {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error.to_string())
            }
        })+
    };
}

/// Several mistakes are several lines.
impl From<crate::config::Mistakes> for Failure {
    fn from(mistakes: crate::config::Mistakes) -> Self {
        Self(mistakes.to_string())
    }
}

from!(
    crate::admin::AdminError,
    crate::admin::audit::NotWhole,
    crate::admin::copy::NotDone,
    crate::crypto::master::NotAMasterKey,
    crate::domain::Invalid,
    crate::http::client::ClientError,
    crate::http::tls::BadCertificate,
    crate::keys::CannotUse,
    crate::store::StoreError,
    crate::store::copy::NotCopied,
);
