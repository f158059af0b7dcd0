//! An HTTP request into an `Incoming`: content type, limits, deadlines.
//! Not for: what the form says (`oauth/form.rs`).

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::time::timeout;

use super::respond::{refuse, with};
use super::unfinished::Crowded;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::request::Authorization;

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Longest body, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// How long a body may stand still.
const STALL_DEADLINE: Duration = Duration::from_secs(10);

/// How long a whole body may take, so that sending a byte now and then does not hold a connection for ever.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// A fault before the protocol is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The body is said to be something else.
    NotAForm,
    /// The body is too long.
    TooLong,
    /// The body stood still.
    Stalled,
    /// The body ended too early, or is framed wrongly.
    Broken,
    /// Too much has come already of requests that are not answered.
    Crowded,
}

impl Fault {
    /// What is wrong, in words for the caller.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::NotAForm => "Send the parameters as application/x-www-form-urlencoded.",
            Self::TooLong => "The body is longer than 64 KiB.",
            Self::Stalled => "The body did not arrive in time.",
            Self::Broken => "The body is broken.",
            Self::Crowded => "Too many requests are not complete. Send each in one piece, and try again.",
        }
    }

    /// The error that the caller is told.
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::Crowded => ErrorCode::TemporarilyUnavailable,
            Self::NotAForm | Self::TooLong | Self::Stalled | Self::Broken => ErrorCode::InvalidRequest,
        }
    }

    /// The answer. The connection is closed where what follows on it is unknown.
    pub(super) fn answer(self) -> Response {
        let accept_post = header::HeaderName::from_static("accept-post");
        let (status, name, value) = match self {
            Self::NotAForm => (StatusCode::UNSUPPORTED_MEDIA_TYPE, accept_post, FORM),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, header::CONNECTION, "close"),
            Self::Stalled => (StatusCode::REQUEST_TIMEOUT, header::CONNECTION, "close"),
            Self::Broken => (StatusCode::BAD_REQUEST, header::CONNECTION, "close"),
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, header::CONNECTION, "close"),
        };
        with(refuse(status, self.code(), self.description()), name, value)
    }
}

/// Reads a body, and says whether it was there without a wait.
///
/// # Errors
/// Why it could not be read.
pub(super) async fn body(body: &mut Body) -> Result<(Bytes, bool), Fault> {
    // As long as it is said to be.
    if body.size_hint().exact().is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(Fault::TooLong);
    }
    if body.is_end_stream() {
        return Ok((Bytes::new(), true));
    }
    // Nearly every body came with its head and in one piece, and needs neither deadlines nor memory for them.
    let first = body.frame().now_or_never();
    if body.is_end_stream()
        && let Some(Some(Ok(frame))) = first
    {
        let body = frame.into_data().unwrap_or_default();
        return if body.len() > MAX_BODY_BYTES { Err(Fault::TooLong) } else { Ok((body, true)) };
    }
    let collected = Box::pin(timeout(BODY_DEADLINE, collect(first, body))).await;
    collected.unwrap_or(Err(Fault::Stalled)).map(|body| (body, false))
}

/// What is asked for the next piece of a body says: an end, a fault or a piece.
type Next = Option<Result<Frame<Bytes>, axum::Error>>;

/// Collects a body that comes in pieces, of which the first may be there. Each is copied: as it came it keeps the whole
/// buffer that it was read into.
async fn collect(mut next: Option<Next>, body: &mut Body) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::new();
    loop {
        let frame = match next.take() {
            Some(frame) => frame,
            None if body.is_end_stream() => None,
            None => timeout(STALL_DEADLINE, body.frame()).await.map_err(|_| Fault::Stalled)?,
        };
        let Some(frame) = frame else { return Ok(whole.freeze()) };
        // Trailers are no part of the form.
        let Ok(data) = frame.map_err(fault)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > MAX_BODY_BYTES {
            return Err(Fault::TooLong);
        }
        whole.extend_from_slice(&data);
    }
}

fn fault(error: axum::Error) -> Fault {
    if error.into_inner().is::<Crowded>() { Fault::Crowded } else { Fault::Broken }
}

/// The values of a field, in order. A request has so few fields that looking at each costs less than hashing the name.
pub(super) fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &HeaderValue> {
    headers.iter().filter_map(move |(known, value)| (*known == name).then_some(value))
}

/// Exactly one content type, a form, in UTF-8 if it names a charset (RFC 9110 §8.3.1, RFC 6749 App. B).
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let mut fields = values(headers, header::CONTENT_TYPE);
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return false;
    };
    if field.as_bytes() == FORM.as_bytes() {
        return true;
    }
    let Ok(text) = field.to_str() else { return false };
    let mut parts = text.split(';');
    let media_type = parts.next().unwrap_or_default().trim();
    let acceptable = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    media_type.eq_ignore_ascii_case(FORM) && parts.all(acceptable)
}

/// The `Authorization` field, of which there may be one (A21).
///
/// # Errors
/// `invalid_request` when there are more.
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<Authorization>, OAuthError> {
    const TWO: &str = "The request has more than one Authorization field.";
    let mut fields = values(headers, header::AUTHORIZATION);
    match (fields.next(), fields.next()) {
        (None, _) => Ok(None),
        (Some(field), None) => Ok(Some(Authorization::new(field.as_bytes()))),
        (Some(_), Some(_)) => Err(OAuthError::new(ErrorCode::InvalidRequest, TWO)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A09, A10, A11
    #[test]
    fn accepts_a_form_in_utf_8_and_nothing_else() {
        let accepted = |types: &[&str]| {
            let mut headers = HeaderMap::new();
            for one in types {
                headers.append(header::CONTENT_TYPE, one.parse().unwrap());
            }
            is_form(&headers)
        };
        let form = "application/x-www-form-urlencoded";
        for good in [
            form,
            "APPLICATION/X-WWW-FORM-URLENCODED",
            &format!("{form}; charset=UTF-8"),
            &format!("{form};charset=\"utf-8\""),
        ] {
            assert!(accepted(&[good]), "{good}");
        }
        for bad in [
            &format!("{form}; charset=latin1"),
            "application/json",
            "",
            "multipart/form-data; boundary=x",
            "text/plain",
        ] {
            assert!(!accepted(&[bad]), "{bad}");
        }
        assert!(!accepted(&[]) && !accepted(&[form, form]));
    }
}
