//! A small HTTP client, for the command line to be a caller and a resource server.
//! Not for: the server, which calls nobody.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header;
use axum::http::uri::{Scheme, Uri};
use axum::http::{Method, Request};
use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::crypto::secret::Secret;
use crate::domain::scope::ScopeName;
use crate::domain::tenant::IssuerUrl;
use crate::oauth::jwks::{self, VerificationKey};
use crate::oauth::metadata::{self, INTROSPECTION_PATH, JWKS_PATH, REVOCATION_PATH, TOKEN_PATH};

/// How long one request may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A request that brought nothing of use: what went wrong, in one line. It never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClientError(String);

/// Asks servers.
pub struct Client {
    tls: TlsConnector,
}

/// Who asks: an application with its secret.
pub struct Caller {
    /// Its `client_id`.
    pub client_id: String,
    /// Its secret.
    pub secret: Secret,
}

/// One issuer, found.
pub struct Issuer {
    client: Client,
    name: String,
    token_endpoint: String,
    introspection_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    jwks_uri: String,
}

impl Client {
    /// A client that trusts the certificates in `ca`, or the system's.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(ca: Option<&Path>) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        match ca {
            Some(file) => {
                let bad = |error: &dyn std::fmt::Display| ClientError(format!("{}: {error}", file.display()));
                let certificates = CertificateDer::pem_file_iter(file).map_err(|error| bad(&error))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| bad(&error))?;
                    roots.add(certificate).map_err(|error| bad(&error))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let config = ClientConfig::builder_with_provider(super::tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Finds an issuer by its metadata (RFC 8414).
    ///
    /// # Errors
    /// When it does not answer, or its metadata are another issuer's.
    pub async fn discover(self, issuer: &str) -> Result<Issuer, ClientError> {
        let url = IssuerUrl::parse(issuer).map_err(|error| ClientError(error.to_string()))?;
        let [path, ..] = metadata::paths(&url);
        let document = self.get(&format!("{}{path}", url.origin())).await?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        // RFC 8414 §3.3: compared character by character.
        if text("issuer").as_deref() != Some(issuer) {
            return Err(ClientError(format!("{issuer}: its metadata name another issuer")));
        }
        let missing = |name: &str| ClientError(format!("{issuer}: its metadata have no {name}"));
        Ok(Issuer {
            name: issuer.to_owned(),
            token_endpoint: text("token_endpoint").ok_or_else(|| missing("token_endpoint"))?,
            introspection_endpoint: text("introspection_endpoint"),
            revocation_endpoint: text("revocation_endpoint"),
            jwks_uri: text("jwks_uri").ok_or_else(|| missing("jwks_uri"))?,
            client: self,
        })
    }

    /// An issuer whose endpoints are known to be below `origin`.
    #[must_use]
    pub fn at(self, issuer: &str, origin: &str) -> Issuer {
        Issuer {
            client: self,
            name: issuer.to_owned(),
            token_endpoint: format!("{origin}{TOKEN_PATH}"),
            introspection_endpoint: Some(format!("{origin}{INTROSPECTION_PATH}")),
            revocation_endpoint: Some(format!("{origin}{REVOCATION_PATH}")),
            jwks_uri: format!("{origin}{JWKS_PATH}"),
        }
    }

    async fn get(&self, url: &str) -> Result<Value, ClientError> {
        match self.send(Method::GET, url, None, String::new()).await? {
            (200, answer) => Ok(answer),
            (status, _) => Err(ClientError(format!("{url}: it answered {status}"))),
        }
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        authorization: Option<String>,
        form: String,
    ) -> Result<(u16, Value), ClientError> {
        let failed = |why: &dyn std::fmt::Display| ClientError(format!("{url}: {why}"));
        let uri: Uri = url.parse().map_err(|error| failed(&error))?;
        let (Some(authority), Some(scheme)) = (uri.authority(), uri.scheme()) else {
            return Err(failed(&"it is no URL"));
        };
        let is_https = *scheme == Scheme::HTTPS;
        // A secret must not go over the network in the clear, whatever the metadata say (RFC 6749 §3.2).
        IssuerUrl::parse(&format!("{scheme}://{authority}")).map_err(|error| failed(&error))?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(header::HOST, authority.as_str())
            .header(header::ACCEPT, "application/json");
        if !form.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::from(form))).map_err(|error| failed(&error))?;
        let exchange = async {
            let host = authority.host().trim_matches(['[', ']']);
            let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
            let stream = TcpStream::connect((host, port)).await.map_err(|error| failed(&error))?;
            if is_https {
                let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
                let stream = self.tls.connect(name, stream).await.map_err(|error| failed(&error))?;
                exchange(stream, request).await.map_err(|why| failed(&why))
            } else {
                exchange(stream, request).await.map_err(|why| failed(&why))
            }
        };
        timeout(DEADLINE, exchange).await.map_err(|_| failed(&"it did not answer in time"))?
    }
}

