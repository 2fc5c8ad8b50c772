//! The key-value store: its protocol, its client, its data.
//!
//! One line a request, one line an answer, but for `LIST`:
//!
//! ```text
//! PING                 PONG
//! NEXT counter         VALUE 7               the counter, one higher than before
//! PUT key value…       OK
//! GET key              VALUE value… | NONE
//! LIST prefix limit    VALUES n, then n lines of `key value…`, the highest keys first
//! anything else        ERROR why
//! ```
//!
//! A key has no blanks, a value no line breaks, and a line at most 16 KiB.

mod client;
mod data;

pub use client::Client;
pub use data::Data;

/// The longest line.
pub const LINE_MAX: usize = 16 * 1024;
/// The most that `LIST` gives.
pub const LIST_MAX: u32 = 100;
