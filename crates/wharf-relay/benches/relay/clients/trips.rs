//! Round trips of one message at a time.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use crate::Result;
use crate::orders::{MESSAGE, Order, connect};
use crate::rounds::percentile;

/// The median and the 99th percentile, in µs.
pub(crate) fn round_trips(address: SocketAddr, count: u32) -> Result<[f64; 2]> {
    let mut stream = connect(address, Order::Echo)?;
    let mut message = [7; MESSAGE];
    let mut times = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    times.drain(..times.len() / 6);
    Ok([percentile(times.clone(), 50), percentile(times, 99)])
}
