//! Certificates that are replaced while the server runs, in the ways that tools replace them.
//! Not for: reading them the first time (`src/http/tls.rs`).

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::{get, serve_with_tls};
use crate::support::binary::{Installation, RunningServer};
use crate::support::tls::Certificate;

/// Waits until something is so; the server looks at its files once a second.
pub(super) fn soon(what: &str, is_so: impl Fn() -> bool) {
    let happened = (0..200).any(|_| {
        sleep(Duration::from_millis(50));
        is_so()
    });
    assert!(happened, "{what}");
}

pub(super) fn swap_files(folder: &Path, new: &Certificate) {
    new.write(&folder.join("new"));
    // Key first: until its certificate follows, the pair does not fit and the former one stays.
    for name in ["tls.key", "tls.crt"] {
        fs::rename(folder.join("new").join(name), folder.join(name)).unwrap();
    }
}

pub(super) fn served(address: SocketAddr, certificate: &Certificate) -> impl Fn() -> bool {
    move || certificate.is_served_by(address)
}

#[test]
fn a_replaced_certificate_is_served_to_new_connections_and_old_ones_go_on() {
    let installation = Installation::new();
    let (first, second) = (Certificate::new(), Certificate::new());
    first.write(installation.folder());
    let server = serve_with_tls(&installation);
    let mut old = first.connect(server.public);
    old.send(get("/oauth2/jwks"));
    let before = old.answer();
    assert_eq!(before.status, 200);

    swap_files(installation.folder(), &second);
    soon("the new certificate is served", served(server.public, &second));
    assert!(!first.is_served_by(server.public));
    old.send(get("/oauth2/jwks"));
    assert_eq!(old.answer().body, before.body);
    assert!(server.log().contains("the certificate was read again"));
}

/// As Kubernetes does it: the files are links through a link to a folder, and that one link is changed.
#[test]
fn a_certificate_behind_links_is_followed_too() {
    let installation = Installation::new();
    let folder = installation.folder();
    let (first, second) = (Certificate::new(), Certificate::new());
    first.write(&folder.join("first"));
    second.write(&folder.join("second"));
    symlink("first", folder.join("current")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        symlink(Path::new("current").join(name), folder.join(name)).unwrap();
    }
    let server = serve_with_tls(&installation);
    assert!(first.is_served_by(server.public));

    symlink("second", folder.join("next")).unwrap();
    fs::rename(folder.join("next"), folder.join("current")).unwrap();
    soon("the new certificate is served", served(server.public, &second));
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn a_certificate_that_cannot_be_used_is_reported_and_the_former_one_stays() {
    let installation = Installation::new();
    let folder = installation.folder();
    let (first, second, third) = (Certificate::new(), Certificate::new(), Certificate::new());
    first.write(folder);
    let server = serve_with_tls(&installation);
    let complaints = |server: &RunningServer| server.log().matches("the former one stays").count();

    fs::write(folder.join("broken"), "not a certificate\n").unwrap();
    fs::rename(folder.join("broken"), folder.join("tls.crt")).unwrap();
    soon("the broken file is reported", || complaints(&server) == 1);
    assert!(first.is_served_by(server.public));
    assert!(server.log().contains("tls.crt"));
    // One half of another pair is no better, and no file at all is worse.
    second.write(&folder.join("new"));
    fs::rename(folder.join("new/tls.crt"), folder.join("tls.crt")).unwrap();
    soon("the wrong pair is reported", || complaints(&server) == 2);
    fs::remove_file(folder.join("tls.key")).unwrap();
    soon("the missing file is reported", || complaints(&server) == 3);
    assert!(first.is_served_by(server.public));

    third.write(folder);
    soon("the mended pair is served", served(server.public, &third));
    assert!(!server.log().contains("BEGIN"), "keys must not be logged");
}

#[test]
fn a_server_does_not_start_with_a_certificate_it_cannot_use() {
    let installation = Installation::new();
    let pair = Certificate::new();
    pair.write(installation.folder());
    fs::write(installation.folder().join("tls.crt"), "nothing").unwrap();
    let files = ["--listen-tls-certificate", "tls.crt", "--listen-tls-key", "tls.key"];
    let output = installation.run(&[&["serve", "--listen-public", "127.0.0.1:0"], &files[..]].concat());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.contains("tls.crt") && last.contains("no certificate"), "{text}");
}