impl Issuer {
    /// The issuer identifier.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for a token with a secret by HTTP Basic; the endpoint's answer.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn token(&self, caller: &Caller, scopes: &[ScopeName]) -> Result<Value, ClientError> {
        let mut form = "grant_type=client_credentials".to_owned();
        if !scopes.is_empty() {
            let names: Vec<_> = scopes.iter().map(|scope| form_encode(scope.as_str())).collect();
            form.push_str("&scope=");
            form.push_str(&names.join("+"));
        }
        self.post(&self.token_endpoint, caller, form).await
    }

    /// Asks about a token (RFC 7662); the endpoint's answer.
    ///
    /// # Errors
    /// When the issuer has no such endpoint, refuses or does not answer.
    pub async fn introspect(&self, caller: &Caller, token: &str) -> Result<Value, ClientError> {
        let endpoint = self.endpoint(self.introspection_endpoint.as_deref(), "introspection_endpoint")?;
        self.post(endpoint, caller, format!("token={}", form_encode(token))).await
    }

    /// Gives a token back (RFC 7009).
    ///
    /// # Errors
    /// When the issuer has no such endpoint, refuses or does not answer.
    pub async fn revoke(&self, caller: &Caller, token: &str) -> Result<(), ClientError> {
        let endpoint = self.endpoint(self.revocation_endpoint.as_deref(), "revocation_endpoint")?;
        self.post(endpoint, caller, format!("token={}", form_encode(token))).await.map(|_| ())
    }

    fn endpoint<'url>(&self, url: Option<&'url str>, name: &str) -> Result<&'url str, ClientError> {
        url.ok_or_else(|| ClientError(format!("{}: its metadata have no {name}", self.name)))
    }

    /// Sends a form with the caller's secret by HTTP Basic; the answer, if it is a success.
    async fn post(&self, endpoint: &str, caller: &Caller, form: String) -> Result<Value, ClientError> {
        let pair = format!("{}:{}", form_encode(&caller.client_id), form_encode(caller.secret.expose()));
        let authorization = format!("Basic {}", BASE64.encode(pair.as_bytes()));
        match self.client.send(Method::POST, endpoint, Some(authorization), form).await? {
            (200, answer) => Ok(answer),
            (status, answer) => Err(ClientError(format!("{endpoint}: it answered {status} {answer}"))),
        }
    }

    /// The keys the issuer publishes.
    ///
    /// # Errors
    /// When it does not answer with a JWKS.
    pub async fn keys(&self) -> Result<Vec<VerificationKey>, ClientError> {
        let document = self.client.get(&self.jwks_uri).await?;
        jwks::read(&document).ok_or_else(|| ClientError(format!("{}: it is no JWKS", self.jwks_uri)))
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(u16, Value), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    driver.abort();
    let body = body.to_bytes();
    if body.is_empty() {
        return Ok((status, Value::Null));
    }
    let answer =
        serde_json::from_slice(&body).map_err(|_| format!("it answered {status}, and not in JSON"))?;
    Ok((status, answer))
}

/// `application/x-www-form-urlencoded` (RFC 6749 App. B): everything but unreserved characters is escaped.
fn form_encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |encoded, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            encoded + &char::from(byte).to_string()
        }
        b' ' => encoded + "+",
        _ => encoded + &format!("%{byte:02X}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C06
    #[test]
    fn encodes_as_the_server_decodes() {
        assert_eq!(form_encode("we ird%+x"), "we+ird%25%2Bx");
        assert_eq!(form_encode("a-b._~"), "a-b._~");
    }
}
