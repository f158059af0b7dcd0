//! `chancery statistics`.
//! Not for: what is counted (`issuer/usage.rs`).

use super::{Failure, Global, workspace};
use crate::admin::statistics::{self, Asked, MAX_STATISTICS};
use crate::admin::usage_view::StatisticView;
use crate::domain::application::ClientId;
use crate::domain::statistic::Period;
use crate::domain::time::parse_duration;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Of this application alone; it need not be registered any more
    #[arg(long, value_name = "CLIENT_ID")]
    application: Option<String>,
    /// minute (kept for 24 hours) or day (kept for 400 days)
    #[arg(long, value_name = "PERIOD", default_value = "day")]
    by: String,
    /// How far back [default: 1h by minute, 30d by day]
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<(), Failure> {
    let asked = Asked {
        application: arguments.application.as_deref().map(ClientId::parse).transpose()?,
        by: Period::parse(&arguments.by)?,
        since: arguments.since.as_deref().map(parse_duration).transpose()?,
        limit: MAX_STATISTICS,
    };
    let (admin, tenant) = workspace::open_tenant(global).await?;
    let counts = statistics::list(&admin, &tenant, asked).await?;
    let views: Vec<_> = counts.iter().map(StatisticView::new).collect();
    global.output.many(&views, &["start", "client_id", "outcome", "reason", "count"])
}
