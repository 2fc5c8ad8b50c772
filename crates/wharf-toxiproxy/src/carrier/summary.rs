//! Toxics as conditions, for those who list links: what a line of text can tell of them.

use std::time::Duration;

use wharf_link::{
    Conditions, Effect as Fault, Jitter, Latency, Probability, Settings, SliceSize, StreamFault,
};
use wharf_relay::{Effect, Stage};

/// What a link and its stages come to, in one direction, for a connection that has them all. Stages that act as a network does on
/// some connections only are left out, since conditions have no words for that.
pub(crate) fn of(link: &Conditions, stages: &[Stage]) -> Settings {
    let mut sum = link.clone();
    let mut faults = Vec::new();
    for Stage { toxicity, effect, .. } in stages {
        match effect {
            Effect::Conditions(conditions) if *toxicity == Probability::ALWAYS => add(&mut sum, conditions),
            effect if *toxicity != Probability::NEVER => {
                faults.extend(fault(effect).map(|effect| StreamFault {
                    effect,
                    probability: *toxicity,
                }))
            }
            _ => {}
        }
    }
    sum.faults = (!faults.is_empty()).then(|| faults.into());
    sum.settings()
}

/// One network behind another: delays add up, and the narrowest rate holds.
fn add(sum: &mut Conditions, more: &Conditions) {
    sum.latency = latency(sum.latency.duration() + more.latency.duration());
    let spread = [&sum.jitter, &more.jitter].map(|jitter| jitter.as_ref().map(|jitter| jitter.spread));
    let spread: Duration = spread.into_iter().flatten().sum();
    sum.jitter = (!spread.is_zero()).then(|| Jitter::uniform(spread));
    sum.rate = sum.rate.into_iter().chain(more.rate).min();
    sum.loss = sum.loss.take().or_else(|| more.loss.clone());
}

fn fault(effect: &Effect) -> Option<Fault> {
    Some(match effect {
        Effect::Slice { average, vary, delay } => Fault::Slice {
            size: SliceSize::new(*average)?,
            vary: *vary,
            delay: latency(*delay),
        },
        Effect::Limit(bytes) => Fault::Limit(*bytes),
        Effect::SlowClose(delay) => Fault::SlowClose(latency(*delay)),
        Effect::Timeout { after, .. } => Fault::Timeout(latency(after.unwrap_or_default())),
        Effect::Reset(delay) => Fault::Reset(latency(*delay)),
        _ => return None,
    })
}

fn latency(time: Duration) -> Latency {
    Latency::new(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::stages;
    use crate::model::{Direction, Toxics};

    #[test]
    fn toxics_are_told_as_conditions() {
        for (toxics, expected) in [
            (vec![], "clear"),
            (vec![r#"{"type":"noop"}"#], "clear"),
            (
                vec![
                    r#"{"type":"latency","attributes":{"latency":100,"jitter":10}}"#,
                    r#"{"type":"latency","name":"more","attributes":{"latency":50}}"#,
                    r#"{"type":"latency","name":"some","toxicity":0.1,"attributes":{"latency":50}}"#,
                ],
                "150ms ± 10ms",
            ),
            (
                vec![
                    r#"{"type":"bandwidth","attributes":{"rate":1000}}"#,
                    r#"{"type":"bandwidth","name":"less","attributes":{"rate":10}}"#,
                ],
                "80kbit",
            ),
            (
                vec![
                    r#"{"type":"slow_close","toxicity":0.5,"attributes":{"delay":2000}}"#,
                    r#"{"type":"reset_peer","toxicity":0}"#,
                    r#"{"type":"limit_data","attributes":{"bytes":1000}}"#,
                ],
                "slow-close 2s for 50%, limit 1kB",
            ),
            (
                vec![r#"{"type":"packet_loss","attributes":{"loss_rate":0.01,"correlation":0.24}}"#],
                "gilbert-elliott 1% 75%",
            ),
        ] {
            let mut list = Toxics::default();
            for toxic in &toxics {
                list.add(toxic).expect("a toxic");
            }
            let chain = || list.chain(Direction::Downstream);
            let told = of(&stages::of_the_link(chain()).0, &stages::of(chain())).to_string();
            assert!(told.contains(expected), "{toxics:?}: {told}");
        }
    }
}
