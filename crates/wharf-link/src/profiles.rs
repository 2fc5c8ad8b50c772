//! Named conditions, each with the source of its figures.
//!
//! Sources give round trips. A link has two directions, so a round trip is split into two equal
//! halves, one a direction; an odd source (separate figures for each way) is noted with it. Rates
//! are what the source calls throughput; no loss is in these profiles yet, even where a source has
//! some.

use std::time::Duration;

use serde::Serialize;

use crate::conditions::{Conditions, Discipline, Jitter, Scope, StreamModel};
use crate::units::{Latency, Rate};

/// Named conditions for both directions of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Profile {
    /// The name, as written in a project file.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// The conditions towards the provider.
    #[serde(serialize_with = "as_settings")]
    pub up: Conditions,
    /// The conditions back.
    #[serde(serialize_with = "as_settings")]
    pub down: Conditions,
    /// Where the figures are from.
    pub source: &'static str,
}

impl Profile {
    /// The profile of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// The round trip without jitter and queues.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.up.latency.duration() + self.down.latency.duration()
    }
}

fn as_settings<S: serde::Serializer>(conditions: &Conditions, to: S) -> Result<S::Ok, S::Error> {
    conditions.settings().serialize(to)
}

/// All profiles, kin beside kin.
#[must_use]
pub fn profiles() -> &'static [Profile] {
    PROFILES
}

/// One row: name, summary, rates down and up in kbit/s (0: none), round trip and one-way jitter in
/// microseconds, source.
const fn row(
    name: &'static str,
    summary: &'static str,
    down_kbit: u32,
    up_kbit: u32,
    rtt_micros: u32,
    jitter_micros: u32,
    source: &'static str,
) -> Profile {
    Profile {
        name,
        summary,
        up: one_way(up_kbit, rtt_micros / 2, jitter_micros),
        down: one_way(down_kbit, rtt_micros / 2, jitter_micros),
        source,
    }
}

const fn one_way(kbit: u32, latency_micros: u32, jitter_micros: u32) -> Conditions {
    Conditions {
        latency: Latency::micros(latency_micros),
        jitter: match jitter_micros {
            0 => None,
            micros => Some(Jitter::normal(Duration::from_micros(micros as u64))),
        },
        rate: match kbit {
            0 => None,
            kbit => Some(Rate::kbit(kbit)),
        },
        burst: None,
        overhead: None,
        trace: None,
        queue: None,
        discipline: Discipline::DropTail,
        loss: None,
        corrupt: None,
        duplicate: None,
        reorder: None,
        outage: None,
        mtu: None,
        scope: Scope::Link,
        stream: StreamModel::DEFAULT,
        faults: None,
    }
}

const CHROME: &str = "Chromium devtools, NetworkManager.ts: request-level throttling, so its round \
     trip is applied as latency; conditions adjusted by the factors given there";
const LIGHTHOUSE: &str = "Lighthouse, core/config/constants.js";
const WPT: &str = "WebPageTest, connectivity.ini.sample";
const ERRANT: &str = "ERRANT speed_test_sample.csv (drive tests in Nordic countries), medians; \
     jitter: patchbay, src/lab.rs";
const SIGCOMM21: &str = "Narayanan et al., SIGCOMM 2021, Ookla tests in the US, medians";
const PATCHBAY: &str = "patchbay, src/lab.rs (one-way figures)";
const IBM: &str = "IBM Cloud docs, VPC network latency between regions, 27 October 2024";

#[rustfmt::skip]
static PROFILES: &[Profile] = &[
    row("4g", "4G as measured: the median of 909 drive tests", 27_100, 10_600, 85_000, 8_000, ERRANT),
    row("3g", "3G as measured: the median of 91 drive tests", 13_200, 2_700, 80_000, 30_000, ERRANT),
    row("5g", "5G NSA low-band as measured: the median of 1,672 tests", 135_000, 71_000, 58_000, 0, SIGCOMM21),
    row("5g-mmwave", "5G NSA mmWave as measured: the median of 2,535 tests, one connection", 494_000, 79_000, 48_000, 0, SIGCOMM21),

    row("chrome-slow-3g", "Chrome's throttling `3G`, once `Slow 3G`", 400, 400, 2_000_000, 0, CHROME),
    row("chrome-slow-4g", "Chrome's throttling `Slow 4G`, once `Fast 3G`", 1_440, 675, 562_500, 0, CHROME),
    row("chrome-fast-4g", "Chrome's throttling `Fast 4G`", 8_100, 1_350, 165_000, 0, CHROME),
    row("lighthouse-slow-4g", "Lighthouse's mobile default", 1_638, 750, 150_000, 0, LIGHTHOUSE),
    row("lighthouse-3g", "Lighthouse's regular 3G", 700, 700, 300_000, 0, LIGHTHOUSE),
    row("lighthouse-desktop", "Lighthouse's desktop default", 10_240, 10_240, 40_000, 0, LIGHTHOUSE),

    row("wpt-cable", "WebPageTest's cable", 5_000, 1_000, 28_000, 0, WPT),
    row("wpt-dsl", "WebPageTest's DSL", 1_500, 384, 50_000, 0, WPT),
    row("wpt-fios", "WebPageTest's fibre", 20_000, 5_000, 4_000, 0, WPT),
    row("wpt-3g", "WebPageTest's 3G", 1_600, 768, 300_000, 0, WPT),
    row("wpt-edge", "WebPageTest's EDGE", 240, 200, 840_000, 0, WPT),
    row("wpt-dial", "WebPageTest's dial-up", 49, 30, 120_000, 0, WPT),

    row("wifi", "a good wireless LAN", 0, 0, 10_000, 2_000, PATCHBAY),
    row("wifi-bad", "a crowded or distant wireless LAN", 20_000, 20_000, 80_000, 15_000, PATCHBAY),

    row("starlink", "Starlink: a constellation in low orbit", 104_700, 14_800, 45_000, 7_000,
        "Ookla, Q1 2025 (rates) and Q2 2021 (latency), US medians; jitter: patchbay, src/lab.rs"),
    row("geo", "a geostationary satellite", 19_700, 2_400, 683_000, 20_000,
        "Ookla, HughesNet, Q1 2025, US medians; jitter: patchbay, src/lab.rs"),

    row("cross-zone", "between two zones of a cloud region", 0, 0, 1_600, 0,
        "IBM Cloud docs, VPC network latency, 2024: 0.8 to 2.4 ms, the middle of it"),
    row("us-us", "Washington DC to Dallas", 0, 0, 31_000, 0, IBM),
    row("eu-us", "London to Washington DC", 0, 0, 76_000, 0, IBM),
    row("us-asia", "Washington DC to Tokyo", 0, 0, 169_000, 0, IBM),
    row("eu-asia", "London to Tokyo", 0, 0, 242_000, 0, IBM),
    row("eu-australia", "London to Sydney", 0, 0, 261_000, 0, IBM),
];
