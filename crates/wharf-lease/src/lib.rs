//! Who may use which port: leases, the hold, the hand-over.
//!
//! A *lease* is the right to a port, for a key of three parts: the checkout, the service and the
//! port's name. It is a row in a small database in the user's state directory, and it is sticky: the
//! same key has the same port tomorrow, a second worktree of the same project has others. Ports are
//! chosen below those that the kernel gives out by itself, and never one that browsers block, that
//! the administrator reserved, that another program is known for, or that anybody is bound to, on
//! 127.0.0.1 or `[::1]`, TCP or UDP.
//!
//! A row binds nobody but Wharf. What makes a lease safe against every other program is the *hold*:
//! sockets that are bound to the port and do not listen. The kernel refuses the port to those who
//! bind it without `SO_REUSEADDR`, never picks it for `bind` with port 0 or for `connect`, and lets
//! a server that sets `SO_REUSEADDR`, as nearly all do, bind and listen over it. There is no instant
//! between "it was free" and "it is held": the bind by which a port is found free is the hold.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let web = wharf_lease::lease("web")?; // this directory's checkout; held until dropped
//! let server = std::net::TcpListener::bind(("127.0.0.1", *web))?;
//! # Ok(()) }
//! ```
//!
//! What it never does: it opens no connection and sends no packet; it reads no environment, but for
//! [`lease`]; it ends no process; it gives up no lease by itself, unless no port is left and the
//! lease's checkout is gone; it deletes no database, damaged or not.
//!
//! What it cannot do, it says. A hold does not stop a program that sets `SO_REUSEADDR` too: one that
//! is found listening on a leased port is an error that names it. A server that does not set it
//! cannot start over a hold: [`Registry::remember_no_hold`]. UDP ports, and all ports elsewhere than
//! on Linux, have the row and the checks and no hold.
//!
//! Where to read on: [`Registry`] for leases, [`Hold`] for the hold, [`verify`] for where a service
//! really listens, [`portserver`] for test suites that speak its protocol, [`fd`] for passing a
//! socket on.

mod avoid;
mod choice;
mod claim;
mod config;
mod damage;
mod database;
mod error;
#[cfg(unix)]
pub mod fd;
mod fixed;
mod hold;
mod holder;
mod key;
mod lease;
mod obstacle;
mod own;
mod pids;
#[cfg(unix)]
pub mod portserver;
mod quick;
mod registry;
mod rows;
mod stacks;
mod state_dir;
pub mod verify;

pub use config::{HoldPolicy, LeaseRange, RegistryConfig};
pub use error::{Error, Result};
pub use hold::Hold;
pub use holder::{Ended, hold_until};
pub use key::{Checkout, Key};
pub use lease::Lease;
pub use quick::{Held, lease};
pub use registry::Registry;
pub use rows::Row;
pub use state_dir::StateDir;
