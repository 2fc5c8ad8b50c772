//! wip

mod channel;
mod error;
mod gateway;
mod kernel;
mod lab;
mod message;
mod stage;
mod switch;

pub use error::LabError;
pub use gateway::Allow;
pub use lab::{Facts, GATEWAY_V6_VAR, GATEWAY_VAR, Lab, LabSpec};
pub use message::{Carrier, Exit, FAR_V4, FAR_V6, NEAR_V4, NEAR_V6, Tools};
pub use stage::{ARGUMENT, NotRun, run as run_stage};
pub use switch::{Figures, LaneFigures, Segment, SegmentFigures};
