//! `/admin/v1/statistics` and `/admin/v1/refusals/{request_id}`: how often, and why.
//! Not for: what was changed (`audit.rs`).

use std::time::Duration;

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use super::route::{Gives, Operation, Parameter, ParameterKind, Route, Taken, schema_of};
use crate::admin::refusals;
use crate::admin::statistics::{self, Asked, MAX_STATISTICS};
use crate::admin::usage_view::{RefusalView, StatisticView};
use crate::domain::application::ClientId;
use crate::domain::id::RequestId;
use crate::domain::power::{Act, Area};
use crate::domain::statistic::Period;

const CLIENT_ID: Parameter = Parameter {
    name: "client_id",
    about: "Only of this application, which need not be there any more",
    kind: ParameterKind::Text(128),
};
const BY: Parameter = Parameter {
    name: "by",
    about: "By minute, of the last hour unless since says otherwise, or by day, of the last 30 days",
    kind: ParameterKind::Choice(&["minute", "day"]),
};
const SINCE: Parameter = Parameter {
    name: "since",
    about: "From this time on; minutes are kept for 24 hours, days for 400 days",
    kind: ParameterKind::Time,
};

/// The counts of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
struct Counts {
    /// The newest 10,000 at most, oldest first.
    items: Vec<StatisticView>,
}

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/statistics",
        needs: (Area::Statistics, Act::Read),
        platform: false,
        about: Operation {
            id: "get_statistics",
            summary: "Count tokens issued and requests refused, for whom and why; up to five seconds late",
            query: &[CLIENT_ID, BY, SINCE],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<Counts>, || json!({ "items": [count_example()] })),
        },
        answer: |call| Box::pin(list(call)),
    },
    Route {
        method: Method::GET,
        path: "/refusals/{request_id}",
        needs: (Area::Statistics, Act::Read),
        platform: false,
        about: Operation {
            id: "explain_refusal",
            summary: "Tell why a request was refused, and how that is mended; kept for 7 days",
            query: &[],
            body: None,
            terms: Taken::AsItIs,
            gives: Gives::One(schema_of::<RefusalView>, refusal_example),
        },
        answer: |call| Box::pin(explain(call)),
    },
];

fn count_example() -> Value {
    json!({
        "start": "2026-01-31T12:00:00.000Z",
        "client_id": "3f0d7a52c1e94b6f8a0b1c2d3e4f5a6b",
        "outcome": "refused",
        "reason": "the secret has expired",
        "count": 3,
    })
}

fn refusal_example() -> Value {
    json!({
        "request_id": "2b1c0f5e-6f0a-4f3e-8f56-0a4a4e8a7d11",
        "at": "2026-01-31T12:00:00.000Z",
        "tenant": "default",
        "client_id": "3f0d7a52c1e94b6f8a0b1c2d3e4f5a6b",
        "endpoint": "token",
        "error": "invalid_client",
        "reason": "the secret has expired",
        "hint": null,
        "source": "192.0.2.7",
        "mend": "Add a secret to the application and give it to the caller.",
    })
}

async fn list(call: &Call) -> Result<Answer, Problem> {
    let by = match call.query.text("by") {
        Some("day") => Period::Day,
        _ => Period::Minute,
    };
    let application = match call.query.text("client_id") {
        None => None,
        // What can be no client id is that of nobody.
        Some(text) => match ClientId::parse(text) {
            Ok(client_id) => Some(client_id),
            Err(_) => return Answer::one(&Counts { items: Vec::new() }),
        },
    };
    let since =
        call.query.time("since").map(|since| call.admin.now().since(since).max(Duration::from_secs(1)));
    let asked = Asked { application, by, since, limit: MAX_STATISTICS };
    let counts = statistics::list(&call.admin, call.tenant()?, asked).await?;
    Answer::one(&Counts { items: counts.iter().map(StatisticView::new).collect() })
}

async fn explain(call: &Call) -> Result<Answer, Problem> {
    if call.segment(0).parse::<RequestId>().is_err() {
        return Err(Problem::new(Kind::NotFound, "that is the id of no request"));
    }
    let explained = refusals::explain(&call.admin, Some(call.tenant()?), call.segment(0)).await?;
    Answer::one(&RefusalView::new(&explained))
}
