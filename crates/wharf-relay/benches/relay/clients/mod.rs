//! The clients of each measurement.

mod beats;
mod crowd;
mod idle;
mod quick;
mod requests;
mod streams;
mod trips;

pub(crate) use beats::{beats, lateness};
pub(crate) use crowd::Crowd;
pub(crate) use idle::idle;
pub(crate) use quick::connections;
pub(crate) use requests::requests;
pub(crate) use streams::{arrivals, streams};
pub(crate) use trips::round_trips;
