//! Connections that keep quiet.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};

use crate::Result;
use crate::orders::{Order, connect};

/// So many connections that have carried one byte each way.
pub(crate) fn idle(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = connect(address, Order::Idle)?;
        stream.read_exact(&mut [0])?;
        held.push(stream);
    }
    Ok(held)
}
