//! The `listen` section: addresses, TLS files, limits, and the rule that plain HTTP stays on loopback.
//! Binding addresses and reading certificates is the server's work.

use super::reader::Reader;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

const MAX_CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;

/// Where and how the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenSettings {
    /// `listen.public`: address and port for callers and resource servers. Default: `127.0.0.1:8080`.
    pub public: SocketAddr,
    /// `listen.admin`: address and port for operators and probes. Default: `127.0.0.1:8081`.
    pub admin: SocketAddr,
    /// `listen.tls.certificate` and `listen.tls.key`. Default: none, which is plain HTTP.
    pub tls: Option<TlsFiles>,
    /// `listen.behind_proxy`: whether TLS ends in front of the server. Default: false.
    pub behind_proxy: bool,
    /// `listen.max_connections`: most connections that are open at once, 1 to 1000000. Default: 10000.
    pub max_connections: usize,
}

/// The PEM files of the public listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `listen.tls.certificate`: the certificate chain.
    pub certificate: PathBuf,
    /// `listen.tls.key`: its private key.
    pub key: PathBuf,
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<ListenSettings> {
    let public = reader.text("listen.public", parse_address);
    let admin = reader.text("listen.admin", parse_address);
    let tls = read_tls(reader);
    let behind_proxy = reader.truth("listen.behind_proxy");
    let max_connections = reader.number("listen.max_connections", &MAX_CONNECTIONS);
    let listen = ListenSettings {
        public: public?,
        admin: admin?,
        tls,
        behind_proxy: behind_proxy?,
        max_connections: max_connections?,
    };
    refuse_shared_address(reader, &listen);
    refuse_plain_http_beyond_loopback(reader, &listen);
    Some(listen)
}

/// Whether an address can be reached only from this machine.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn read_tls(reader: &mut Reader<'_>) -> Option<TlsFiles> {
    let certificate = reader.path("listen.tls.certificate");
    let key = reader.path("listen.tls.key");
    reader.text("listen.tls.client_ca", |_| {
        Err::<(), _>(
            "client certificates are not supported by this release; leave the setting out".to_owned(),
        )
    });
    match (reader.is_given("listen.tls.certificate"), reader.is_given("listen.tls.key")) {
        (true, false) => reader.refuse("listen.tls.key", "is required with listen.tls.certificate"),
        (false, true) => reader.refuse("listen.tls.certificate", "is required with listen.tls.key"),
        _ => (),
    }
    Some(TlsFiles { certificate: certificate?, key: key? })
}

fn refuse_shared_address(reader: &mut Reader<'_>, listen: &ListenSettings) {
    let (public, admin) = (listen.public, listen.admin);
    let (public_ip, admin_ip) = (public.ip().to_canonical(), admin.ip().to_canonical());
    let shares_ip = public_ip == admin_ip || public_ip.is_unspecified() || admin_ip.is_unspecified();
    // With port 0 the system picks two different ports.
    if public.port() == admin.port() && public.port() != 0 && shares_ip {
        reader.refuse("listen.admin", "is the same address as listen.public; use another port");
    }
}

