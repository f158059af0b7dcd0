//! TLS to a PostgreSQL that has a certificate.

use std::path::PathBuf;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::server::Server;
use crate::store::postgres::{Access, Address, Postgres};

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate for `localhost` alone.
fn with_certificate(authority: &CertifiedIssuer<'_, KeyPair>) -> Server {
    // The first start makes the folder, whose owner the key has to have.
    let mut server = Server::start("-c fsync=off");
    server.stop();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let data = server.folder.path().join("data");
    for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let file = data.join(name);
        std::fs::write(&file, text).unwrap();
        let owner = format!("--reference={}", data.join("PG_VERSION").display());
        for command in ["chown", "chmod"] {
            assert!(Command::new(command).arg(&owner).arg(&file).status().unwrap().success());
        }
    }
    server.start_again("-c fsync=off -c ssl=on");
    server
}

/// The URL with another host and options.
fn at(server: &Server, host: &str, options: &str) -> String {
    format!("{}?{options}", server.url.replace("127.0.0.1", host))
}

async fn reach(url: &str) -> Result<String, String> {
    let access = Access { address: Address::parse(url).unwrap(), password: None, connections: 4 };
    let (store, _) = Postgres::open(&access).await.map_err(|error| error.to_string())?;
    store.about().await.map(|about| about.summary).map_err(|error| error.to_string())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test runs it"]
async fn the_certificate_and_its_name_are_checked() {
    let (own, foreign) = (authority("ours"), authority("another"));
    let server = with_certificate(&own);
    let file = |name: &str, text: String| -> PathBuf {
        let file = server.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let trusted = format!("sslrootcert={}", file("own.pem", own.pem()).display());
    let strange = format!("sslrootcert={}", file("foreign.pem", foreign.pem()).display());

    let verified = reach(&at(&server, "localhost", &trusted)).await.unwrap();
    assert!(verified.contains(", TLSv1.3,"), "{verified}");
    let bound = format!("{trusted}&sslmode=verify-full&channel_binding=require");
    assert!(reach(&at(&server, "localhost", &bound)).await.unwrap().contains(", TLSv1.3,"));
    let plain = reach(&at(&server, "localhost", "sslmode=disable")).await.unwrap();
    assert!(plain.contains(", no TLS,"), "{plain}");

    for (url, why) in [
        (at(&server, "localhost", &strange), "UnknownIssuer"),
        (at(&server, "localhost", "sslmode=require"), "UnknownIssuer"),
        (at(&server, "127.0.0.1", &trusted), "not valid for name"),
        (at(&server, "localhost", "sslrootcert=/nowhere/ca.pem"), "/nowhere/ca.pem"),
    ] {
        let refused = reach(&url).await.unwrap_err();
        assert!(refused.contains(why), "{url}: {refused}");
    }
}
