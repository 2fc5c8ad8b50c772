//! The supervisor as a pure machine: events in, orders out, no clock of its own.
//!
//! It knows which unit needs which, what phase each is in, and what to do next. It never
//! starts a process or reads a clock: [`crate::engine`] does, tells it what happened, and
//! carries out the [`Order`]s that come back. So every rule of start-up, restart and stop
//! is tested in virtual time.
//!
//! The rules, in one place:
//! - a unit starts when every service that it needs is ready and every task is done;
//! - a unit that fails before it was ever ready is failed: no back-off hides it. But where the
//!   port's hold may be to blame (some servers cannot bind over it), or where it lives and does not
//!   listen, it is started once more without the hold;
//! - a unit that was ready once is started again by its restart policy, after 0.5 s, 1 s,
//!   2 s … 30 s; 30 s of health reset the count;
//! - a unit is stopped when all that need it have stopped: stop signal, grace, SIGKILL.

mod machine;
mod phase;
mod unit;

pub use machine::Supervisor;
pub use phase::{Event, Exit, Haste, HoldUse, Order, Phase, Suspect, UnitSpec, UnitView};
