//! Packets against independent implementations (etherparse, smoltcp), tables of RFCs, and any bytes.

mod checksums;
#[path = "../../fuzz/drive.rs"]
mod drive;
mod edits;
mod errors;
mod flows;
mod foreign;
mod fragments;
mod kernel;
mod made;
mod memory;
mod read;
mod rewritten;
mod segments;
mod vnet;