fn refuse_plain_http_beyond_loopback(reader: &mut Reader<'_>, listen: &ListenSettings) {
    if listen.behind_proxy {
        return;
    }
    // Half a pair, or a wrong one, is reported as such: the operator did mean TLS.
    let means_tls = reader.is_given("listen.tls.certificate") || reader.is_given("listen.tls.key");
    if !is_loopback(listen.public) && !means_tls {
        reader.refuse(
            "listen.public",
            "plain HTTP is served only on loopback; set listen.tls.certificate and listen.tls.key, \
             or listen.behind_proxy = true if TLS ends in front of the server",
        );
    }
    if !is_loopback(listen.admin) {
        reader.refuse(
            "listen.admin",
            "the admin listener speaks plain HTTP, which is served only on loopback; use 127.0.0.1, \
             or set listen.behind_proxy = true if TLS ends in front of the server",
        );
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    // The one name that is understood: any other would need a resolver, and may change its meaning.
    let address = match text.split_once(':') {
        Some((host, port)) if host.eq_ignore_ascii_case("localhost") => {
            port.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        }
        _ => text.parse().ok(),
    };
    address.ok_or_else(|| "must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

#[cfg(test)]
mod tests {
    use super::TlsFiles;
    use crate::config::example::{from_file, mistakes_of_file};
    use std::path::PathBuf;

    /// The names of the settings that are refused.
    fn refused(text: &str) -> Vec<String> {
        mistakes_of_file(text).lines().filter_map(|line| line.split(':').next()).map(str::to_owned).collect()
    }

    const ISSUER: &str = "issuer = 'https://id.example'\n";

    #[test]
    fn understands_addresses_and_localhost() -> Result<(), String> {
        for (text, address) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("localhost:9000", "127.0.0.1:9000"),
            ("[::1]:9000", "[::1]:9000"),
            ("127.9.9.9:65535", "127.9.9.9:65535"),
        ] {
            assert_eq!(from_file(&format!("listen.public = '{text}'"))?.listen.public.to_string(), address);
        }
        Ok(())
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "8080",
            ":8080",
            "127.0.0.1",
            "localhost",
            "localhost:",
            "localhost:65536",
            "example.com:80",
            "::1:80",
            "http://127.0.0.1:80",
            "127.0.0.1:80/",
        ] {
            assert_eq!(refused(&format!("listen.public = '{text}'")), ["listen.public"], "{text}");
        }
    }

    #[test]
    fn refuses_one_address_for_both_listeners() {
        assert_eq!(refused("listen.public = '127.0.0.1:8081'"), ["listen.admin"]);
        assert_eq!(refused("listen.public = '[::ffff:127.0.0.1]:8081'"), ["listen.admin"]);
        let anywhere = "listen.public = '0.0.0.0:8081'\nlisten.behind_proxy = true";
        assert_eq!(refused(&format!("{ISSUER}{anywhere}")), ["listen.admin"]);
        assert!(refused("[listen]\npublic = '127.0.0.1:0'\nadmin = '127.0.0.1:0'").is_empty());
        assert!(refused("[listen]\npublic = '127.0.0.1:1'\nadmin = '127.0.0.2:1'").is_empty());
    }

    #[test]
    fn plain_http_stays_on_loopback_unless_a_proxy_is_in_front() {
        let shown = mistakes_of_file(&format!("{ISSUER}listen.public = '0.0.0.0:80'"));
        assert!(shown.starts_with("listen.public: plain HTTP"), "{shown}");
        assert!(shown.contains("listen.tls.certificate") && shown.contains("listen.behind_proxy"), "{shown}");
        assert_eq!(refused("listen.admin = '10.0.0.1:80'"), ["listen.admin"]);
        let tls = "listen.tls = { certificate = 'c.pem', key = 'k.pem' }\n";
        assert_eq!(refused(&format!("{ISSUER}{tls}listen.public = '[::]:443'")), Vec::<String>::new());
        assert_eq!(refused(&format!("{ISSUER}{tls}listen.admin = '[::]:443'")), ["listen.admin"]);
        let behind =
            "listen.behind_proxy = true\nlisten.public = '0.0.0.0:80'\nlisten.admin = '0.0.0.0:81'\n";
        assert_eq!(refused(&format!("{ISSUER}{behind}")), Vec::<String>::new());
        assert_eq!(refused(&format!("{ISSUER}{behind}{tls}")), Vec::<String>::new());
    }

    #[test]
    fn tls_files_come_in_pairs() -> Result<(), String> {
        let files = TlsFiles { certificate: PathBuf::from("c"), key: PathBuf::from("k") };
        assert_eq!(from_file("listen.tls = { certificate = 'c', key = 'k' }")?.listen.tls, Some(files));
        assert_eq!(refused("listen.tls.certificate = 'c'"), ["listen.tls.key"]);
        assert_eq!(refused("listen.tls.key = 'k'"), ["listen.tls.certificate"]);
        assert_eq!(refused("listen.tls = { certificate = '', key = 'k' }"), ["listen.tls.certificate"]);
        Ok(())
    }

    #[test]
    fn client_certificates_are_refused_by_name() {
        assert_eq!(
            mistakes_of_file("listen.tls.client_ca = 'ca.pem'"),
            "listen.tls.client_ca: client certificates are not supported by this release; leave the setting out \
             (chancery.toml, line 1)"
        );
    }

    #[test]
    fn the_number_of_connections_has_bounds() -> Result<(), String> {
        assert_eq!(from_file("")?.listen.max_connections, 10_000);
        for number in ["1", "1000000"] {
            from_file(&format!("listen.max_connections = {number}"))?;
        }
        for number in ["0", "-1", "1000001", "99999999999999999999", "'many'"] {
            assert_eq!(refused(&format!("listen.max_connections = {number}")).len(), 1, "{number}");
        }
        Ok(())
    }
}
