//! Whether a machine can hold what is asked of it, and has held it. What it cannot is refused before anything is
//! made, and what it did not is said: never is it silently something else.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use wharf_link::Conditions;
use wharf_relay::LatenessStats;

use crate::error::LabError;
use crate::network::NetworkFigures;
use crate::switch::{Figures, LaneFigures};

/// The most memory that packets of one direction, or of a whole network, may take.
pub(crate) const MEMORY: usize = 1 << 30;

/// So late may one packet in a hundred be, beside a twentieth of the latency: as late as a busy desk makes it.
const LATE: Duration = Duration::from_millis(1);
/// Of fewer packets nothing is said.
const ENOUGH: u64 = 100;

/// Something that was not as the conditions say, for want of a machine that could hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Shortfall {
    /// Packets came later than they should: one in a hundred by more than this.
    Late {
        /// Microseconds, one in a hundred by more.
        p99_us: u64,
    },
    /// Packets were dropped, since there was no memory for them.
    OutOfMemory {
        /// How many.
        packets: u64,
    },
    /// Packets were dropped, since a kernel did not take them.
    NotTaken {
        /// How many.
        packets: u64,
    },
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late { p99_us } => {
                write!(
                    f,
                    "one packet in a hundred came {:.1} ms late or more",
                    *p99_us as f64 / 1000.0
                )
            }
            Self::OutOfMemory { packets } => write!(f, "{packets} packets were dropped for want of memory"),
            Self::NotTaken { packets } => write!(f, "{packets} packets were not taken by a kernel"),
        }
    }
}

impl Figures {
    /// What the machine did not hold, where the link's latency is this one way.
    #[must_use]
    pub fn shortfalls(&self, latency: Duration) -> Vec<Shortfall> {
        let lanes = [&self.up, &self.down];
        let sum = |of: fn(&LaneFigures) -> u64| lanes.iter().map(|lane| of(lane)).sum();
        let segments = lanes.iter().flat_map(|lane| &lane.segments);
        let corrupted: u64 = segments.map(|segment| segment.corrupted).sum();
        let mut found: Vec<Shortfall> = lanes
            .iter()
            .filter_map(|lane| late(&lane.lateness, latency))
            .collect();
        found.extend(lost(
            sum(|lane| lane.out_of_memory),
            sum(|lane| lane.not_taken),
            corrupted,
        ));
        found
    }
}

impl NetworkFigures {
    /// What the machine did not hold.
    #[must_use]
    pub fn shortfalls(&self) -> Vec<Shortfall> {
        let nodes = &self.crossings.nodes;
        let all = self
            .crossings
            .segments
            .iter()
            .chain(&self.crossings.links)
            .flatten();
        let corrupted = all.map(|segment| segment.corrupted).sum();
        let mut found: Vec<Shortfall> = late(&self.lateness, Duration::ZERO).into_iter().collect();
        found.extend(lost(
            nodes.iter().map(|node| node.out_of_memory).sum(),
            nodes.iter().map(|node| node.not_taken).sum(),
            corrupted,
        ));
        found
    }
}

fn late(lateness: &LatenessStats, latency: Duration) -> Option<Shortfall> {
    let allowed = LATE + latency / 20;
    let p99 = Duration::from_nanos(lateness.p99);
    (lateness.count >= ENOUGH && p99 > allowed).then_some(Shortfall::Late {
        p99_us: lateness.p99 / 1000,
    })
}

/// A kernel does not take what is no packet any more after a bit was flipped: that is the link's doing.
fn lost(out_of_memory: u64, not_taken: u64, corrupted: u64) -> impl Iterator<Item = Shortfall> {
    let memory = (out_of_memory > 0).then_some(Shortfall::OutOfMemory {
        packets: out_of_memory,
    });
    let kernel = (not_taken > corrupted).then_some(Shortfall::NotTaken { packets: not_taken });
    memory.into_iter().chain(kernel)
}

/// What is under way at a rate for the time of the latency has to fit into memory.
pub(crate) fn check(name: &str, conditions: &[&Conditions]) -> Result<(), LabError> {
    for conditions in conditions {
        let latency = conditions.latency.duration();
        let Some(rate) = conditions.rate else { continue };
        let under_way = rate.bytes_in(latency);
        if under_way > MEMORY as u64 {
            return Err(LabError::Refused {
                error: format!(
                    "hold the packets of {name}: {rate} for {latency:?} are {} MiB under way, and a lab has {} MiB",
                    under_way >> 20,
                    MEMORY >> 20
                ),
                hint: Some("a lower rate or a lower latency".to_owned()),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wharf_link::{Latency, Rate};

    use super::*;

    fn stats(count: u64, p99: Duration) -> LatenessStats {
        LatenessStats {
            count,
            p99: u64::try_from(p99.as_nanos()).expect("short"),
            ..LatenessStats::default()
        }
    }

    #[test]
    fn what_is_late_is_said_where_it_matters() {
        let ms = Duration::from_millis;
        let check = |count, p99, latency, expected: Option<u64>| {
            let found = late(&stats(count, p99), latency);
            assert_eq!(found, expected.map(|p99_us| Shortfall::Late { p99_us }));
        };
        check(1000, ms(2), ms(0), Some(2000));
        check(1000, ms(1), ms(0), None);
        check(1000, ms(5), ms(100), None);
        check(1000, ms(7), ms(100), Some(7000));
        check(99, ms(9), ms(0), None);
    }

    #[test]
    fn what_a_kernel_does_not_take_is_the_links_where_it_was_broken() {
        let found = |memory, taken, corrupted| lost(memory, taken, corrupted).collect::<Vec<_>>();
        assert_eq!(found(0, 0, 0), []);
        assert_eq!(found(0, 3, 3), []);
        assert_eq!(
            found(1, 4, 3),
            [
                Shortfall::OutOfMemory { packets: 1 },
                Shortfall::NotTaken { packets: 4 }
            ]
        );
    }

    #[test]
    fn more_than_fits_into_memory_is_refused() {
        let conditions = |rate, latency| Conditions {
            rate: Some(rate),
            latency: Latency::millis(latency),
            ..Conditions::CLEAR
        };
        assert!(check("link", &[&conditions(Rate::kbit(10_000_000), 500)]).is_ok());
        let refused = check(
            "link",
            &[&Conditions::CLEAR, &conditions(Rate::kbit(100_000_000), 500)],
        );
        let error = refused.expect_err("6 GB").to_string();
        assert!(
            error.starts_with("hold the packets of link: 100gbit for 500ms are 5960 MiB"),
            "{error}"
        );
    }
}
