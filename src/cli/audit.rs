//! `chancery audit …`.
//! Not for: what an event says (`domain/audit.rs`).

use super::{Failure, Global, workspace};
use crate::admin::audit;
use crate::admin::audit_view::{AuditEventView, ChainView};
use crate::domain::audit::{AuditFilter, ChainWalk};
use crate::domain::time::parse_duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List what was done, the newest first: in every tenant, or in the one that --tenant names
    List {
        /// By this actor, such as cli:root
        #[arg(long, value_name = "ACTOR")]
        actor: Option<String>,
        /// This action, such as application.add
        #[arg(long, value_name = "ACTION")]
        action: Option<String>,
        /// To this application, scope, API, key, tenant or operator
        #[arg(long, value_name = "SUBJECT")]
        subject: Option<String>,
        /// Within this time until now, such as 24h
        #[arg(long, value_name = "DURATION")]
        since: Option<String>,
        /// So many events at most
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
    },
    /// Check that nothing in the audit was altered or removed, and print where it ends, to be written down elsewhere
    Verify {
        /// An end that was written down before, which the audit must still contain
        #[arg(long, value_name = "SEQUENCE:HASH")]
        expect: Option<String>,
    },
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let settings = workspace::settings(global, Vec::new())?;
    match command {
        Command::List { actor, action, subject, since, limit } => {
            let since = since.as_deref().map(parse_duration).transpose()?;
            let admin = workspace::open(&settings).await?;
            let tenant = match &global.tenant {
                Some(name) => Some(crate::admin::tenant(&admin, name).await?.id),
                None => None,
            };
            let since = since.map(|since| admin.now().minus(since));
            let filter = AuditFilter { tenant, actor, action, subject, since, until: None };
            let found = audit::search(&admin, filter, None, limit).await?;
            let views: Vec<_> = found.iter().map(AuditEventView::new).collect();
            global.output.many(&views, &["at", "actor", "source", "action", "subject"])
        }
        Command::Verify { expect } => {
            let known = expect.as_deref().map(ChainWalk::parse).transpose()?;
            // An auditor needs no key, and must not change what is looked at.
            let workspace::Looked { store, schema, .. } = workspace::look(&settings).await?;
            workspace::check_schema(schema)?;
            global.output.one(&ChainView::new(audit::verify(store.as_ref(), known).await?))
        }
    }
}
