//! Links for UDP, over loopback.

mod bed;
mod carry;
mod flows;
mod provider;
