//! How a listener is to be probed.

use std::time::Duration;

use crate::{Guess, Touch};

/// The longest that a probe of one listener takes, whatever the listener does.
pub const LONGEST: Duration = Duration::from_millis(500);
/// The most connections that are made to one listener to learn what it speaks.
pub const CONNECTIONS: usize = 6;
/// The most connections in all, where [`Curiosity::Trust`] asks for more.
pub const CONNECTIONS_OF_TRUST: usize = 14;
/// The most bytes that are read from one listener.
pub const BYTES: usize = 64 * 1024;

/// How a listener is to be probed.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Whether it may be connected to.
    pub consent: Consent,
    /// What is of interest.
    pub curiosity: Curiosity,
    /// How long one listener may take; no longer than [`LONGEST`].
    pub budget: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            consent: Consent::WhereHarmless,
            curiosity: Curiosity::Speech,
            budget: LONGEST,
        }
    }
}

/// Whether listeners may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Never: nothing is sent, and nothing is learnt.
    Never,
    /// Where nothing speaks against it: [`Touch::Freely`].
    WhereHarmless,
    /// The user asked for just this one.
    Asked,
}

/// What is of interest about a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curiosity {
    /// What it speaks, and what it says of itself.
    Speech,
    /// Also whom it trusts: a foreign Host, a foreign Origin, a WebSocket from there, CORS
    /// preflights, and the name that the target is asked for by. Only HTTP has these.
    Trust,
}

impl Plan {
    /// Why a listener of whom `guess` is thought is not connected to; `None` if it is.
    pub(crate) fn withheld(&self, guess: Option<&Guess>) -> Option<String> {
        let caution = match (self.consent, guess.map(|guess| guess.touch)) {
            (Consent::Never, _) => return Some("connecting was ruled out".to_owned()),
            (Consent::WhereHarmless, Some(Touch::OnlyIfAsked(caution))) => caution,
            _ => return None,
        };
        Some(format!("{caution}; only if asked for"))
    }

    pub(crate) fn budget(&self) -> Duration {
        self.budget.min(LONGEST)
    }

    pub(crate) fn connections(&self) -> usize {
        match self.curiosity {
            Curiosity::Speech => CONNECTIONS,
            Curiosity::Trust => CONNECTIONS_OF_TRUST,
        }
    }
}
