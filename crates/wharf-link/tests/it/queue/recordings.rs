//! Recorded arrivals, as data. They are made for a line of 10 Mbit/s, where 1250 bytes take a
//! millisecond.

use std::time::Duration;

use super::Item;

/// A packet, and when it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) time: Duration,
    pub(crate) item: Item,
}

/// Packets of one flow that come in bursts at even intervals.
#[derive(Debug, Clone, Copy)]
struct Spell {
    /// From when to when, in milliseconds.
    from: u64,
    to: u64,
    /// A burst each so many microseconds, of so many packets.
    every: u64,
    burst: u32,
    /// The lengths of packets, in turn.
    lens: &'static [usize],
    flow: u64,
    ecn: bool,
}

const FULL: &[usize] = &[1250];
const MIXED: &[usize] = &[1500, 40, 576, 1500, 1500, 200, 40, 1500];
const SMALL: &[usize] = &[80];

const SPELL: Spell = Spell {
    from: 0,
    to: 10_000,
    every: 1_000,
    burst: 1,
    lens: FULL,
    flow: 0,
    ecn: false,
};

/// Each with its name.
const RECORDINGS: &[(&str, &[Spell])] = &[
    (
        "light load",
        &[Spell {
            every: 2_000,
            ..SPELL
        }],
    ),
    ("steady overload", &[Spell { every: 800, ..SPELL }]),
    (
        "heavy overload",
        &[Spell {
            to: 4_000,
            every: 250,
            lens: MIXED,
            ..SPELL
        }],
    ),
    (
        "bursts",
        &[Spell {
            every: 50_000,
            burst: 45,
            ..SPELL
        }],
    ),
    (
        "long bursts",
        &[Spell {
            every: 900_000,
            burst: 400,
            lens: MIXED,
            ..SPELL
        }],
    ),
    (
        "on and off",
        &[
            Spell {
                to: 1_000,
                every: 700,
                ..SPELL
            },
            Spell {
                from: 2_000,
                to: 3_000,
                every: 600,
                ..SPELL
            },
            Spell {
                from: 3_500,
                to: 4_000,
                every: 500,
                ..SPELL
            },
            Spell {
                from: 4_300,
                to: 6_000,
                every: 850,
                ..SPELL
            },
        ],
    ),
    (
        "long pauses",
        &[
            Spell {
                to: 800,
                every: 600,
                ..SPELL
            },
            Spell {
                from: 20_000,
                to: 21_000,
                every: 600,
                ..SPELL
            },
            Spell {
                from: 120_000,
                to: 121_500,
                every: 500,
                lens: MIXED,
                ..SPELL
            },
        ],
    ),
    (
        "half understands ECN",
        &[
            Spell {
                every: 1_500,
                ecn: true,
                ..SPELL
            },
            Spell {
                every: 1_600,
                flow: 1,
                ..SPELL
            },
        ],
    ),
    (
        "many flows",
        &[
            Spell {
                every: 4_000,
                flow: 1,
                ..SPELL
            },
            Spell {
                every: 5_000,
                flow: 2,
                lens: MIXED,
                ..SPELL
            },
            Spell {
                from: 500,
                every: 6_000,
                flow: 3,
                ecn: true,
                ..SPELL
            },
            Spell {
                from: 1_000,
                every: 3_000,
                flow: 4,
                ..SPELL
            },
            Spell {
                from: 1_500,
                to: 4_000,
                every: 20_000,
                burst: 12,
                flow: 5,
                ..SPELL
            },
            Spell {
                every: 20_000,
                flow: 6,
                lens: SMALL,
                ..SPELL
            },
            Spell {
                every: 30_000,
                burst: 2,
                flow: 7,
                lens: SMALL,
                ..SPELL
            },
            Spell {
                from: 5_000,
                to: 7_000,
                every: 2_000,
                flow: 8,
                ecn: true,
                ..SPELL
            },
            Spell {
                from: 5_000,
                every: 100_000,
                burst: 30,
                flow: 9,
                lens: MIXED,
                ..SPELL
            },
        ],
    ),
];

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RECORDINGS.iter().map(|(name, _)| *name)
}

/// The packets of a recording, as they come.
pub(crate) fn arrivals(name: &str) -> Vec<Arrival> {
    let (_, spells) = RECORDINGS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a recording has this name");
    let mut all: Vec<(u64, Spell, usize)> = spells.iter().flat_map(|spell| unroll(*spell)).collect();
    all.sort_by_key(|(time, ..)| *time);
    (0..)
        .zip(all)
        .map(|(id, (time, spell, len))| Arrival {
            time: Duration::from_micros(time),
            item: Item {
                id,
                len,
                flow: spell.flow,
                ecn: spell.ecn,
            },
        })
        .collect()
}

fn unroll(spell: Spell) -> impl Iterator<Item = (u64, Spell, usize)> {
    let times = (spell.from * 1_000..spell.to * 1_000).step_by(spell.every as usize);
    times
        .flat_map(move |time| (0..spell.burst).map(move |_| time))
        .zip(spell.lens.iter().cycle())
        .map(move |(time, len)| (time, spell, *len))
}
