//! The API: what a request may look like, which route it is, and how answers are written.

mod answer;
mod guard;
mod route;
mod serve;

pub(crate) use answer::{Desk, Order};
pub(crate) use guard::Guard;
pub(crate) use route::{Route, WithMetrics};
pub(crate) use serve::{Api, RequestIds, serve};
