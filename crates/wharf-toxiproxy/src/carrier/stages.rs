//! Toxics as stages of the relay: what each connection passes, in the order in which the toxics were added.

use std::time::Duration;

use wharf_link::{Conditions, GilbertElliott, Jitter, Latency, Loss, Probability, Rate, Size};
use wharf_relay::{Effect, OnRemoval, Stage, StageId};

use crate::model::{Action, Toxic};

/// The stages of one direction.
pub(crate) fn of<'a>(toxics: impl Iterator<Item = &'a Toxic>) -> Vec<Stage> {
    toxics
        .map(|toxic| Stage {
            id: StageId(toxic.id),
            toxicity: probability(f64::from(toxic.toxicity)),
            effect: match toxic.action {
                _ if is_of_the_link(toxic) => Effect::Noop,
                action => effect(action),
            },
        })
        .collect()
}

/// What the link has for its connections, and for how many: the loss of the first toxic that is of the link.
pub(crate) fn of_the_link<'a>(mut toxics: impl Iterator<Item = &'a Toxic>) -> (Conditions, Probability) {
    let lossy = toxics.find(|toxic| is_of_the_link(toxic));
    match lossy.map(|toxic| (effect(toxic.action), toxic.toxicity)) {
        Some((Effect::Conditions(conditions), share)) => (conditions, probability(f64::from(share))),
        _ => (Conditions::CLEAR, Probability::ALWAYS),
    }
}

/// Loss is the link's, where the relay makes of it what TCP would: for as many of the connections as the toxicity says.
/// Each packet is lost by itself, so that it is one link to all makes no difference to any.
fn is_of_the_link(toxic: &Toxic) -> bool {
    matches!(toxic.action, Action::PacketLoss { .. })
}

fn effect(action: Action) -> Effect {
    match action {
        Action::Latency { latency, jitter } => {
            let jitter = millis(jitter);
            Effect::Conditions(Conditions {
                latency: latency_of(millis(latency)),
                jitter: (!jitter.is_zero()).then(|| Jitter::uniform(jitter)),
                ..Conditions::CLEAR
            })
        }
        Action::Bandwidth { rate } => match rate_of(rate) {
            Some(rate) => Effect::Conditions(Conditions {
                rate: Some(rate),
                ..Conditions::CLEAR
            }),
            // Nothing passes, and nothing is lost: the sender is pushed back until there is a rate again.
            None => Effect::Timeout {
                after: None,
                on_removal: OnRemoval::Resume,
            },
        },
        Action::SlowClose { delay } => Effect::SlowClose(millis(delay)),
        Action::Timeout { timeout } => Effect::Timeout {
            after: Some(millis(timeout)).filter(|after| !after.is_zero()),
            on_removal: OnRemoval::Close,
        },
        Action::ResetPeer { timeout } => Effect::Reset(millis(timeout)),
        Action::Slicer {
            average_size,
            size_variation,
            delay,
        } => Effect::Slice {
            average: Size::from_bytes(whole(average_size)),
            vary: Size::from_bytes(whole(size_variation).min(whole(average_size))),
            delay: Duration::from_micros(whole(delay)).min(DAY),
        },
        Action::LimitData { bytes } => Effect::Limit(Size::from_bytes(whole(bytes))),
        Action::PacketLoss {
            loss_rate,
            correlation,
        } => Effect::Conditions(Conditions {
            loss: Some(loss(loss_rate, correlation)),
            ..Conditions::CLEAR
        }),
        Action::Noop => Effect::Noop,
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A number below zero is none, as to Go's timers.
fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn millis(number: i64) -> Duration {
    Duration::from_millis(whole(number)).min(DAY)
}

fn latency_of(duration: Duration) -> Latency {
    Latency::new(duration).unwrap_or_default()
}

/// Kilobytes a second, of 1,000 bytes each.
fn rate_of(kilobytes: i64) -> Option<Rate> {
    Rate::from_bits(whole(kilobytes).saturating_mul(8_000))
}

/// After a packet that arrived the next is lost with probability `rate`, after a lost one with `rate + correlation`:
/// Gilbert's chain of two states. What a loss costs a stream is the relay's model of TCP, which loses no byte.
fn loss(rate: f64, correlation: f64) -> Loss {
    let (rate, correlation) = (rate.clamp(0.0, 1.0), correlation.clamp(0.0, 1.0));
    Loss::GilbertElliott(GilbertElliott {
        p: probability(rate),
        r: probability(1.0 - (rate + correlation).min(1.0)),
        good: Probability::NEVER,
        bad: Probability::ALWAYS,
    })
}

fn probability(number: f64) -> Probability {
    let parts = (number.clamp(0.0, 1.0) * 1e9).round();
    Probability::from_parts_per_billion(parts as u32).unwrap_or(Probability::ALWAYS)
}
