//! Rules: from the facts of a machine to what is wrong, and what to do.
//!
//! A [`Snapshot`](wharf_facts::Snapshot) says what was seen. This crate says what that means, in
//! three pure functions:
//!
//! - [`explain`] answers a [`Question`] about a port, an address, a URL, a process or a name: who is
//!   there and why, what a connection would meet, and what is wrong, the most likely cause first.
//! - [`doctor`] looks at the machine as a whole: its loopback, its names, its range of ports.
//! - [`map`] lists who listens, grouped by project.
//!
//! What is wrong is told by [`rules`]: a catalogue of situations that are known to cost people their
//! afternoons. A rule has a name and a number that never change, a page in `docs/rules`, and a
//! function from facts to at most one [`Finding`]. A finding names its evidence, how each fact is
//! known, and its fix.
//!
//! Two habits:
//!
//! - **What is not seen is unknown**, never "nothing there" and never "fine". A rule whose facts are
//!   missing is silent, and [`Explanation::unknowns`] says what is missing.
//! - **No false alarms.** A machine as its distribution ships it has no findings. Each rule is tried
//!   on situations that look like its own and are not.
//!
//! Nothing here acts, and nothing is looked up: there is no clock, no socket, no file and no
//! environment in this crate; its `clippy.toml` bans them. Words that come from processes and peers
//! are rid of control characters before they are put into a sentence.

mod case;
mod checkup;
mod doctor;
mod draft;
mod explain;
mod explanation;
mod finding;
mod listening;
mod map;
mod others;
mod port_facts;
mod program;
mod routes;
mod row;
mod rule;
mod rules;
mod seek;
mod symptom;
mod target;
mod unknowns;
mod words;

pub use checkup::{Checkup, Outcome as CheckOutcome};
pub use doctor::doctor;
pub use explain::explain;
pub use explanation::{
    Explanation, KnownBy, LastUse, Listening, Other, OtherKind, Outcome, OwnerStory, Peer, PortFacts,
    RouteStory, Speaks, Verdict,
};
pub use finding::{Evidence, Finding, Fix, Method, Severity};
pub use map::map;
pub use row::Row;
pub use rule::{Need, Platform, Rule, RuleId};
pub use rules::rules;
pub use symptom::{Failure, Operation, Symptom};
pub use target::{InvalidTarget, Question, Target, Url};
