//! Networks.

mod address;
pub mod draw;
mod error;
mod expiry;
pub mod firewall;
mod fragments;
mod island;
pub mod nat;
mod path;
mod prefix;
mod ready;
mod realm;
mod route;
mod spec;
mod topology;
mod track;

pub use address::Subnets;
pub use error::TopologyError;
pub use firewall::{Firewall, Policy};
pub use island::Island;
pub use nat::{Behaviour, Nat};
pub use path::{Hop, NoPath, Path};
pub use prefix::{Prefix, PrefixError};
pub use ready::{Ready, ready, star};
pub use route::{Family, Route, Routes, Table};
pub use spec::{Kind, Metric, NodeSpec, SegmentSpec, Spec};
pub use topology::{Direction, Interface, Node, NodeId, Role, Segment, SegmentId, Side, Topology};
pub use track::Timeouts;
