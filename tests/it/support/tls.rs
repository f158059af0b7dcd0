//! TLS from a caller's side: certificates made for a test, and connections that trust just one of them.
//! Not for: what the server offers (`src/http/tls.rs`).

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chancery::domain::time::{Clock, SystemClock};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use super::wire::{Connection, connect};

/// A certificate for `localhost` that signed itself, with its key.
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    pem: String,
    key: String,
}

/// A connection by TLS.
pub(crate) type Secured = Connection<StreamOwned<ClientConnection, TcpStream>>;

impl Certificate {
    pub(crate) fn new() -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { der: cert.der().clone(), pem: cert.pem(), key: signing_key.serialize_pem() }
    }

    /// One that expires so many days from now, or did.
    pub(crate) fn ending_in(days: i64) -> Self {
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let end = SystemClock::new().now().as_seconds() + days * 86_400;
        parameters.not_after =
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(end.try_into().unwrap());
        let key = rcgen::KeyPair::generate().unwrap();
        let cert = parameters.self_signed(&key).unwrap();
        Self { der: cert.der().clone(), pem: cert.pem(), key: key.serialize_pem() }
    }

    /// Writes both files into a folder: `tls.crt` and `tls.key`.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("tls.crt"), &self.pem).unwrap();
        fs::write(folder.join("tls.key"), &self.key).unwrap();
    }

    /// A client that trusts this certificate alone.
    pub(crate) fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&str],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(chancery::http::tls::provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// Whether a server has this certificate now. Nothing but the handshake is done.
    pub(crate) fn is_served_by(&self, address: SocketAddr) -> bool {
        secure(address, &self.client(rustls::ALL_VERSIONS, &[])).is_ok()
    }

    /// A connection to a server that has this certificate.
    pub(crate) fn connect(&self, address: SocketAddr) -> Secured {
        secure(address, &self.client(rustls::ALL_VERSIONS, &["http/1.1"])).unwrap()
    }
}

/// What a server is asked for.
pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Connects and does the handshake.
pub(crate) fn secure(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<Secured> {
    let mut stream = connect(address);
    let mut session = ClientConnection::new(Arc::clone(config), localhost()).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut stream)?;
    }
    Ok(Connection::over(StreamOwned::new(session, stream)))
}
