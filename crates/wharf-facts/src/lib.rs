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

mod owner;
mod range;
mod socket;

pub use owner::{Owner, Process};
pub use range::{InvalidRange, PortRange};
pub use socket::{Protocol, Socket, TcpState, UnknownState};
