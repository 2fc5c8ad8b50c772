//! What is spoken at an address of this machine.

mod certificate;
mod guess;
mod page;
mod plan;
mod reach;
mod speech;
mod target;

pub use guess::{By, Caution, Guess, Owner, Slot, Touch, Whose, guess};
pub use plan::{BUDGET, BYTES, CONNECTIONS, CONNECTIONS_OF_TRUST, Consent, Curiosity, Plan};
pub use reach::{probe, probe_all};
pub use speech::{Verdict, recognise};
pub use target::{NotProbed, Target};
