//! Links for UDP, over loopback.

mod bed;
mod carry;
mod dns;
mod ecn;
mod fate;
mod flows;
mod provider;
mod quic;
mod storm;
