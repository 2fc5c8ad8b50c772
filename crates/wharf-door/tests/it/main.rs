//! The door, from outside: clients on one side, services on the other.

mod failures;
mod guard;
mod limits;
mod roles;
mod routing;
mod streams;
mod support;
mod takeover;
