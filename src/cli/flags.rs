//! The flags of `serve` and `dev`: one for each setting that concerns the database, listening, keys, the stream and the
//! log.
//! Not for: what their values may be (`config`).

/// Settings given as flags. They win over the environment, which wins over the file.
#[derive(Debug, clap::Args)]
pub(super) struct ServeFlags {
    /// Where the database's password is, if it is not in its URL
    #[arg(long, value_name = "file:PATH|env:NAME")]
    store_password: Option<String>,
    /// Most connections to the database [default: 10]
    #[arg(long, value_name = "NUMBER")]
    store_connections: Option<String>,
    /// Where callers connect [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen_public: Option<String>,
    /// Where operators and probes connect [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS")]
    listen_admin: Option<String>,
    /// Certificate chain (PEM); read again when it changes
    #[arg(long, value_name = "FILE")]
    listen_tls_certificate: Option<String>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    listen_tls_key: Option<String>,
    /// CAs of client certificates (PEM); not supported yet
    #[arg(long, value_name = "FILE", hide = true)]
    listen_tls_client_ca: Option<String>,
    /// TLS ends in a proxy in front of the server
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    listen_behind_proxy: Option<String>,
    /// Most connections at once [default: 10000]
    #[arg(long, value_name = "NUMBER")]
    listen_max_connections: Option<String>,
    /// The default tenant's issuer
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The master key: a file, or env:NAME [default: master.key in the data folder]
    #[arg(long, value_name = "FILE|env:NAME")]
    keys_master: Option<String>,
    /// A second master key that is accepted while the master key is being changed: a file, or env:NAME
    #[arg(long, value_name = "FILE|env:NAME")]
    keys_accept: Option<String>,
    /// Whether algorithms may be chosen that are experimental [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    keys_experimental: Option<String>,
    /// Where a line of JSON goes for each token and each refusal: off, stdout or a file [default: off]
    #[arg(long, value_name = "off|stdout|FILE")]
    issuance_to: Option<String>,
    /// How large that file may be before a new one is begun [default: 100MiB]
    #[arg(long, value_name = "SIZE")]
    issuance_rotate_at: Option<String>,
    /// How many older files are kept beside it [default: 10]
    #[arg(long, value_name = "NUMBER")]
    issuance_keep: Option<String>,
    /// Memory for applications that need not be read from the store [default: 96MiB]
    #[arg(long, value_name = "SIZE")]
    cache_memory: Option<String>,
    /// How long memory answers while the store is away; 0 for not at all [default: 1h]
    #[arg(long, value_name = "DURATION")]
    outage_allow: Option<String>,
    /// auto, text or json [default: auto]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info or debug [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ServeFlags {
    /// The flags that were given, by the names of their settings.
    pub(super) fn given(&self) -> Vec<(String, String)> {
        [
            ("store.password", &self.store_password),
            ("store.connections", &self.store_connections),
            ("listen.public", &self.listen_public),
            ("listen.admin", &self.listen_admin),
            ("listen.tls.certificate", &self.listen_tls_certificate),
            ("listen.tls.key", &self.listen_tls_key),
            ("listen.tls.client_ca", &self.listen_tls_client_ca),
            ("listen.behind_proxy", &self.listen_behind_proxy),
            ("listen.max_connections", &self.listen_max_connections),
            ("issuer", &self.issuer),
            ("keys.master", &self.keys_master),
            ("keys.accept", &self.keys_accept),
            ("keys.experimental", &self.keys_experimental),
            ("issuance.to", &self.issuance_to),
            ("issuance.rotate_at", &self.issuance_rotate_at),
            ("issuance.keep", &self.issuance_keep),
            ("cache.memory", &self.cache_memory),
            ("outage.allow", &self.outage_allow),
            ("log.format", &self.log_format),
            ("log.level", &self.log_level),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::SETTINGS;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        flags: ServeFlags,
    }

    #[test]
    fn every_setting_has_its_flag() {
        // These two are options of every command.
        for setting in SETTINGS.iter().filter(|setting| !["data", "store.url"].contains(&setting.name)) {
            let only = Only::try_parse_from(["serve", &setting.flag(), "x"]).unwrap();
            assert_eq!(only.flags.given(), [(setting.name.to_owned(), "x".to_owned())]);
        }
    }
}
