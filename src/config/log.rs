//! The `log` section: how much is logged, and how it is written.
//! Writing it is set up by the command that runs.

use super::reader::Reader;

/// How the server logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// `log.format`: `auto`, `text` or `json`. Default: `auto`.
    pub format: LogFormat,
    /// `log.level`: `error`, `warn`, `info` or `debug`. Default: `info`.
    pub level: LogLevel,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Text for people.
    Text,
    /// One JSON document to a line.
    Json,
}

/// The least important lines that are still logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Our own failures.
    Error,
    /// And what callers did wrong.
    Warn,
    /// And what an operator wants to see on a good day.
    Info,
    /// And what helps to find a fault.
    Debug,
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<LogSettings> {
    let format = reader.text("log.format", |text| match text {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be auto, text or json".to_owned()),
    });
    let level = reader.text("log.level", |text| match text {
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        _ => Err("must be error, warn, info or debug".to_owned()),
    });
    Some(LogSettings { format: format?, level: level? })
}

#[cfg(test)]
mod tests {
    use super::{LogFormat, LogLevel, LogSettings};
    use crate::config::example::{from_file, mistakes_of_file};

    #[test]
    fn logs_what_matters_unless_said_otherwise() -> Result<(), String> {
        assert_eq!(from_file("")?.log, LogSettings { format: LogFormat::Auto, level: LogLevel::Info });
        assert_eq!(
            from_file("log = { format = 'json', level = 'debug' }")?.log,
            LogSettings { format: LogFormat::Json, level: LogLevel::Debug }
        );
        Ok(())
    }

    #[test]
    fn refuses_words_that_are_not_in_the_list() {
        assert_eq!(
            mistakes_of_file("log = { format = 'xml', level = 'INFO' }"),
            "log.format: must be auto, text or json (chancery.toml, line 1)\n\
             log.level: must be error, warn, info or debug (chancery.toml, line 1)"
        );
    }
}
