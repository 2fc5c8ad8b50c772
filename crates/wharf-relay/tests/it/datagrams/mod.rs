//! Links for UDP, over loopback.

pub(crate) mod bed;
mod carry;
mod dns;
mod ecn;
mod fate;
mod flows;
mod provider;
mod quic;
mod segments;
mod storm;
