//! How a listener is to be probed.

use std::time::Duration;

use crate::{Guess, Touch};

/// How long a probe of one listener takes at most, whatever the listener does, unless a plan says otherwise.
pub const BUDGET: Duration = Duration::from_millis(500);
/// No budget is larger.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
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
    /// How long one listener may take at most; a minute is the most of all. How long each answer is waited for is a share of it: on a
    /// machine that is very busy, a larger budget finds more.
    pub budget: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            consent: Consent::WhereHarmless,
            curiosity: Curiosity::Speech,
            budget: BUDGET,
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

    /// The share of the budget that is `wait` in one of [`BUDGET`].
    pub(crate) fn share(&self, wait: Duration) -> Duration {
        wait.mul_f64(self.budget().as_secs_f64() / BUDGET.as_secs_f64())
    }

    pub(crate) fn connections(&self) -> usize {
        match self.curiosity {
            Curiosity::Speech => CONNECTIONS,
            Curiosity::Trust => CONNECTIONS_OF_TRUST,
        }
    }
}
