//! Requests, as short as a test can write them.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Version};
use data_encoding::BASE64;

use super::server::App;

const FORM: &str = "application/x-www-form-urlencoded";

/// The host of the tenant `default` in every test.
pub(crate) const HOST: &str = "id.example.com";

/// A request that is not sent yet.
pub(crate) struct Ask {
    method: Method,
    uri: String,
    version: Version,
    headers: HeaderMap,
    body: Body,
}

/// A token request with these parameters beside `grant_type=client_credentials`.
pub(crate) fn token_request(parameters: &[(&str, &str)]) -> Ask {
    form(&[&[("grant_type", "client_credentials")], parameters].concat())
}

/// A question about a token.
pub(crate) fn introspection(token: &str) -> Ask {
    form(&[("token", token)]).to("/oauth2/introspect")
}

/// A token that is given back.
pub(crate) fn revocation(token: &str) -> Ask {
    form(&[("token", token)]).to("/oauth2/revoke")
}

/// A form for the token endpoint with just these parameters.
pub(crate) fn form(parameters: &[(&str, &str)]) -> Ask {
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    raw(pairs.collect::<Vec<_>>().join("&"))
}

/// A form for the token endpoint with this body, byte by byte.
pub(crate) fn raw(body: impl Into<Body>) -> Ask {
    Ask { method: Method::POST, body: body.into(), ..get("/oauth2/token") }.with("content-type", FORM)
}

/// A GET without a body.
pub(crate) fn get(path: &str) -> Ask {
    let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(HOST))]);
    Ask { method: Method::GET, uri: path.to_owned(), version: Version::HTTP_11, headers, body: Body::empty() }
}

impl Ask {
    /// One more field; it may be there already.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    /// Without the field.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// To another host.
    pub(crate) fn host(self, host: &str) -> Self {
        self.without("host").with("host", host)
    }

    /// To another target: a path, or a whole URI.
    pub(crate) fn to(mut self, uri: &str) -> Self {
        uri.clone_into(&mut self.uri);
        self
    }

    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = method.parse().unwrap();
        self
    }

    /// With this body.
    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// With the application's id and secret by HTTP Basic.
    pub(crate) fn of(self, app: &App) -> Self {
        self.basic(&app.client_id, &app.secret)
    }

    /// With id and secret by HTTP Basic, each form-encoded as RFC 6749 §2.3.1 says.
    pub(crate) fn basic(self, client_id: &str, secret: &str) -> Self {
        self.basic_raw(format!("{}:{}", encode(client_id), encode(secret)))
    }

    /// With this text by HTTP Basic, byte by byte.
    pub(crate) fn basic_raw(self, credentials: impl AsRef<[u8]>) -> Self {
        self.with("authorization", format!("Basic {}", BASE64.encode(credentials.as_ref())))
    }

    pub(super) fn into_request(self) -> Request {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri.parse().unwrap();
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        request
    }
}

/// Form-encodes (RFC 6749 App. B).
pub(crate) fn encode(text: &str) -> String {
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
