//! The table of profiles.

use super::{Row, Source};

const fn source(figures: &'static str, from: &'static str, date: &'static str) -> Source {
    Source { figures, from, date }
}

const fn ours(figures: &'static str, why: &'static str) -> Source {
    Source {
        figures,
        from: why,
        date: "2026",
    }
}

const ERRANT: &str = "ERRANT's speed tests in the Nordic countries (Trevisan et al., Computer Networks 176)";
const OOKLA_5G: &str = "Ookla tests in the US (Narayanan et al., SIGCOMM 2021)";
const PATCHBAY: &str = "patchbay's presets, src/lab.rs";
const STR0M: &str = "str0m's netem crate, src/config.rs";
const CHROME: &str =
    "Chromium devtools, NetworkManager.ts, its factors applied; Chrome delays requests by it";
const LIGHTHOUSE: &str = "Lighthouse, core/config/constants.js";
const WPT: &str = "WebPageTest, connectivity.ini.sample";
const FIREFOX: &str = "Firefox devtools, throttling/profiles.js; its latency is that of a request";
const IBM: &str = "IBM Cloud docs, VPC network latency";
const CHOICE: &str = "a choice of ours";

const CHROME_ALL: &[Source] = &[source("all", CHROME, "2024")];
const LIGHTHOUSE_ALL: &[Source] = &[source("all", LIGHTHOUSE, "read in 2026")];
const WPT_ALL: &[Source] = &[source("all", WPT, "read in 2026")];
const FIREFOX_ALL: &[Source] = &[source("all", FIREFOX, "read in 2026")];
const IBM_ALL: &[Source] = &[source("rtt", IBM, "27 October 2024")];

/// One row: name, summary, round trip, both ways, down, up, sources.
macro_rules! rows {
    ($($name:literal, $summary:literal, rtt $rtt:literal, both [$($both:tt)*], down [$($down:tt)*], up [$($up:tt)*], $sources:expr;)*) => {
        pub(super) static ROWS: &[Row] = &[$(Row {
            name: $name,
            summary: $summary,
            rtt: $rtt,
            both: &[$($both)*],
            down: &[$($down)*],
            up: &[$($up)*],
            sources: $sources,
        }),*];
    };
}

