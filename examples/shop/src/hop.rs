//! A hop: one call from one part to the next, and how long it took.

use std::io;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A hop that has not answered in this time is shown as "no answer".
pub const PATIENCE: Duration = Duration::from_secs(2);

/// What became of one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Who called.
    pub from: String,
    /// Who was called.
    pub to: String,
    /// How long it took there and back, in milliseconds; `None` without an answer.
    pub ms: Option<f64>,
    /// Why there is no answer.
    pub problem: Option<String>,
}

impl Hop {
    /// Times a call.
    pub fn time<T>(from: &str, to: &str, call: impl FnOnce() -> io::Result<T>) -> Self {
        let began = Instant::now();
        let outcome = call();
        let took = began.elapsed();
        let (ms, problem) = match outcome {
            // Microseconds, so that the JSON is short.
            Ok(_) => (Some((took.as_secs_f64() * 1e6).round() / 1e3), None),
            Err(error) => (None, Some(problem(&error))),
        };
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            ms,
            problem,
        }
    }

    /// A hop that could not be tried, since the one before it failed.
    #[must_use]
    pub fn unknown(from: &str, to: &str) -> Self {
        let problem = Some("not known".to_owned());
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            ms: None,
            problem,
        }
    }
}

/// An error in a word or two.
#[must_use]
pub fn problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => "no answer".to_owned(),
        io::ErrorKind::ConnectionRefused => "refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "closed".to_owned(),
        _ => error.to_string(),
    }
}
