//! What observers make of recordings of real programs, and what analysers make of capture files.

mod exchanges;
mod foreign;
mod hello;
mod packets;
mod recording;
mod ring;
mod secrets;
mod splits;
mod tshark;
