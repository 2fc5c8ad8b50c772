//! What there is to say, handed to whoever started the server: this crate prints nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each request.
    Debug,
    /// Proxies that start and stop.
    Info,
    /// What did not work.
    Warn,
    /// What ends the server.
    Error,
}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Toxiproxy's names, in any case, with the nearest level for those that this server does not have.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "trace" | "debug" => Self::Debug,
            "info" | "" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "error" | "fatal" | "panic" | "disabled" => Self::Error,
            _ => return Err(UnknownLevel(text.to_owned())),
        })
    }
}

/// A level that there is not.
#[derive(Debug, thiserror::Error)]
#[error("there is no log level `{0}`: trace, debug, info, warn, error, fatal, panic or disabled")]
pub struct UnknownLevel(String);

/// Where lines go.
#[derive(Clone)]
pub struct Log(Arc<Sink>);

type Sink = dyn Fn(Level, &str) + Send + Sync;

impl Log {
    /// A log that hands each line to `sink`.
    pub fn new(sink: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// A log that nobody reads.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_, _| {})
    }

    pub(crate) fn say(&self, level: Level, line: &str) {
        (self.0)(level, line);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}
