//! Connections that carry one byte each way and are closed.

use std::io::Read;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::orders::{Order, connect};

/// So many clients at a time.
const CLIENTS: usize = 4;

/// Connections a second. The provider closes first, so that no port of the client's waits.
pub(crate) fn connections(address: SocketAddr, time: Duration) -> Result<f64> {
    let client = || -> std::result::Result<u32, String> {
        let begin = Instant::now();
        let mut count = 0;
        while begin.elapsed() < time {
            let one = connect(address, Order::Quick).and_then(|mut stream| {
                match stream.read_to_end(&mut Vec::new())? {
                    1 => Ok(()),
                    _ => Err("no answer".into()),
                }
            });
            one.map_err(|error| error.to_string())?;
            count += 1;
        }
        Ok(count)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let mut sum = 0;
        for client in clients {
            sum += client.join().map_err(|_| "a client has panicked")??;
        }
        Ok(f64::from(sum) / time.as_secs_f64())
    })
}
