//! As much of HTTP/1.1 (RFC 9112) as the shop needs: bodies with a length, and connections that
//! stay open.

mod client;
mod head;
mod server;

pub use client::Client;
pub use server::{Request, Response, handle};

/// The longest head of a message.
const HEAD_MAX: usize = 16 * 1024;
/// The longest body.
const BODY_MAX: usize = 1024 * 1024;
