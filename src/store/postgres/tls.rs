//! TLS to the database: the server's certificate is always checked, and so is its name.
//! Not for: whether TLS is needed, beyond what a URL says (`address.rs`).

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

/// Which TLS, if any.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Tls {
    /// None: the database is on this machine, or somebody wrote that there is to be none.
    Off,
    /// With a certificate that one of these authorities gave to the host.
    Verified {
        /// PEM; the system's when there is none.
        authorities: Option<PathBuf>,
        /// Our own certificate and its key (PEM).
        client: Option<(PathBuf, PathBuf)>,
    },
}

impl Tls {
    /// What a URL's options say.
    pub(super) fn choose(options: &[(&'static str, String)], is_near: bool) -> Result<Self, String> {
        let said = |wanted: &str| options.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
        let file = |wanted: &str| said(wanted).filter(|path| !path.is_empty()).map(PathBuf::from);
        let files = (file("sslrootcert"), file("sslcert"), file("sslkey"));
        let is_off = match said("sslmode").map(String::as_str) {
            Some("verify-full" | "require") => false,
            Some("disable") => true,
            Some("verify-ca" | "prefer" | "allow") => {
                return Err("has an sslmode that lets others listen or answer; use verify-full, or disable where nobody \
                            can"
                .to_owned());
            }
            Some(_) => return Err("has an sslmode that is not known; use verify-full or disable".to_owned()),
            None => is_near && files == (None, None, None),
        };
        match (is_off, files) {
            (true, (None, None, None)) => Ok(Self::Off),
            (true, _) => Err("has certificates and sslmode=disable; leave out one of them".to_owned()),
            (false, (authorities, None, None)) => Ok(Self::Verified { authorities, client: None }),
            (false, (authorities, Some(certificate), Some(key))) => {
                Ok(Self::Verified { authorities, client: Some((certificate, key)) })
            }
            (false, _) => Err("must have both of sslcert and sslkey, or neither".to_owned()),
        }
    }

    /// Whether there is none.
    pub(super) fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    /// Reads the files. Without TLS there is nothing that could be connected with it.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, StoreError> {
        let (authorities, client) = match self {
            Self::Off => (Some(RootCertStore::empty()), None),
            Self::Verified { authorities, client } => {
                (authorities.as_deref().map(certificates_in).transpose()?, client.as_ref())
            }
        };
        let authorities = authorities.unwrap_or_else(|| {
            let mut system = RootCertStore::empty();
            system.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            system
        });
        // Named, as for every other connection: what the process has by default is decided by whoever is linked in.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
            .with_root_certificates(authorities);
        let mut config = match client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_file_iter(certificate)
                    .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                    .map_err(|error| bad(certificate, &error))?;
                let own = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
                builder.with_client_auth_cert(chain, own).map_err(|error| bad(certificate, &error))?
            }
        };
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }
}

fn certificates_in(file: &Path) -> Result<RootCertStore, StoreError> {
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| bad(file, &error))? {
        let certificate = certificate.map_err(|error| bad(file, &error))?;
        authorities.add(certificate).map_err(|error| bad(file, &error))?;
    }
    if authorities.is_empty() {
        return Err(bad(file, &"holds no certificate"));
    }
    Ok(authorities)
}

fn bad(file: &Path, problem: &dyn Display) -> StoreError {
    StoreError::Unavailable(format!("{}: {problem}", file.display()))
}
