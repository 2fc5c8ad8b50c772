//! The plain types of a snapshot of a machine.
//!
//! A *fact* is something that was seen: a socket in the kernel's table, a process behind it, a
//! range of ports that a setting names. This crate gives facts a shape and nothing more. It is
//! the language between `wharf-host`, which looks at the machine, and the parts that judge what
//! was seen, which therefore can be tried on facts that no machine ever had.
//!
//! Two habits run through it:
//!
//! - **What could not be seen has a value of its own.** A socket whose owner is hidden from us is
//!   [`Owner::Hidden`], never an empty list of owners; an attribute that the kernel did not send is
//!   `None`, never a default.
//! - **Nothing here acts.** There is no clock, no socket, no file and no environment in this crate;
//!   its `clippy.toml` bans them.

mod allocation;
mod cgroup;
mod class;
mod containers;
mod counters;
mod deduce;
mod exposure;
mod forwarders;
mod holder;
mod interfaces;
mod limits;
mod meeting;
mod names;
mod ours;
mod owner;
mod probes;
mod process;
mod programs;
mod range;
mod reason;
mod seen;
mod settings;
mod snapshot;
mod socket;
mod spoken;
mod system;
mod well_known;

pub use allocation::{Allocation, Turn};
pub use class::{BROWSER_BLOCKED, PortClass, is_browser_blocked};
pub use containers::{Compose, Container, NetNamespace, PublishedPort};
pub use counters::Counters;
pub use exposure::Exposure;
pub use holder::{Holder, SocketFacts, Timer, TimerKind};
pub use interfaces::{Interface, InterfaceAddress};
pub use limits::{Limits, Usage};
pub use meeting::{Meeting, Route};
pub use names::{Answer, Family, HostsLine, Names, Proxies, Resolution};
pub use ours::{OurLease, OurLink, OurService, OurStack, Ours};
pub use owner::{Owner, Process};
pub use probes::{Certificate, Connect, HttpFacts, Preflight, Probe, Reception, Silence, Trust};
pub use process::{Checkout, ENVIRONMENT, Head, ProcessFacts, ProcessState, Unit, UnitManager, Variable};
pub use range::{InvalidRange, PortRange};
pub use reason::Reason;
pub use seen::{NOT_ASKED, Seen};
pub use settings::{Settings, TimeWaitReuse};
pub use snapshot::Snapshot;
pub use socket::{Protocol, Socket, TcpState, UnknownState};
pub use spoken::Spoken;
pub use system::{Inside, System, Viewer, Wsl};
pub use well_known::{WellKnown, well_known};
