//! Networks of hosts, routers, address translators and firewalls, as a pure model: checked, addressed,
//! routed and drawn before any packet flows; and the machines that say what such nodes do to packets.
//!
//! ```text
//!  wharf.toml ─▶ Spec ─▶ Topology::build ─▶ Topology ─┬─▶ routes, path, islands
//!                         │ TopologyError             ├─▶ Nat, Firewall: packets and times in, verdicts out
//!                         ▼ names what is wrong       └─▶ draw::text, draw::svg
//! ```
//!
//! # As people write it
//!
//! A **node** is a host, unless it says otherwise. A **segment** is a wire between two nodes, or one that
//! many share. Both have names that can stand in a host's name (RFC 1123).
//!
//! ```toml
//! [node.laptop]                     # a host
//!
//! [node.home]
//! kind = "nat"                      # host, router, nat, firewall
//! inside = ["wifi"]                 # its other segments are outside
//! nat = "symmetric"                 # full-cone, restricted, port-restricted (the default), symmetric,
//!                                   # carrier-grade; or a table, as below
//!
//! [node.edge]
//! kind = "firewall"
//! inside = ["cloud"]
//! default = "drop"                  # allow, drop (the default), reject
//! rules = [                         # the first that matches decides; what is not said matches all
//!     { action = "allow", direction = "out" },
//!     { action = "allow", direction = "in", protocol = "tcp", port = [443, "8000-8100"], to = "web" },
//!     { action = "reject", from = ["wifi", "198.18.0.0/15"], from-port = 53, protocol = "udp", state = "new" },
//! ]
//!
//! [node.web]
//!
//! [segment.wifi]
//! nodes = ["laptop", "home"]        # users first: up is to the back of the list, down to its front
//! profile = "wifi"                  # as in [link]: a profile, conditions for both directions,
//! loss = "1%"                       # and what differs up and down
//! up = { rate = "5mbit" }
//!
//! [segment.transit]
//! nodes = ["home", "edge"]
//! latency = "8ms"
//! metric = { edge = 10 }            # one number, or by node; by default 1
//!
//! [segment.cloud]
//! nodes = ["edge", "web"]
//! ```
//!
//! A translator of one's own begins with one of the five, and says what differs:
//!
//! ```toml
//! [node.office]
//! kind = "nat"
//! inside = ["floor"]
//!
//! [node.office.nat]
//! like = "symmetric"
//! mapping = "address-dependent"     # endpoint-independent, address-dependent, address-and-port-dependent
//! filtering = "address-dependent"   # the same words
//! ports = "preserved-parity"        # preserved, preserved-parity, counted
//! hairpinning = "supported"         # supported, dropped
//! udp-timeout = "30s"
//! tcp-timeout = "7200s"             # established
//! tcp-transitory-timeout = "10s"    # being opened, or closed
//! icmp-timeout = "60s"
//! most-sessions = 1000              # conversations at once
//! most-ports = 64                   # outside ports of one inside address
//!
//! [node.pc]
//!
//! [node.server]
//!
//! [segment.floor]
//! nodes = ["pc", "office"]
//!
//! [segment.internet]
//! nodes = ["office", "server"]
//! ```
//!
//! ```
//! use wharf_topology::{Family, Spec, Topology};
//!
//! let spec: Spec = toml::from_str(
//!     "
//!     node.a = {}
//!     node.r = { kind = 'router' }
//!     node.b = {}
//!     segment.near = { nodes = ['a', 'r'], latency = '1ms' }
//!     segment.far = { nodes = ['r', 'b'], profile = 'eu-us', metric = 10 }
//!     ",
//! )?;
//! let topology = Topology::build(&spec)?;
//! let [a, b] = ["a", "b"].map(|name| topology.node(name).expect("it is there"));
//! let path = topology.path(&topology.routes(), a, b, Family::V6)?;
//! assert_eq!((path.hops.len(), path.metric), (2, 11));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What follows from it
//!
//! **Addresses** are automatic: one /24 and one /64 a segment, by a hash of its name, and a node's place in
//! its segment's list at the end. IPv4 is from 198.18.0.0/15, which is for such tests (RFC 2544) and in nobody's
//! network; behind a translator from 10.0.0.0/8 (RFC 1918), behind a carrier's from 100.64.0.0/10 (RFC 6598).
//! IPv6 is from fd77:6861:7266::/48 (RFC 4193), everywhere. No two nodes ever have one address, not behind two
//! translators either.
//!
//! **Routes** are the cheapest by metric ([`Routes`]). A metric is what it costs a node to send into a segment,
//! so ways there and back can differ. A node of several segments has an address on each and is reached at the
//! cheapest; a host passes nothing on. IPv4 goes out through the nearest translator and never in; IPv6 goes
//! through. [`Topology::routes_without`] tells what routers do when segments are down, and
//! [`Topology::islands`] what no router can mend.
//!
//! **Translators** ([`Nat`]) and **firewalls** ([`Firewall`]) are state machines in the shape of
//! [`wharf_link::Machine`]: told the time and a packet, they say what becomes of it, and the translator rewrites
//! it in place. Each is named by the terms of RFC 4787, 5382, 5508 and 6888. All tables are bounded, and a
//! full one refuses what is new.
//!
//! **Conditions** stay those of `wharf-link`: a segment has its [`Settings`](wharf_link::Settings), up and down, and
//! whoever carries packets makes machines of them.
//!
//! What this crate never does: read a clock or a file, resolve names, open sockets, or use chance. The same
//! specification gives the same addresses, routes and pictures on every machine.

mod address;
mod build;
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