#[rustfmt::skip]
rows! {
    "perfect", "no conditions at all", rtt "0ms", both [], down [], up [],
        &[ours("all", "by definition")];
    "offline", "nothing passes, and nobody is told", rtt "0ms", both [("loss", "100%")], down [], up [],
        &[ours("all", "by definition")];

    "lan", "an office: a switch or two, gigabit", rtt "400us", both [("rate", "1gbit")], down [], up [],
        &[source("rate", "1000BASE-T, IEEE 802.3ab", "1999"), ours("rtt", CHOICE)];
    "ethernet-1g", "one gigabit cable between two hosts", rtt "200us", both [("rate", "1gbit"), ("overhead", "38B")], down [], up [],
        &[source("rate", "1000BASE-T, IEEE 802.3ab", "1999"),
          source("overhead", "preamble, header, check sum and gap, IEEE 802.3", "2022"), ours("rtt", CHOICE)];
    "wifi", "a good wireless LAN", rtt "10ms", both [("rate", "100mbit"), ("jitter", "2ms normal"), ("loss", "0.1%")], down [], up [],
        &[source("rate", STR0M, "read in 2026"), source("rtt, jitter, loss", PATCHBAY, "read in 2026")];
    "wifi-bad", "a crowded or distant wireless LAN", rtt "80ms", both [("rate", "20mbit"), ("jitter", "15ms normal"), ("loss", "2%")], down [], up [],
        &[source("rate, rtt, jitter, loss", PATCHBAY, "read in 2026")];
    "hotel-wifi", "a hotel in the evening: slow, shared, with a long queue", rtt "100ms",
        both [("jitter", "30ms pareto"), ("loss", "1% burst 3")], down [("rate", "3mbit"), ("queue", "256KiB")], up [("rate", "500kbit"), ("queue", "64KiB")],
        &[source("rate", "what hotelwifitest.com took for just adequate", "2014"), ours("rtt, jitter, loss, queue", CHOICE)];

    "fiber", "fibre to the home", rtt "4ms", both [("rate", "500mbit")], down [], up [],
        &[ours("rate", "a choice of ours; GPON carries 2.5 Gbit/s for up to 64 homes"), source("rtt", WPT, "read in 2026")];
    "cable", "cable television's network", rtt "28ms", both [("jitter", "2ms normal")], down [("rate", "100mbit")], up [("rate", "10mbit"), ("queue", "256KiB")],
        &[ours("rate, jitter", CHOICE), source("rtt", WPT, "read in 2026"),
          ours("queue", "a choice of ours: 200 ms of upload, as modems before DOCSIS 3.1 held")];
    "dsl", "a telephone line", rtt "50ms", both [("jitter", "1ms normal")], down [("rate", "16mbit")], up [("rate", "1mbit")],
        &[ours("rate, jitter", "a choice of ours; ADSL2+ reaches 24 Mbit/s"), source("rtt", WPT, "read in 2026")];
    "dial-up", "a modem", rtt "120ms", both [], down [("rate", "49kbit")], up [("rate", "30kbit")], WPT_ALL;

    "5g", "5G in the low band: the median of 1,672 tests", rtt "58ms", both [("jitter", "8ms normal"), ("loss", "0.1%")], down [("rate", "135mbit")], up [("rate", "71mbit")],
        &[source("rate, rtt", OOKLA_5G, "2021"), ours("jitter, loss", "a choice of ours, between those of 4G and of none")];
    "5g-mmwave", "5G in millimetre waves, one connection: the median of 2,535 tests", rtt "48ms", both [("jitter", "5ms normal"), ("loss", "0.5%")], down [("rate", "494mbit")], up [("rate", "79mbit")],
        &[source("rate, rtt", OOKLA_5G, "2021"), ours("jitter, loss", CHOICE)];
    "4g", "4G: the median of 909 tests", rtt "85ms", both [("jitter", "8ms normal"), ("loss", "0.5%")], down [("rate", "27.1mbit")], up [("rate", "10.6mbit")],
        &[source("rate, rtt", ERRANT, "2020"), source("jitter, loss", PATCHBAY, "read in 2026")];
    "4g-bad", "4G at the edge of its cell: the worst tenth of 909 tests", rtt "166ms", both [("jitter", "30ms normal"), ("loss", "2% burst 3")], down [("rate", "6.7mbit")], up [("rate", "2.2mbit")],
        &[source("rate, rtt", ERRANT, "2020"), ours("jitter, loss", "a choice of ours: patchbay's of 3G, in bursts")];
    "3g", "3G: the median of 91 tests", rtt "80ms", both [("jitter", "30ms normal"), ("loss", "2%")], down [("rate", "13.2mbit")], up [("rate", "2.7mbit")],
        &[source("rate, rtt", ERRANT, "2020"), source("jitter, loss", PATCHBAY, "read in 2026")];
    "edge", "2.75G", rtt "840ms", both [("jitter", "100ms normal"), ("loss", "1%")], down [("rate", "240kbit")], up [("rate", "200kbit")],
        &[source("rate, rtt", WPT, "read in 2026"), source("jitter, loss", "Loadero's presets", "read in 2026")];
    "gprs", "2.5G", rtt "500ms", both [("jitter", "100ms normal"), ("loss", "1%")], down [("rate", "50kbit")], up [("rate", "20kbit")],
        &[source("rate, rtt", FIREFOX, "read in 2026"), source("jitter, loss", "Loadero's presets", "read in 2026")];
    "train", "a train's way through cells and tunnels", rtt "166ms", both [("jitter", "30ms normal"), ("loss", "1% burst 3"), ("outage", "on 28s off 2s random")], down [("rate", "6.7mbit")], up [("rate", "2.2mbit")],
        &[source("rate, rtt", "the worst tenth of ERRANT's 4G tests", "2020"), ours("jitter, loss, outage", CHOICE)];

    "starlink", "a constellation in low orbit", rtt "45ms", both [("jitter", "7ms normal"), ("loss", "1%")], down [("rate", "104.7mbit")], up [("rate", "14.8mbit")],
        &[source("rate", "Ookla, US medians", "Q1 2025"), source("rtt", "Ookla, US medians", "Q2 2021"), source("jitter, loss", PATCHBAY, "read in 2026")];
    "geo", "a geostationary satellite", rtt "683ms", both [("jitter", "20ms normal"), ("loss", "0.5%")], down [("rate", "19.7mbit")], up [("rate", "2.4mbit")],
        &[source("rate, rtt", "Ookla, HughesNet, US medians", "Q1 2025"), source("jitter, loss", PATCHBAY, "read in 2026")];

    "same-zone", "two hosts of one cloud zone", rtt "100us", both [], down [], up [],
        &[source("rtt", "IBM Cloud docs, VPC network latency: 0.09 to 0.1 ms", "2024")];
    "cross-zone", "two zones of a cloud region", rtt "1.6ms", both [], down [], up [],
        &[source("rtt", "IBM Cloud docs, VPC network latency: the middle of 0.8 to 2.4 ms", "2024")];
    "us-us", "Washington DC and Dallas", rtt "31ms", both [], down [], up [], IBM_ALL;
    "eu-us", "London and Washington DC", rtt "76ms", both [], down [], up [], IBM_ALL;
    "us-asia", "Washington DC and Tokyo", rtt "169ms", both [], down [], up [], IBM_ALL;
    "eu-asia", "London and Tokyo", rtt "242ms", both [], down [], up [], IBM_ALL;
    "eu-australia", "London and Sydney", rtt "261ms", both [], down [], up [], IBM_ALL;

    "lossy", "loss in bursts, and little else", rtt "30ms", both [("jitter", "10ms normal"), ("loss", "5% burst 4")], down [("rate", "50mbit")], up [("rate", "50mbit")],
        &[source("rate, rtt, jitter, loss", STR0M, "read in 2026"), ours("length of bursts", CHOICE)];
    "congested", "a link that others fill", rtt "160ms", both [("rate", "10mbit"), ("jitter", "40ms normal"), ("loss", "10% burst 4")], down [], up [],
        &[source("rate, rtt, jitter, loss", STR0M, "read in 2026"), ours("length of bursts", CHOICE)];
    "flaky", "good, but for a second in ten when it is gone", rtt "20ms", both [("loss", "0.5%"), ("outage", "on 9s off 1s random")], down [], up [],
        &[ours("all", CHOICE)];

    "chrome/slow-3g", "Chrome's `3G`, once `Slow 3G`", rtt "2000ms", both [("rate", "400kbit")], down [], up [], CHROME_ALL;
    "chrome/slow-4g", "Chrome's `Slow 4G`, once `Fast 3G`", rtt "562.5ms", both [], down [("rate", "1.44mbit")], up [("rate", "675kbit")], CHROME_ALL;
    "chrome/fast-4g", "Chrome's `Fast 4G`", rtt "165ms", both [], down [("rate", "8.1mbit")], up [("rate", "1.35mbit")], CHROME_ALL;
    "lighthouse/slow-4g", "Lighthouse's mobile default", rtt "150ms", both [], down [("rate", "1.6384mbit")], up [("rate", "750kbit")], LIGHTHOUSE_ALL;
    "lighthouse/3g", "Lighthouse's regular 3G", rtt "300ms", both [("rate", "700kbit")], down [], up [], LIGHTHOUSE_ALL;
    "lighthouse/desktop", "Lighthouse's desktop default", rtt "40ms", both [("rate", "10.24mbit")], down [], up [], LIGHTHOUSE_ALL;
    "wpt/cable", "WebPageTest's cable", rtt "28ms", both [], down [("rate", "5mbit")], up [("rate", "1mbit")], WPT_ALL;
    "wpt/dsl", "WebPageTest's DSL", rtt "50ms", both [], down [("rate", "1.5mbit")], up [("rate", "384kbit")], WPT_ALL;
    "wpt/fios", "WebPageTest's fibre", rtt "4ms", both [], down [("rate", "20mbit")], up [("rate", "5mbit")], WPT_ALL;
    "wpt/3g", "WebPageTest's 3G", rtt "300ms", both [], down [("rate", "1.6mbit")], up [("rate", "768kbit")], WPT_ALL;
    "wpt/3g-fast", "WebPageTest's fast 3G", rtt "150ms", both [], down [("rate", "1.6mbit")], up [("rate", "768kbit")], WPT_ALL;
    "wpt/3g-slow", "WebPageTest's slow 3G", rtt "200ms", both [], down [("rate", "780kbit")], up [("rate", "330kbit")], WPT_ALL;
    "wpt/edge", "WebPageTest's EDGE", rtt "840ms", both [], down [("rate", "240kbit")], up [("rate", "200kbit")], WPT_ALL;
    "wpt/2g", "WebPageTest's 2G", rtt "1300ms", both [], down [("rate", "35kbit")], up [("rate", "32kbit")], WPT_ALL;
    "wpt/dial", "WebPageTest's dial-up", rtt "120ms", both [], down [("rate", "49kbit")], up [("rate", "30kbit")], WPT_ALL;
    "firefox/gprs", "Firefox's GPRS", rtt "500ms", both [], down [("rate", "50kbit")], up [("rate", "20kbit")], FIREFOX_ALL;
    "firefox/2g", "Firefox's regular 2G", rtt "300ms", both [], down [("rate", "250kbit")], up [("rate", "50kbit")], FIREFOX_ALL;
    "firefox/3g", "Firefox's regular 3G", rtt "100ms", both [], down [("rate", "750kbit")], up [("rate", "250kbit")], FIREFOX_ALL;
    "firefox/4g", "Firefox's regular 4G and LTE", rtt "20ms", both [], down [("rate", "4mbit")], up [("rate", "3mbit")], FIREFOX_ALL;
    "firefox/dsl", "Firefox's DSL", rtt "5ms", both [], down [("rate", "2mbit")], up [("rate", "1mbit")], FIREFOX_ALL;
    "firefox/wifi", "Firefox's Wi-Fi", rtt "2ms", both [], down [("rate", "30mbit")], up [("rate", "15mbit")], FIREFOX_ALL;
}
