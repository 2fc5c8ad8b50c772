//! Scenarios: a timeline of changes to links, played while a stack runs. Pure.
//!
//! ```toml
//! [scenario.commute]
//! length = "2m"
//! step = [
//!   { at = "0s", link = "web -> api", profile = "4g" },
//!   { at = "20s", over = "10s", link = "web -> api", latency = "400ms" },
//!   { every = "30s", for = "3s", link = "* -> db", cut = "hole" },
//!   { at = "90s", for = "10s", partition = [["web"], ["api", "db"]] },
//! ]
//! ```
//!
//! A step puts a *layer* over its links from its time on: for as long as `for` says, else until the
//! scenario ends. What a link does at any moment follows from what it did before the scenario began
//! and from the layers that lie over it then, in the order in which they came. So steps may overlap
//! as they like, and taking all layers away is the undoing: nothing else has to be remembered.
//!
//! [`Scenario`] is the timeline in which nothing is wrong any more; [`Player`] says what the links do
//! at a time that it is told. Neither reads a clock.

mod player;
mod ramp;
mod timeline;

pub use player::{Change, LinkState, Player, Said};
pub use timeline::{Again, Does, Layer, Repeat, Scenario, Step};
