//! Why something is not a trace.

use super::{LONGEST_TEXT, loops::LONGEST_MILLIS};

/// Something is not a trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("trace `{name}`: {problem}")]
pub struct TraceError {
    /// The name that was given.
    pub name: String,
    /// What is wrong, and what to do.
    pub problem: TraceProblem,
}

impl TraceError {
    pub(super) fn new(name: &str, problem: TraceProblem) -> Self {
        let name = name.to_owned();
        Self { name, problem }
    }
}

/// What is wrong with a trace. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceProblem {
    /// Nothing may ever leave.
    #[error("it has no opportunity to send; a trace has a line with a time in ms for each 1500 bytes")]
    Empty,
    /// The text is above [`LONGEST_TEXT`].
    #[error("it has {bytes} bytes, and {} are the most; cut it: it repeats anyway", LONGEST_TEXT.bytes())]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A line is empty.
    #[error("line {line} is empty; remove it: each line is a time in ms, such as `42`")]
    Blank {
        /// The line.
        line: usize,
    },
    /// A line is something else than a number.
    #[error("line {line}: `{text}` is not a whole number of milliseconds; {hint}")]
    NotANumber {
        /// The line.
        line: usize,
        /// What stands there; its beginning, if it is long.
        text: String,
        /// What may have been meant.
        hint: &'static str,
    },
    /// A line has an earlier time than the one before it.
    #[error("line {line}: {millis} comes after {before}; times must not fall: sort the lines (`sort -n`)")]
    Backwards {
        /// The line.
        line: usize,
        /// The time before.
        before: u32,
        /// The time there.
        millis: u32,
    },
    /// Counts are given for instants that do not rise.
    #[error("{millis} ms comes after {before} ms; instants must rise")]
    Falls {
        /// The instant before.
        before: u32,
        /// The instant that is not after it.
        millis: u32,
    },
    /// A time above a day, on a line of a text.
    #[error("line {line}: `{text}` is above a day ({LONGEST_MILLIS} ms), the longest period; cut the trace")]
    LineTooLate {
        /// The line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A time above a day.
    #[error("{millis} ms is above a day ({LONGEST_MILLIS} ms), the longest period; cut the trace")]
    TooLate {
        /// The time.
        millis: u32,
    },
    /// All opportunities are at time zero.
    #[error("all its times are 0; the last one is the period, and must be above 0")]
    NoPeriod,
    /// More opportunities than can be counted.
    #[error("it has more than {} opportunities", u32::MAX)]
    TooMany,
}
