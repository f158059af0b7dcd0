//! `POST /oauth2/introspect`: read, call, render.
//! Not for: any decision about the token (`oauth/introspect.rs`).

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;

use super::asked::{self, Work};
use super::context::Context;
use super::respond::{JSON_UTF8, json};
use crate::domain::refusal::Endpoint;
use crate::issuer::Issuer;
use crate::oauth::error::OAuthError;
use crate::oauth::introspect::{Format, introspect};
use crate::oauth::request::Incoming;

/// The media type of a signed answer (RFC 9701 §10.2).
const JWT: &str = "application/token-introspection+jwt";

/// Answers an introspection request.
pub(super) async fn answer(context: &Context<'_>, request: &mut Request) -> Response {
    let format = format(request.headers());
    asked::answer(context, request, Introspection(format)).await
}

/// An introspection, and what its answer is to be.
struct Introspection(Format);

impl Work for Introspection {
    type Done = String;

    const ENDPOINT: Endpoint = Endpoint::Introspection;

    async fn work(&self, issuer: &Issuer, incoming: &Incoming<'_>) -> Result<String, OAuthError> {
        introspect(issuer, incoming, self.0).await
    }

    fn render(&self, body: String) -> Response {
        let content_type = match self.0 {
            Format::Json => JSON_UTF8,
            Format::Jwt => HeaderValue::from_static(JWT),
        };
        json(StatusCode::OK, content_type, body)
    }
}

/// A JWT when `Accept` names it (RFC 9701 §4) and does not prefer JSON. A wildcard is what callers send who know
/// nothing of JWTs.
fn format(headers: &HeaderMap) -> Format {
    let wanted = |media_type: &str| {
        let fields = headers.get_all(header::ACCEPT).iter().filter_map(|field| field.to_str().ok());
        let ranges = fields.flat_map(|field| field.split(','));
        ranges.filter_map(|range| quality(range, media_type)).max().unwrap_or(0)
    };
    let jwt = wanted(JWT);
    if jwt > 0 && jwt >= wanted("application/json") { Format::Jwt } else { Format::Json }
}

/// How much a media range of `Accept` wants just this type, in thousandths (RFC 9110 §12.4.2, §12.5.1).
fn quality(range: &str, media_type: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(media_type) {
        return None;
    }
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let Some(weight) = weight else { return Some(1000) };
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let thousandths = format!("{whole}{fraction:0<3}");
    thousandths.parse().ok().filter(|quality| *quality <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K09
    #[test]
    fn a_jwt_is_given_to_whoever_names_it_and_does_not_prefer_json() {
        let format = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(header::ACCEPT, field.parse().unwrap());
            }
            format(&headers)
        };
        for jwt in [
            &[JWT][..],
            &["Application/Token-Introspection+JWT"],
            &["application/token-introspection+jwt;q=0.5, */*;q=0.1"],
            &["application/json, application/token-introspection+jwt"],
            &["application/json;q=0.5", "application/token-introspection+jwt; q=0.55"],
        ] {
            assert_eq!(format(jwt), Format::Jwt, "{jwt:?}");
        }
        for json in [
            &[][..],
            &["*/*"],
            &["application/*"],
            &["application/json"],
            &["application/jwt"],
            &["application/token-introspection+jwt;q=0"],
            &["application/token-introspection+jwt;q=0.000"],
            &["application/token-introspection+jwt;q=2"],
            &["application/token-introspection+jwt;q=-1"],
            &["application/token-introspection+jwt;q=é"],
            &["application/token-introspection+jwt;q=0.5, application/json"],
            &["text/application/token-introspection+jwt"],
        ] {
            assert_eq!(format(json), Format::Json, "{json:?}");
        }
    }
}
