//! `chancery excess`.
//! Not for: counts as they are (`statistics.rs`).

use super::{Failure, Global, workspace};
use crate::admin::excess::{self, Asked, MAX_EXCESS, USUAL_EXCESS, USUAL_FACTOR};
use crate::domain::excess::Span;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The last full hour or day, in UTC
    #[arg(long, value_name = "SPAN", default_value = "day")]
    over: String,
    /// Only applications that fetched more than so many times what one instance needs
    #[arg(long, value_name = "NUMBER", default_value_t = USUAL_FACTOR, value_parser = clap::value_parser!(u32).range(1..))]
    factor: u32,
    /// At most so many, the worst first; 1000 at most
    #[arg(long, value_name = "COUNT", default_value_t = USUAL_EXCESS)]
    limit: usize,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { over, factor, limit } = arguments;
    let asked = Asked { over: Span::parse(&over)?, factor, limit: limit.min(MAX_EXCESS) };
    let (admin, tenant) = workspace::open_tenant(global).await?;
    let found = excess::find(&admin, &tenant, asked).await?;
    let columns =
        ["client_id", "issued", "reused", "token_lifetime", "needed", "factor", "credentials_used", "mend"];
    global.output.many(found.items(), &columns)
}
