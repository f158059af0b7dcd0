//! `/metrics`: what is counted, as monitoring reads it: in the text format of `OpenMetrics`.
//! Not for: counting (`issuer/tally.rs`). No label says whose request it was: that would be a series for each application.

use std::borrow::Cow;
use std::fmt;

use axum::Extension;
use axum::http::StatusCode;
use axum::http::header::HeaderValue;
use axum::response::Response;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use super::context::AdminContext;
use super::respond::{self, json};
use crate::issuer::Figures;
use crate::oauth::error::ErrorCode;

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// What is counted, now.
pub(super) async fn answer(Extension(context): Extension<AdminContext>) -> Response {
    match render(context.directory.figures()) {
        Ok(body) => json(StatusCode::OK, OPEN_METRICS, body),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            respond::refuse(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError, respond::OUR_FAULT)
        }
    }
}

fn render(figures: Figures) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("chancery");
    registry.register_collector(Box::new(Shown(figures)));
    let mut body = String::new();
    text::encode(&mut body, &registry)?;
    Ok(body)
}

/// Figures that are written down.
#[derive(Debug)]
struct Shown(Figures);

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.0;
        let (remembered, away) =
            (&figures.remembered, figures.away_for.map_or(0.0, |away| away.as_secs_f64()));
        let mut gauge = |name, help, value: i64| one(&mut encoder, (name, help), &ConstGauge::new(value));
        gauge("store_available", "Whether the store answers", figures.away_for.is_none().into())?;
        gauge("store_revision", "Revision of the store that memory is true to", remembered.revision)?;
        gauge("memory_applications", "Applications in memory", size(remembered.applications))?;
        gauge("memory_unknown_ids", "Client ids in memory that do not exist", size(remembered.unknown))?;
        gauge("memory_used_bytes", "About what both take", size(remembered.bytes))?;
        gauge("signatures_waiting", "Requests that wait for a signature", size(figures.waiting))?;
        gauge("reuse_used_bytes", "About what tokens take that are reused", size(figures.reuse_bytes))?;
        let away = ConstGauge::new(away);
        one(&mut encoder, ("store_away_seconds", "For how long the store has been away"), &away)?;
        let mut counter = |name, help, value: u64| one(&mut encoder, (name, help), &ConstCounter::new(value));
        counter("memory_hits", "Look-ups of applications that memory answered", remembered.hits)?;
        counter("memory_misses", "Look-ups of applications that the store was asked for", remembered.misses)?;
        counter("tokens_issued", "Tokens issued", figures.issued)?;
        counter("tokens_reused", "Answers with a token that had been handed out before", figures.reused)?;
        counter(
            "tokens_issued_while_store_away",
            "Tokens issued while the store was away",
            figures.issued_while_away,
        )?;
        counter(
            "requests_refused_by_overload",
            "Requests refused because more tokens were asked for than could be signed",
            figures.refused_by_overload,
        )?;
        counter("quota_refusals", "Requests refused for a quota that was used up", figures.used_up)?;
        counter(
            "tokens_issued_beyond_quota",
            "Tokens issued beyond a quota that is only reported",
            figures.beyond_quota,
        )?;
        counter(
            "authentications_not_judged",
            "Requests not judged since too many like them had failed",
            figures.not_judged,
        )?;
        refusals(&mut encoder, &figures.refused)
    }
}

fn one(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

/// Refused requests by the error they were told, of which there are a dozen.
fn refusals(encoder: &mut DescriptorEncoder<'_>, refused: &[(Cow<'static, str>, u64)]) -> fmt::Result {
    let kind: MetricType = ConstCounter::<u64>::TYPE;
    let mut family = encoder.encode_descriptor("requests_refused", "Requests refused", None, kind)?;
    for (error, count) in refused {
        ConstCounter::new(*count).encode(family.encode_family(&[("error", error.as_ref())])?)?;
    }
    Ok(())
}

/// More than can be written down does not fit into any memory.
fn size(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
