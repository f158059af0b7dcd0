//! The command line: one file for each noun.
//! Not for: rules; those are in `admin`, so that every way to administer has the same.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod administration;
mod api;
mod app;
mod apply;
mod audit;
mod backup;
mod copying;
mod dev;
mod doctor;
mod error;
mod excess;
mod explain;
mod export;
mod files;
mod flags;
mod import;
mod input;
mod key;
mod log;
mod master_key;
mod migrate;
mod operator;
mod output;
mod restore;
mod scope;
mod secret;
mod serve;
mod settings;
mod signal;
mod statistics;
mod store;
mod stream;
mod tenant;
mod token;
mod workspace;

use error::Failure;
use output::Output;

/// A machine-to-machine token server: OAuth 2.0 client credentials, and nothing else.
#[derive(Debug, Parser)]
#[command(name = "chancery", version, propagate_version = true, max_term_width = 110)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Settings file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "CHANCERY_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Folder of the embedded store and the master key [default: ./chancery-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<String>,
    /// The store, if it is not the file in the data folder: sqlite:PATH
    #[arg(long, global = true, value_name = "URL")]
    store: Option<String>,
    /// The tenant that is meant [default: default, or the only one there is]
    #[arg(long, global = true, value_name = "NAME", env = "CHANCERY_TENANT", hide_env_values = true)]
    tenant: Option<String>,
    /// How to print: for people, or one JSON document
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        default_value = "text",
        env = "CHANCERY_OUTPUT",
        hide_env_values = true
    )]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: a demo application, a server, a token
    Dev(flags::ServeFlags),
    /// Run the server
    Serve(flags::ServeFlags),
    /// Tenants: user directories with their own hosts, issuer and keys
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Applications: the callers, their scopes and secrets
    #[command(subcommand)]
    App(app::Command),
    /// Scopes: what applications may be granted
    #[command(subcommand)]
    Scope(scope::Command),
    /// APIs: resource servers that tokens are meant for, and the scopes they define
    #[command(subcommand)]
    Api(api::Command),
    /// Signing keys
    #[command(subcommand)]
    Key(key::Command),
    /// Operators: people who administer through the admin API
    #[command(subcommand)]
    Operator(operator::Command),
    /// The audit: who changed what, when and from where
    #[command(subcommand)]
    Audit(audit::Command),
    /// Tokens, as a caller or a resource server sees them
    #[command(subcommand)]
    Token(token::Command),
    /// Make the store what a registry file says, and show the difference
    Apply(apply::Arguments),
    /// Write down the registry as a file, without secrets
    Export(export::Arguments),
    /// How many tokens were issued and requests refused, and why
    Statistics(statistics::Arguments),
    /// Which applications fetch far more tokens than they need, and what to do about it
    Excess(excess::Arguments),
    /// Why a request was refused, by the X-Request-Id of its answer
    Explain(explain::Arguments),
    /// Take over applications from another server, with their secrets or the hashes of them
    Import(import::Arguments),
    /// Move everything to another store
    #[command(subcommand)]
    Store(store::Command),
    /// Write all that is in the store into a new file, while servers run
    Backup(backup::Arguments),
    /// Fill an empty store from a backup
    Restore(restore::Arguments),
    /// Bring the store's schema up to date
    Migrate(migrate::Arguments),
    /// Look at settings, files, store, keys and audit, change nothing, and say what is wrong; takes the flags of serve
    Doctor(flags::ServeFlags),
}

/// Parses the arguments, runs the command, prints what became of it: 0 done, 1 refused or failed, 2 wrong usage. A
/// command may tell more by another number, if it is asked to.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match dispatch(arguments) {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(1)
        }
    }
}

fn dispatch(Arguments { global, command }: Arguments) -> Result<ExitCode, Failure> {
    let done = match command {
        Command::Dev(flags) => dev::run(&global, &flags),
        Command::Serve(flags) => serve::run(&global, &flags),
        Command::Tenant(command) => wait(tenant::run(&global, command)),
        Command::App(command) => wait(app::run(&global, command)),
        Command::Scope(command) => wait(scope::run(&global, command)),
        Command::Api(command) => wait(api::run(&global, command)),
        Command::Key(command) => wait(key::run(&global, &command)),
        Command::Operator(command) => wait(operator::run(&global, command)),
        Command::Audit(command) => wait(audit::run(&global, command)),
        Command::Token(command) => wait(token::run(&global, command)),
        Command::Statistics(arguments) => wait(statistics::run(&global, arguments)),
        Command::Excess(arguments) => wait(excess::run(&global, arguments)),
        Command::Explain(arguments) => wait(explain::run(&global, &arguments)),
        Command::Apply(arguments) => return wait(apply::run(&global, arguments)),
        Command::Export(arguments) => wait(export::run(&global, &arguments)),
        Command::Import(arguments) => wait(import::run(&global, arguments)),
        Command::Store(command) => wait(store::run(&global, command)),
        Command::Backup(arguments) => wait(backup::run(&global, &arguments)),
        Command::Restore(arguments) => wait(restore::run(&global, &arguments)),
        Command::Migrate(arguments) => wait(migrate::run(&global, &arguments)),
        Command::Doctor(flags) => wait(doctor::run(&global, &flags)),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Runs a short command on this thread.
fn wait<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the system gives no runtime: {error}")))?
        .block_on(command)
}
