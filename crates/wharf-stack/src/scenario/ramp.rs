//! Half-way conditions, for steps that come about little by little.

use std::time::Duration;

use wharf_link::{Conditions, Jitter, Latency, Loss, Probability, Rate};

/// How far a ramp has come: from 0 to [`WHOLE`].
const WHOLE: u64 = 1 << 16;

/// The conditions `passed` of `whole` of the way between two. What has a number at both ends goes
/// from one to the other in a straight line: latency, jitter, rate, and the probabilities of loss,
/// corruption and duplication, which are zero where there are none. All else jumps at once.
pub(super) fn between(from: &Conditions, to: &Conditions, passed: Duration, whole: Duration) -> Conditions {
    if passed >= whole {
        return to.clone();
    }
    let share = u64::try_from(passed.as_nanos() * u128::from(WHOLE) / whole.as_nanos()).unwrap_or(WHOLE);
    let mut between = to.clone();
    let time = |from: Duration, to: Duration| {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(mix(nanos(from), nanos(to), share))
    };
    between.latency =
        Latency::new(time(from.latency.duration(), to.latency.duration())).unwrap_or(to.latency);
    if let (Some(from), Some(to)) = (&from.jitter, &to.jitter) {
        between.jitter = Some(Jitter {
            spread: time(from.spread, to.spread),
            ..to.clone()
        });
    }
    if let (Some(from), Some(to)) = (from.rate, to.rate) {
        between.rate = Rate::from_bits(mix(from.bits(), to.bits(), share)).or(Some(to));
    }
    between.loss = loss(from.loss.as_ref(), to.loss.as_ref(), share);
    between.corrupt = probability(from.corrupt, to.corrupt, share);
    between.duplicate = probability(from.duplicate, to.duplicate, share);
    between
}

fn mix(from: u64, to: u64, share: u64) -> u64 {
    let part = |value: u64, share: u64| u128::from(value) * u128::from(share);
    let sum = part(from, WHOLE - share) + part(to, share);
    u64::try_from(sum / u128::from(WHOLE)).unwrap_or(u64::MAX)
}

fn probability(from: Option<Probability>, to: Option<Probability>, share: u64) -> Option<Probability> {
    if from.is_none() && to.is_none() {
        return None;
    }
    let parts = |one: Option<Probability>| one.map_or(0, |one| u64::from(one.parts_per_billion()));
    let mixed = u32::try_from(mix(parts(from), parts(to), share)).ok();
    mixed.and_then(Probability::from_parts_per_billion).or(to)
}

fn loss(from: Option<&Loss>, to: Option<&Loss>, share: u64) -> Option<Loss> {
    let plain = |loss: Option<&Loss>| match loss {
        None => Some(None),
        Some(Loss::Random(probability)) => Some(Some(*probability)),
        Some(_) => None,
    };
    match (plain(from), plain(to)) {
        (Some(from), Some(to)) => probability(from, to, share).map(Loss::Random),
        _ => to.cloned(),
    }
}
