//! Toxics as stages of the relay: what each connection passes, in the order in which the toxics were added.

use std::time::Duration;

use wharf_link::{Conditions, GilbertElliott, Jitter, Latency, Loss, Probability, Rate, Size};
use wharf_relay::{Effect, OnRemoval, Stage, StageId};

use super::loss;
use crate::model::{Action, Toxic};

/// The stages of one direction.
pub(crate) fn of<'a>(toxics: impl Iterator<Item = &'a Toxic>) -> Vec<Stage> {
    toxics
        .map(|toxic| Stage {
            id: StageId(toxic.id),
            toxicity: probability(f64::from(toxic.toxicity)),
            effect: effect(toxic.action),
        })
        .collect()
}

/// What the link has for its connections, and for how many of them: loss, of which the relay makes what TCP would. Each packet
/// is lost by itself, so that it is one link to all makes no difference to any.
pub(crate) fn of_the_link<'a>(toxics: impl Iterator<Item = &'a Toxic>) -> (Conditions, Probability) {
    let losses: Vec<_> = toxics.filter_map(loss_of).collect();
    match loss::of_all(&losses) {
        None => (Conditions::CLEAR, Probability::ALWAYS),
        Some((chain, share)) => {
            let loss = Loss::GilbertElliott(GilbertElliott {
                p: probability(chain.p),
                r: probability(chain.r),
                good: Probability::NEVER,
                bad: Probability::ALWAYS,
            });
            let conditions = Conditions {
                loss: Some(loss),
                ..Conditions::CLEAR
            };
            (conditions, probability(share))
        }
    }
}

/// The loss of a toxic that has one, and how many connections it acts on.
fn loss_of(toxic: &Toxic) -> Option<(loss::Chain, f64)> {
    match toxic.action {
        Action::PacketLoss {
            loss_rate,
            correlation,
        } => Some((loss::Chain::of(loss_rate, correlation), f64::from(toxic.toxicity))),
        _ => None,
    }
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
        // The link's.
        Action::PacketLoss { .. } | Action::Noop => Effect::Noop,
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

fn probability(number: f64) -> Probability {
    let parts = (number.clamp(0.0, 1.0) * 1e9).round();
    Probability::from_parts_per_billion(parts as u32).unwrap_or(Probability::ALWAYS)
}
