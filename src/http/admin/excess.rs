//! `/admin/v1/excess`: who fetches far more tokens than it needs.
//! Not for: counts as they are (`statistics.rs`).

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::problem::Problem;
use super::route::{Gives, Operation, Parameter, ParameterKind, Route, Taken, schema_of};
use crate::admin::excess::{self, Asked, ExcessView, USUAL_EXCESS, USUAL_FACTOR};
use crate::domain::excess::Span;
use crate::domain::power::{Act, Area};

const OVER: Parameter = Parameter {
    name: "over",
    about: "The last full day, unless given, or the last full hour, in UTC",
    kind: ParameterKind::Choice(&["hour", "day"]),
};
const FACTOR: Parameter = Parameter {
    name: "factor",
    about: "Only applications that fetched more than so many times what one instance needs; 10 unless given",
    kind: ParameterKind::Number(1, 1_000_000),
};
const MOST: Parameter = Parameter {
    name: "limit",
    about: "How many at most, the worst first; 50 unless given",
    kind: ParameterKind::Number(1, 1_000),
};

pub(super) const ROUTES: &[Route] = &[Route {
    method: Method::GET,
    path: "/excess",
    needs: (Area::Statistics, Act::Read),
    platform: false,
    about: Operation {
        id: "get_excess",
        summary: "Find applications that fetch far more tokens than they need; up to five seconds late",
        query: &[OVER, FACTOR, MOST],
        body: None,
        terms: Taken::AsItIs,
        gives: Gives::One(schema_of::<ExcessView>, example),
    },
    answer: |call| Box::pin(find(call)),
}];

fn example() -> Value {
    json!({
        "from": "2026-01-30T00:00:00.000Z",
        "to": "2026-01-31T00:00:00.000Z",
        "items": [{
            "client_id": "3f0d7a52c1e94b6f8a0b1c2d3e4f5a6b",
            "name": "Billing",
            "issued": 86_400,
            "reused": 0,
            "token_lifetime": 300,
            "needed": 288,
            "factor": 300.0,
            "credentials_used": 1,
            "reuses_tokens": false,
            "mend": "Let the caller keep its token until it is nearly over, or set token_reuse_percent of the application.",
        }],
    })
}

async fn find(call: &Call) -> Result<Answer, Problem> {
    let over = match call.query.text("over") {
        Some("hour") => Span::Hour,
        _ => Span::Day,
    };
    let factor = call.query.number("factor").and_then(|factor| u32::try_from(factor).ok());
    let asked = Asked {
        over,
        factor: factor.unwrap_or(USUAL_FACTOR),
        limit: call.query.number("limit").unwrap_or(USUAL_EXCESS),
    };
    Answer::one(&excess::find(&call.admin, call.tenant()?, asked).await?)
}
