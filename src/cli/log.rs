//! The log: on standard error, text for a terminal and JSON lines for everything else.
//! Not for: what is logged; whoever knows it says it once.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogLevel, LogSettings};

/// Starts the log. A second start changes nothing.
pub(super) fn start(settings: LogSettings) {
    let level = match settings.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let json = match settings.format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    // Libraries write what strangers send into their debug lines; only our own know what must not be written.
    let filter = Targets::new().with_target("chancery", level).with_default(level.min(LevelFilter::INFO));
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let _ = if json {
        let layer = layer.json().flatten_event(true).with_current_span(false);
        tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()
    } else {
        tracing_subscriber::registry().with(layer.with_target(false).with_filter(filter)).try_init()
    };
}
