//! TLS to a PostgreSQL that has a certificate.

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::store::postgres::{Access, Address, Postgres};

/// A server of its own, in a folder of its own, with a certificate for `localhost` alone.
struct Server {
    folder: TempDir,
    url: String,
}

fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres"))
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Server {
    fn start(authority: &CertifiedIssuer<'_, KeyPair>) -> Self {
        let folder = TempDir::new().unwrap();
        let start = |options: &str| {
            let output =
                script().arg("start").arg(folder.path()).env("POSTGRES_OPTIONS", options).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        // The first start makes the folder, whose owner the key has to have.
        start("-c fsync=off");
        assert!(script().arg("stop").arg(folder.path()).status().unwrap().success());
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        let data = folder.path().join("data");
        for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
            let file = data.join(name);
            std::fs::write(&file, text).unwrap();
            let owner = format!("--reference={}", data.join("PG_VERSION").display());
            for command in ["chown", "chmod"] {
                assert!(Command::new(command).arg(&owner).arg(&file).status().unwrap().success());
            }
        }
        let url = start("-c fsync=off -c ssl=on");
        Self { folder, url }
    }

    /// The URL with another host and options.
    fn at(&self, host: &str, options: &str) -> String {
        format!("{}?{options}", self.url.replace("127.0.0.1", host))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(script().arg("stop").arg(self.folder.path()).arg("immediate").status());
    }
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
    let server = Server::start(&own);
    let file = |name: &str, text: String| -> PathBuf {
        let file = server.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let trusted = format!("sslrootcert={}", file("own.pem", own.pem()).display());
    let strange = format!("sslrootcert={}", file("foreign.pem", foreign.pem()).display());

    let fine = reach(&server.at("localhost", &trusted)).await.unwrap();
    assert!(fine.contains(", TLSv1.3,"), "{fine}");
    let bound = format!("{trusted}&sslmode=verify-full&channel_binding=require");
    assert!(reach(&server.at("localhost", &bound)).await.unwrap().contains(", TLSv1.3,"));
    let plain = reach(&server.at("localhost", "sslmode=disable")).await.unwrap();
    assert!(plain.contains(", no TLS,"), "{plain}");

    for (url, why) in [
        (server.at("localhost", &strange), "UnknownIssuer"),
        (server.at("localhost", "sslmode=require"), "UnknownIssuer"),
        (server.at("127.0.0.1", &trusted), "not valid for name"),
        (server.at("localhost", "sslrootcert=/nowhere/ca.pem"), "/nowhere/ca.pem"),
    ] {
        let refused = reach(&url).await.unwrap_err();
        assert!(refused.contains(why), "{url}: {refused}");
    }
}
