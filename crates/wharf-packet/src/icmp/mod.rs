//! The ICMP messages that routers and hosts answer with, of both families.

mod echo;
mod error;
mod refusal;

pub use error::{LONGEST, Problem, error};
pub use refusal::Refusal;
