//! Answers, read and ready to be looked at.

use std::fmt;

use axum::body::to_bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// An answer that has arrived whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(super) async fn read(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let body = String::from_utf8(body).unwrap();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A field that is there at most once.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        first
    }

    /// The access token of a success.
    #[track_caller]
    pub(crate) fn token(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The `scope` member of a success.
    #[track_caller]
    pub(crate) fn scope(&self) -> Option<String> {
        assert_eq!(self.status, 200, "{self:?}");
        self.json().get("scope").map(|scope| scope.as_str().unwrap().to_owned())
    }

    /// Expects the "401c" of the conformance list: nothing but `invalid_client`, and a challenge.
    #[track_caller]
    pub(crate) fn expect_invalid_client(&self) {
        assert_eq!((self.status, self.body.as_str()), (401, r#"{"error":"invalid_client"}"#), "{self:?}");
        assert_eq!(self.header("www-authenticate"), Some(r#"Basic realm="chancery""#));
        self.expect_never_cached();
    }

    /// Expects the "400 X" of the conformance list.
    #[track_caller]
    pub(crate) fn expect_refused(&self, error: &str) {
        assert_eq!((self.status, self.json()["error"].as_str()), (400, Some(error)), "{self:?}");
        self.expect_never_cached();
    }

    /// Expects the answer about a token that is not active or none of the caller's business, and nothing else.
    #[track_caller]
    pub(crate) fn expect_inactive(&self) {
        assert_eq!((self.status, self.body.as_str()), (200, r#"{"active":false}"#), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json;charset=UTF-8"));
        self.expect_never_cached();
    }

    /// The members of the answer about a token that is active.
    #[track_caller]
    pub(crate) fn active(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["active"]), (200, &Value::Bool(true)), "{self:?}");
        self.expect_never_cached();
        json
    }

    /// Expects that our trouble is called by its name, and when to come back.
    #[track_caller]
    pub(crate) fn expect_unavailable(&self) {
        assert_eq!((self.status, self.header("retry-after")), (503, Some("1")), "{self:?}");
        assert_eq!(self.json()["error"], "temporarily_unavailable");
        self.expect_never_cached();
    }

    #[track_caller]
    pub(crate) fn expect_never_cached(&self) {
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        assert_eq!(self.header("pragma"), Some("no-cache"), "{self:?}");
    }

    pub(crate) fn request_id(&self) -> &str {
        self.header("x-request-id").unwrap()
    }

    /// Everything but the request id, to be compared byte by byte.
    pub(crate) fn without_request_id(&self) -> (u16, Vec<(String, Vec<u8>)>, &str) {
        let mut fields: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| *name != "x-request-id")
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        fields.sort();
        (self.status, fields, &self.body)
    }
}

/// The whole answer for a snapshot; what is another in each run stands in angle brackets, and the length, which the
/// connection sees to, is left out.
impl fmt::Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.status)?;
        let mut fields: Vec<_> = self.headers.iter().filter(|(name, _)| *name != "content-length").collect();
        fields.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in fields {
            let value = if name == "x-request-id" { "<request id>" } else { value.to_str().unwrap() };
            writeln!(formatter, "{name}: {value}")?;
        }
        let token = serde_json::from_str::<Value>(&self.body).ok();
        let token = token.as_ref().and_then(|json| json.get("access_token")?.as_str());
        match token {
            Some(token) => write!(formatter, "\n{}", self.body.replace(token, "<token>")),
            None => write!(formatter, "\n{}", self.body),
        }
    }
}

/// A part of a token as text: 0 for the header, 1 for the claims.
pub(crate) fn part(token: &str, number: usize) -> String {
    let part = token.split('.').nth(number).unwrap();
    String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

/// The claims of a token that nobody has verified.
pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_str(&part(token, 1)).unwrap()
}
