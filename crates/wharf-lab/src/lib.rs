//! Real packets between network namespaces, over links.
//!
//! A [`Lab`] runs one command in a network of its own. What lies between it and its *gateway* is a path of
//! [`Segment`]s, and what a segment does to packets is asked of [`wharf_link`], as the relay asks it. But
//! where the relay carries bytes of connections that it has ended, the lab carries the kernel's own packets:
//! TCP, UDP, QUIC and ICMP meet delay, loss, queues and MTUs as they are. No netem is needed.
//!
//! ```text
//!  host's namespaces               near network                      far network
//!
//!  wharf lab ── far ── init ─────▶ [ command ]
//!    │ lane up   ◀──── packets ─────── wharf0 198.18.0.2
//!    │   └─ segment ─ router ─ segment ─ gate ────────────────▶ wharf0 198.18.0.1 "gateway"
//!    │ lane down  (the same, back)                                 │ sockets of the gateway
//!    └─ relay ◀────────────────────────────────────────────────────┘
//!         └──▶ the host's loopback
//! ```
//!
//! **Processes.** What must be set up before the command runs is done by this program executed once more,
//! stage by stage ([`run_stage`]), and not between fork and exec. *far* makes the namespaces, *init* is the
//! first process of a PID namespace, *exec* becomes the command. Each has the end of a channel, and a
//! channel's end is a death that is noticed: whichever process is killed, and however, the rest goes with it,
//! and with the processes go namespaces and devices, since nothing else holds them.
//!
//! **Privilege.** Root makes namespaces as it is. Another user gets a user namespace, in which it is who it
//! is outside (its uid and gid mapped to themselves, nothing else); the stages have capabilities there, and
//! the command has none, unless it is to have those of [`Tools::Network`]. Nothing of the host's is changed:
//! every setting is written in a namespace of the lab's own.
//!
//! **Packets** come and go by a TUN device at each end, and where its node is closed to the user by packet
//! sockets on veth devices ([`Carrier`]). With each comes a virtio-net header: the kernel hands over trains of
//! up to 64 KiB. Where all packets of a train would fare alike (latency, outages), it stays whole; where each
//! has a fate of its own (loss, jitter, a rate, an MTU, …), it is cut in software, as the kernel would have.
//! Checksums are completed before a bit is flipped.
//!
//! **The switch** has a thread a direction and no async runtime. A packet is read into the memory in which it
//! waits and written from there; a long one is copied once. Deadlines are absolute and have a timer slack of
//! 1 ns. Each packet takes its ideal time from segment to segment, so that lateness never adds up; how late
//! it was in the end is counted ([`LaneFigures::lateness`]).
//!
//! **Routers** stand between segments. They take a hop from the time to live and answer what ends there
//! (time exceeded), fragment what is too long and may be fragmented, and answer the rest with the MTU (RFC
//! 792, 1191, 4443): `traceroute` and path MTU discovery work. Their answers go back over the segments that
//! the packet had passed.
//!
//! **The gateway** is the kernel's own TCP on the far side. A port is there if the host's loopback has it, and
//! refuses if not; see [`Allow`]. Everything else is unreachable, and says so.
//!
//! **A capture** ([`Capture`]) has the packets as they are at the ends or at routers, and those that segments
//! dropped, each with its cause. A lane tells of what it does and never waits for the file; without a capture
//! it finds that there is none, and the machines let go at once of what they drop. What is shown is as much as is
//! counted.
//!
//! **Whole networks** ([`Network`]) have a namespace for each host of a [`wharf_topology::Topology`], and between them its
//! segments, routers, address translators and firewalls. One thread, the *pump*, moves the packets of all devices;
//! what becomes of them between two hosts is the *fabric's*, a model without a clock or a socket. A *keeper* process owns the
//! namespaces; commands join one ([`Network::prefix`]) and need nobody from then on. What a machine could not hold of the
//! conditions is said ([`Shortfall`]).
//!
//! **Bounded.** Memory of packets under way, the gate's queue, orders, ICMP errors, what waits for a
//! capture's file: each has a limit, and what
//! is beyond it is dropped and counted.
//!
//! **What a lab cannot do.** A namespace may choose only those congestion controls that the host allows
//! everyone. What a device of the kernel drops before it is read is not the link's, and not counted. Conditions
//! of connections (slicing, time-outs, windows) are the relay's alone.
//!
//! What this crate never does: change the host's network, settings, firewall or files (a capture's file is opened by
//! whoever asks for it); bind an address of the host's; run another program than the command; print.

mod capture;
mod channel;
mod error;
mod gateway;
mod holds;
mod kernel;
mod lab;
mod message;
mod network;
mod stage;
mod switch;

pub use capture::{Capture, Drops, Point};
pub use error::LabError;
pub use gateway::Allow;
pub use holds::Shortfall;
pub use lab::{Facts, GATEWAY_V6_VAR, GATEWAY_VAR, Lab, LabSpec};
pub use message::{Carrier, Exit, FAR_V4, FAR_V6, NEAR_V4, NEAR_V6, Tools};
pub use network::{
    Capturing, Crossings, Guest, Listening, Loopback, Machine, Network, NetworkCapture, NetworkFacts,
    NetworkFigures, NetworkLink, NetworkSpec, NodeFigures, Place,
};
pub use stage::{ARGUMENT, NotRun, run as run_stage};
pub use switch::{Figures, LaneFigures, Segment, SegmentFigures, Waiting};
