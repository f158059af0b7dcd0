//! TLS: the one crypto provider, and certificates that are read again when their files change.
//! Not for: client certificates, which come with their authentication methods.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use super::stop::Stop;
use crate::crypto::certificate;
use crate::domain::time::Timestamp;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many tickets a caller is given after each handshake of TLS 1.3. One would do for one connection at a time, which
/// takes one and gets the next; two let a pool that opens several catch up.
const TICKETS: usize = 2;

/// The provider of every TLS connection here: aws-lc-rs, as for tokens.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A server certificate with its key, as it stands in two files.
pub struct Certificates {
    files: Files,
    /// What stood in the files before they were read: any later change of theirs is one to follow.
    loaded: u64,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The certificate could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}", file = file.display())]
pub struct BadCertificate {
    file: PathBuf,
    problem: String,
}

impl Certificates {
    /// Reads certificate chain and key (PEM). TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// When a file cannot be read, holds nothing of use, or the two do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, BadCertificate> {
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
        let loaded = files.content();
        let current = Arc::new(Current(ArcSwap::from_pointee(files.read()?)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| BadCertificate { file: files.certificate.clone(), problem: error.to_string() })?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // A caller that comes again shows a ticket instead of costing a signature. What it says is sealed in the ticket, so
        // that nothing is kept here for it; the keys are this process's own, change every six hours and are gone after
        // twelve. They do not follow the certificate: when that changes callers must not all come at once for a signature.
        config.ticketer = Ticketer::new().map_err(|error| BadCertificate {
            file: files.certificate.clone(),
            problem: error.to_string(),
        })?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = TICKETS;
        // What came before the handshake is done could have been sent by anybody who heard it once (RFC 8446 §8).
        config.max_early_data_size = 0;
        Ok(Self { files, loaded, current, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// When the first certificate of the chain expires, as far as that can be read.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let current = self.current.0.load();
        let ends = current.cert.iter().filter_map(|certificate| certificate::not_after(certificate));
        ends.min().map(Timestamp::from_seconds)
    }

    /// Reads the files again whenever they change, until `stop` says true. What cannot be used is logged, and the
    /// former certificate stays.
    pub async fn follow(&self, mut stop: Stop) {
        let mut seen = self.loaded;
        loop {
            tokio::select! {
                () = stop.said() => return,
                () = sleep(LOOK_EVERY) => {}
            }
            let content = self.files.content();
            if content == seen {
                continue;
            }
            seen = content;
            match self.files.read() {
                Ok(certified) => {
                    self.current.0.store(Arc::new(certified));
                    tracing::info!(file = %self.files.certificate.display(), "the certificate was read again");
                }
                Err(error) => {
                    tracing::error!(%error, "the changed certificate cannot be used; the former one stays");
                }
            }
        }
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

impl Files {
    fn read(&self) -> Result<CertifiedKey, BadCertificate> {
        let bad = |file: &Path, problem: String| BadCertificate { file: file.to_owned(), problem };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| bad(&self.certificate, error.to_string()))?;
        if chain.is_empty() {
            return Err(bad(&self.certificate, "there is no certificate in it".to_owned()));
        }
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(|error| bad(&self.key, error.to_string()))?;
        CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| bad(&self.certificate, format!("certificate and key cannot be used: {error}")))
    }

    /// Tells contents apart. Their times would not do: files are also changed by links whose times do not move.
    fn content(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for file in [&self.certificate, &self.key] {
            std::fs::read(file).ok().map(Zeroizing::new).as_deref().hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The certificate in use.
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Current(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Q06
    #[test]
    fn offers_tls_1_2_and_1_3_with_sound_suites_only() {
        let suites: Vec<_> =
            provider().cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
        assert_eq!(
            suites,
            [
                "TLS13_AES_256_GCM_SHA384",
                "TLS13_AES_128_GCM_SHA256",
                "TLS13_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            ]
        );
    }

    #[tokio::test]
    async fn notices_a_change_from_before_it_began_to_follow() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        let write = || {
            let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(&certificate, pair.cert.pem()).unwrap();
            std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
            pair.cert.der().clone()
        };
        write();
        let certificates = Certificates::load(&certificate, &key).unwrap();
        assert_eq!(certificates.expires_at().unwrap().to_string(), "4096-01-01T00:00:00.000Z");
        let changed = write();
        let (_stopper, stop) = Stop::new();
        let _ = tokio::time::timeout(LOOK_EVERY * 2, certificates.follow(stop)).await;
        assert_eq!(certificates.current.0.load().cert, [changed]);
    }

    #[test]
    fn says_which_file_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        let refused = || Certificates::load(&certificate, &key).err().unwrap().to_string();
        assert!(refused().contains("tls.crt"), "{}", refused());
        std::fs::write(&certificate, "nothing").unwrap();
        assert!(refused().ends_with("there is no certificate in it"), "{}", refused());
    }
}
