//! `issuer`: the default tenant's issuer, and when it must be given.
//! Other tenants' issuers are in the store.

use super::listen::is_loopback;
use super::reader::Reader;
use crate::domain::tenant::IssuerUrl;
use std::net::SocketAddr;

/// Reads the setting; `public` is absent when the `listen` section is a mistake itself.
pub(super) fn read(reader: &mut Reader<'_>, public: Option<SocketAddr>) -> Option<IssuerUrl> {
    let serves_beyond_loopback = public.is_some_and(|public| !is_loopback(public));
    if serves_beyond_loopback && !reader.is_given("issuer") {
        reader.refuse(
            "issuer",
            "is required when listen.public is beyond loopback; set it to the https URL that callers use",
        );
    }
    reader.text("issuer", |text| {
        let issuer = IssuerUrl::parse(text).map_err(|wrong| wrong.to_string())?;
        if serves_beyond_loopback && !issuer.is_https() {
            return Err("must be https when listen.public is beyond loopback".to_owned());
        }
        Ok(issuer)
    })
}

#[cfg(test)]
mod tests {
    use crate::config::example::{from_file, mistakes_of_file};
    use crate::domain::tenant::IssuerUrl;

    #[test]
    fn is_required_and_https_beyond_loopback() -> Result<(), String> {
        let listen = "listen.behind_proxy = true\nlisten.public = '0.0.0.0:80'\n";
        assert!(mistakes_of_file(listen).starts_with("issuer: is required"));
        assert!(
            mistakes_of_file(&format!("{listen}issuer = 'http://localhost'"))
                .starts_with("issuer: must be https")
        );
        let settings = from_file(&format!("{listen}issuer = 'https://id.example'"))?;
        assert_eq!(settings.issuer.as_ref().map(IssuerUrl::as_str), Some("https://id.example"));
        Ok(())
    }

    #[test]
    fn a_wrong_issuer_is_one_mistake_and_not_shown() {
        let shown = mistakes_of_file(
            "listen.behind_proxy = true\nlisten.public = '0.0.0.0:80'\nissuer = 'https://me:hunter2@x'",
        );
        assert_eq!(
            shown,
            "issuer: that is not an issuer: its host is a lower-case name or address, with a port if need be (chancery.toml, line 3)"
        );
    }
}
