//! The named models.

use std::borrow::Cow;

use super::model::{Blocked, Chance, Level, Model, Outage, Reconfigured, Shape};

const MEGA: f64 = 1e6;

/// A level with these percentiles, in Mbit/s: the 10th and the 90th give the spread, ln(p90 ÷ p10) ÷
/// 2.5631, which stands here worked out, since logarithms are no constants.
const fn level(median: f64, spread: f64) -> Level {
    Level {
        median: median * MEGA,
        spread,
    }
}

const fn plain(level: Level, memory: f64, ceiling: f64) -> Chance {
    Chance {
        usual: level,
        blocked: None,
        memory,
        ceiling: ceiling * MEGA,
        outage: None,
        reconfigured: None,
    }
}

const fn with_outage(chance: Chance, after: f64, lasts: f64) -> Chance {
    let outage = Some(Outage { after, lasts });
    Chance { outage, ..chance }
}

const fn with_blocked(chance: Chance, level: Level, after: f64, lasts: f64) -> Chance {
    let blocked = Some(Blocked { level, after, lasts });
    Chance { blocked, ..chance }
}

const fn starlink(level: Level, ceiling: f64) -> Chance {
    Chance {
        reconfigured: Some(Reconfigured {
            every: 15.0,
            spread: 0.3,
            gap: 0.1,
        }),
        ..plain(level, 1.0, ceiling)
    }
}

const fn row(name: &'static str, summary: &'static str, source: &'static str, chance: Chance) -> Model {
    Model {
        name: Cow::Borrowed(name),
        summary,
        source,
        shape: Shape::Chance(chance),
    }
}

/// 50 m, non-line-of-sight urban macro cells, at 50 km/h.
const DRIVING: f64 = 3.6;
/// 10 m, line-of-sight urban micro cells, at 1.4 m/s.
const WALKING: f64 = 7.1;

const ERRANT_4G: &str = "p10, p50, p90 of 909 drive tests in Nordic countries (ERRANT, \
    speed_test_sample.csv): 6.7, 27.1, 80 Mbit/s down and 2.2, 10.6, 37 up; memory: 50 m at 50 km/h (3GPP \
    TR 38.901, table 7.5-6); ceiling: LTE category 4 (TS 36.306); outages of 1 s about every 2 min: assumed";
const ERRANT_3G: &str = "p10, p50, p90 of 91 drive tests in Nordic countries (ERRANT, \
    speed_test_sample.csv): 4.8, 13.2, 20.9 Mbit/s down and 1.0, 2.7, 3.9 up; memory: 50 m at 50 km/h (3GPP \
    TR 38.901, table 7.5-6); ceiling: DC-HSPA (TS 25.306); outages of 1 s about every minute: assumed";
const OOKLA_4G: &str = "p10, p50, p90 of 682 Ookla tests in the US (Narayanan et al., SIGCOMM 2021, \
    artifact): 65, 117, 181 Mbit/s down and 19, 31, 35 up; ceiling: LTE category 6 (TS 36.306); memory of \
    5 s: assumed";
const OOKLA_5G: &str = "p10, p50, p90 of 1,672 Ookla tests of NSA low-band in the US (Narayanan et al., \
    SIGCOMM 2021, artifact): 41, 135, 202 Mbit/s down and 38, 71, 87 up; memory of 5 s and ceiling: assumed";
const MMWAVE: &str = "seen: p10, p50, p90 of 3,069 Ookla tests of NSA mmWave in the US (Narayanan et al., \
    SIGCOMM 2021, artifact): 672, 1686, 2618 Mbit/s down and 42, 79, 110 up; blocked: those of low-band, to \
    which a phone falls back; memory: 10 m at 1.4 m/s (3GPP TR 38.901, table 7.5-6); stays of 8 s seen and \
    2 s blocked, and ceiling: assumed (blockage lasts `a few 100 ms or more`, Raghavan et al., 2018)";
const WIFI: &str = "assumed throughout: 30 Mbit/s (the WiFi of comcast's presets), half as much again or \
    less at the 10th and 90th percentile, a memory of 1 s; short outages when it scans: assumed";
const STARLINK: &str = "medians of Q1 2025 in the US (Ookla): 104.7 Mbit/s down, 14.8 up; levels change \
    every 15 s (SpaceX; measured in IMC 2022 and WWW 2024); spreads of 0.3 between and 0.15 within them, \
    gaps of 0.1 s, memory of 1 s, ceilings: assumed";

#[rustfmt::skip]
pub(super) static TABLE: &[Model] = &[
    row("4g-driving", "4G in a car in town, down", ERRANT_4G,
        with_outage(plain(level(27.1, 0.967), DRIVING, 150.0), 120.0, 1.0)),
    row("4g-driving-up", "4G in a car in town, up", ERRANT_4G,
        with_outage(plain(level(10.6, 1.101), DRIVING, 50.0), 120.0, 1.0)),
    row("4g-static", "4G of one who sits still, down", OOKLA_4G, plain(level(117.0, 0.400), 5.0, 300.0)),
    row("4g-static-up", "4G of one who sits still, up", OOKLA_4G, plain(level(31.0, 0.238), 5.0, 50.0)),
    row("3g-driving", "3G in a car in town, down", ERRANT_3G,
        with_outage(plain(level(13.2, 0.574), DRIVING, 42.2), 60.0, 1.0)),
    row("3g-driving-up", "3G in a car in town, up", ERRANT_3G,
        with_outage(plain(level(2.7, 0.531), DRIVING, 11.5), 60.0, 1.0)),
    row("5g", "5G in the low bands, of one who sits still, down", OOKLA_5G, plain(level(135.0, 0.622), 5.0, 600.0)),
    row("5g-up", "5G in the low bands, of one who sits still, up", OOKLA_5G, plain(level(71.0, 0.323), 5.0, 200.0)),
    row("5g-mmwave-walking", "5G in millimetre waves, on foot: now seen, now blocked, down", MMWAVE,
        with_blocked(plain(level(1_686.0, 0.531), WALKING, 4_000.0), level(135.0, 0.622), 8.0, 2.0)),
    row("5g-mmwave-walking-up", "5G in millimetre waves, on foot, up", MMWAVE,
        with_blocked(plain(level(79.0, 0.376), WALKING, 300.0), level(71.0, 0.323), 8.0, 2.0)),
    row("wifi", "a wireless LAN that others use too, either way", WIFI,
        with_outage(plain(level(30.0, 0.316), 1.0, 100.0), 60.0, 0.1)),
    row("starlink", "Starlink, down: a new level every 15 s", STARLINK, starlink(level(104.7, 0.15), 350.0)),
    row("starlink-up", "Starlink, up: a new level every 15 s", STARLINK, starlink(level(14.8, 0.15), 40.0)),
];
