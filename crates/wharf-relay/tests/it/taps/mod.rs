//! Links that are looked at: captures and observers, while everything else goes on.

mod captured;
mod file;
mod observed;
mod tshark;
