//! Messages that the provider sends at set times, whatever becomes of those before.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use crate::Result;
use crate::orders::{Beat, MESSAGE, Order, connect, now, stamp};

/// How long each message has been under way, in seconds, in the order of their coming.
pub(crate) fn beats(address: SocketAddr, beat: Beat) -> Result<Vec<f64>> {
    let mut stream = connect(address, Order::Beat)?;
    beat.write(&mut stream)?;
    let mut message = [0; MESSAGE];
    let mut times = Vec::new();
    for _ in 0..beat.count {
        stream.read_exact(&mut message)?;
        let under_way = now().saturating_sub(stamp(&message));
        times.push(under_way.as_secs_f64());
    }
    Ok(times)
}

/// By how much they were later than that, in ms.
pub(crate) fn lateness(times: &[f64], ideal: Duration) -> Vec<f64> {
    let late = |time: &f64| (time - ideal.as_secs_f64()) * 1e3;
    times.iter().map(late).collect()
}
