//! WebSocket's opening handshake (RFC 6455, 1.3): the key of the RFC's own example, and what a server
//! that read it makes of it.

pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPTED: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
