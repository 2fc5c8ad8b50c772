//! The tables of a file that hold conditions: links, segments, steps of scenarios.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::carriage::Observation;
use super::places::MetricValue;
use super::written::{HttpRule, OneOrMany};

/// Defines tables that hold conditions beside keys of their own. The keys of conditions are those of
/// [`wharf_link::Settings`], as a test asserts, with what an editor should say of each.
macro_rules! with_conditions {
    ($($(#[$meta:meta])* $table:ident { $($(#[$key_meta:meta])* $key:ident: $type:ty,)* })*) => {$(
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub(super) struct $table {
            $($(#[$key_meta])* pub(super) $key: $type,)*
            /// The delay in each direction, one way: `50ms`.
            pub(super) latency: Option<At<String>>,
            /// How the delay varies: `5ms` (uniform), `5ms normal`, `5ms pareto`, `5ms pareto-normal`,
            /// `5ms table FILE`; then perhaps `correlation 25%` and `order free`.
            pub(super) jitter: Option<At<String>>,
            /// The bandwidth in bits per second: `10mbit`.
            pub(super) rate: Option<At<String>>,
            /// How much may pass at once after a pause: `32KiB`.
            pub(super) burst: Option<At<String>>,
            /// What each packet takes beyond its own bytes: `38B`, or `18B cell 48B header 5B`.
            pub(super) overhead: Option<At<String>>,
            /// When packets may leave, in place of a rate: a file in Mahimahi's format, or `FILE once`.
            pub(super) trace: Option<At<String>>,
            /// How much may wait for the rate: `64KiB`, or `100packets`.
            pub(super) queue: Option<At<String>>,
            /// What is done with what waits: `drop-tail`, `drop-head`, `red`, `codel`, `pie` or
            /// `fq-codel`, with parameters as in `codel target 5ms ecn`.
            pub(super) discipline: Option<At<String>>,
            /// Which packets are lost: `1%`, `1% burst 3`, `1% correlation 25%`,
            /// `gilbert-elliott 1% 30%`, `markov P13 P31 P32 P23 P14`, `pattern 00100`, `recorded FILE`.
            pub(super) loss: Option<At<String>>,
            /// Which datagrams have a bit flipped: `0.1%`.
            pub(super) corrupt: Option<At<String>>,
            /// Which datagrams arrive twice: `0.1%`.
            pub(super) duplicate: Option<At<String>>,
            /// Which datagrams overtake those before them: `1%`, or `25% gap 5`.
            pub(super) reorder: Option<At<String>>,
            /// When nothing passes: `on 28s off 2s`, or `on 5s off 1s random`.
            pub(super) outage: Option<At<String>>,
            /// The longest packet that passes: `1400B`.
            pub(super) mtu: Option<At<String>>,
            /// Whose the rate is: `link` (the default: all connections share it) or `connection`.
            pub(super) scope: Option<At<String>>,
            /// The most that one connection has under way: `64KiB`.
            pub(super) window: Option<At<String>>,
            /// What TCP is taken to do about loss: `reno`, `cubic` or `bbr`.
            pub(super) congestion: Option<At<String>>,
            /// What is done to connections: `slice 64B vary 16B delay 10us`, `limit 1MiB`,
            /// `slow-close 2s`, `timeout 5s`, `reset 2s for 10%`; several with commas.
            pub(super) faults: Option<At<String>>,
        }

        impl Conditioned for $table {
            fn written(&self) -> Vec<(&'static str, &At<String>)> {
                let keys = [
                    ("latency", &self.latency),
                    ("jitter", &self.jitter),
                    ("rate", &self.rate),
                    ("burst", &self.burst),
                    ("overhead", &self.overhead),
                    ("trace", &self.trace),
                    ("queue", &self.queue),
                    ("discipline", &self.discipline),
                    ("loss", &self.loss),
                    ("corrupt", &self.corrupt),
                    ("duplicate", &self.duplicate),
                    ("reorder", &self.reorder),
                    ("outage", &self.outage),
                    ("mtu", &self.mtu),
                    ("scope", &self.scope),
                    ("window", &self.window),
                    ("congestion", &self.congestion),
                    ("faults", &self.faults),
                ];
                let there = keys.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
                there.collect()
            }
        }
    )*};
}

/// A table that holds conditions.
pub(super) trait Conditioned {
    /// The conditions that are there.
    fn written(&self) -> Vec<(&'static str, &At<String>)>;
}

with_conditions! {
    /// The conditions of a link. Keys outside `up` and `down` count for both directions.
    #[schemars(rename = "link")]
    LinkTable {
        /// A profile to begin with, such as `4g`; `wharf profiles` lists them. Other keys override it.
        profile: Option<At<String>>,
        /// For a link of `client`, a program that Wharf does not start: the port to listen on. By
        /// default a lease.
        listen: Option<At<i64>>,
        /// What differs towards the provider.
        up: Option<DirectionTable>,
        /// What differs back to the consumer.
        down: Option<DirectionTable>,
        /// The segments that it passes, the first nearest to the consumer.
        via: Option<Vec<At<String>>>,
        /// What is noted of its traffic, for `wharf requests`: `heads` (the default: what was asked and
        /// how it was answered), `bodies` (and the beginnings of bodies) or `off`.
        observe: Option<Observation>,
        /// What happens to HTTP requests; the first that matches decides.
        http: Option<Vec<At<HttpRule>>>,
    }

    /// The conditions of one direction.
    #[schemars(rename = "direction")]
    DirectionTable {}

    /// A stretch of network that several links share. Keys outside `up` and `down` count for both
    /// directions.
    #[schemars(rename = "segment")]
    SegmentTable {
        /// The services and nodes that it joins, users first: the segment is then a place in a network of its
        /// own, for `wharf up --lab`. Without them, links say `via = ["NAME"]`.
        nodes: Option<At<Vec<String>>>,
        /// What it costs to send into it, of segments with `nodes`: a number, or one by node.
        metric: Option<At<MetricValue>>,
        /// A profile to begin with, such as `4g`; `wharf profiles` lists them. Other keys override it.
        profile: Option<At<String>>,
        /// What differs towards the provider.
        up: Option<DirectionTable>,
        /// What differs back to the consumer.
        down: Option<DirectionTable>,
    }

    /// A step of a scenario: when, on which links, and what.
    #[schemars(rename = "step")]
    StepTable {
        /// When, since the beginning: `10s`. By default at the beginning.
        at: Option<At<String>>,
        /// Again and again, so far apart.
        every: Option<At<String>>,
        /// How often, with `every`. By default until the scenario ends.
        times: Option<At<i64>>,
        /// How long it lasts. By default until the scenario ends.
        #[serde(rename = "for")]
        lasts: Option<At<String>>,
        /// How long it takes to come fully about: figures go from what they were to what they are to
        /// be, little by little.
        over: Option<At<String>>,
        /// The links: `web -> api`, `* -> db`, or a list.
        link: Option<At<OneOrMany>>,
        /// A profile, in place of the conditions that are there; other keys override it.
        profile: Option<At<String>>,
        /// What differs towards the provider.
        up: Option<DirectionTable>,
        /// What differs back to the consumer.
        down: Option<DirectionTable>,
        /// Cuts the links: `hole`, `reset` or `refuse`; with `up` or `down` after `hole` for one
        /// direction.
        cut: Option<At<String>>,
        /// Cuts every link between the groups: `[["web"], ["api", "db"]]`.
        partition: Option<At<Vec<Vec<String>>>>,
        /// Heals the links.
        heal: Option<At<bool>>,
        /// Takes all conditions away.
        clear: Option<At<bool>>,
        /// Puts the links back to what they did before the scenario.
        restore: Option<At<bool>>,
    }
}

/// A timeline of changes to links, for `wharf play`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "scenario")]
pub(super) struct ScenarioTable {
    /// What it is, in a line.
    pub(super) about: Option<String>,
    /// How long it takes. By default until its last step is over.
    pub(super) length: Option<At<String>>,
    /// How often it is played: a number, or `forever`. By default once.
    pub(super) repeat: Option<At<RepeatValue>>,
    /// What happens, in any order.
    #[serde(default)]
    pub(super) step: Vec<At<StepTable>>,
}

/// A number of times, or `forever`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number of times or \"forever\" is wanted here")]
#[schemars(inline)]
pub(super) enum RepeatValue {
    Times(i64),
    Word(String),
}
