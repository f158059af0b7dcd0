//! `chancery explain REQUEST_ID`.
//! Not for: how a refusal is mended (`admin/mending.rs`).

use super::{Failure, Global, workspace};
use crate::admin::usage_view::RefusalView;
use crate::admin::{self, refusals};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The X-Request-Id of the answer
    request_id: String,
}

/// The id alone says which tenant it was; one that is named must be that one.
pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<(), Failure> {
    let admin = workspace::open(&workspace::settings(global, Vec::new())?).await?;
    let tenant = match &global.tenant {
        Some(name) => Some(admin::tenant(&admin, name).await?),
        None => None,
    };
    let explained = refusals::explain(&admin, tenant.as_ref(), &arguments.request_id).await?;
    global.output.one(&RefusalView::new(&explained))
}
