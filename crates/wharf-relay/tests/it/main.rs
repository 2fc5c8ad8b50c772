//! Relays end to end, over loopback.

mod bed;
mod changes;
mod conditions;
mod crowd;
mod cut;
mod datagrams;
mod ends;
mod hands;
mod loss;
mod pressure;
mod provider;
mod segments;
mod stages;
mod storm;
mod taps;
mod transfer;
mod window;
