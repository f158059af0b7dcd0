//! `chancery export`: writes down the registry as a file.
//! Not for: what stands in it (`admin/registry`).

use std::fs;
use std::path::PathBuf;

use super::{Failure, Global, output, workspace};
use crate::admin::registry;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to write it; standard output unless given
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the JSON Schema of registry files instead, for editors
    #[arg(long)]
    schema: bool,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<(), Failure> {
    let text = if arguments.schema {
        format!("{:#}\n", registry::schema())
    } else {
        let admin = workspace::open(&workspace::settings(global, Vec::new())?).await?;
        registry::export(&admin, global.tenant.as_deref()).await?
    };
    match &arguments.file {
        None => output::write(&text),
        Some(file) => {
            fs::write(file, text).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
        }
    }
}
