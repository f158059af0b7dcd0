//! The built program as a whole process: TLS, certificates that change, limits, crowds, a stop that loses nothing.
//! Not for: what is answered (`http`, `token`).

use std::sync::LazyLock;

use crate::support::binary::{Installation, RunningServer};
use crate::support::tls::Certificate;

mod certificates;
mod crowd;
mod floods;
mod limits;
mod resumption;
mod stop;
mod tls;

/// A server that speaks TLS, for all tests that only talk to it.
pub(crate) struct SecureSite {
    pub(crate) server: RunningServer,
    pub(crate) certificate: Certificate,
}

pub(crate) static SECURE_SITE: LazyLock<SecureSite> = LazyLock::new(|| {
    let installation = Installation::new();
    let certificate = Certificate::new();
    certificate.write(installation.folder());
    let server = serve_with_tls(&installation);
    server.end_with_tests(installation);
    SecureSite { server, certificate }
});

/// Starts a server on the files `tls.crt` and `tls.key` in the installation's folder.
fn serve_with_tls(installation: &Installation) -> RunningServer {
    let files = ["--listen-tls-certificate", "tls.crt", "--listen-tls-key", "tls.key"];
    installation.serve(&[&files[..], &["--issuer", "https://localhost"]].concat())
}

/// A request without a body.
fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// A request for a token that is refused, with a body.
const REFUSED: &str = "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\ngrant_type=client_credentials";

/// What of a process is in memory, in bytes.
#[cfg(target_os = "linux")]
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
