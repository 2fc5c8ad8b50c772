//! What the API speaks of, as values: proxies, toxics, and what requests make of them. Nothing here opens a socket,
//! reads a clock or knows of HTTP; what must be done outside is asked of a [`Carrier`].

mod collection;
mod failure;
mod lenient;
mod number;
mod proxy;
#[cfg(test)]
mod tests;
mod toxic;

pub(crate) use collection::{Carrier, Collection, Populated};
pub(crate) use failure::Failure;
pub(crate) use proxy::Proxy;
#[cfg(test)]
pub(crate) use toxic::Toxics;
pub(crate) use toxic::{Action, Direction, Toxic};
