//! Traces: what is read, and what may leave when.

mod arithmetic;
mod format;
mod plot;
mod synth;
