//! Streams that carry as much as goes.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::orders::{Order, connect};

/// How much is read at once.
const READ: usize = 256 * 1024;

/// Bytes a second of each of so many streams over that time, after `warm` to get going. `begin` and
/// `end` are called when it begins and ends.
pub(crate) fn streams(
    address: SocketAddr,
    count: usize,
    [warm, time]: [Duration; 2],
    mut meter: impl FnMut() -> Result<()>,
) -> Result<Vec<f64>> {
    let sources: Vec<TcpStream> = (0..count)
        .map(|_| connect(address, Order::Flood))
        .collect::<Result<_>>()?;
    let barrier = Barrier::new(count + 1);
    thread::scope(|scope| {
        let readers: Vec<_> = sources
            .into_iter()
            .map(|source| {
                let barrier = &barrier;
                scope.spawn(move || read(source, [warm, time], barrier))
            })
            .collect();
        barrier.wait();
        let metered = meter();
        let rates = readers.into_iter().map(|reader| {
            let rate = reader.join().map_err(|_| "a reader has panicked")?;
            Ok(rate?)
        });
        let rates = rates.collect();
        metered.and_then(|()| meter())?;
        rates
    })
}

fn read(mut source: TcpStream, [warm, time]: [Duration; 2], barrier: &Barrier) -> std::io::Result<f64> {
    let mut buffer = vec![0; READ];
    let begin = Instant::now();
    let mut result = Ok(0);
    while begin.elapsed() < warm && result.is_ok() {
        result = source.read(&mut buffer);
    }
    barrier.wait();
    result?;
    let begin = Instant::now();
    let mut bytes = 0;
    while begin.elapsed() < time {
        match source.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => bytes += count,
        }
    }
    Ok(bytes as f64 / begin.elapsed().as_secs_f64())
}

/// What came when, over one stream.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// When, since the measurement began, and how many bytes.
    each: Vec<(Duration, usize)>,
    time: Duration,
}

/// Reads one stream.
pub(crate) fn arrivals(address: SocketAddr, [warm, time]: [Duration; 2]) -> Result<Arrivals> {
    let mut source = connect(address, Order::Flood)?;
    let mut buffer = vec![0; READ];
    let begin = Instant::now();
    let mut each = Vec::with_capacity(1 << 16);
    loop {
        let count = source.read(&mut buffer)?;
        let at = begin.elapsed();
        if at >= warm + time {
            return Ok(Arrivals { each, time });
        }
        if let Some(at) = at.checked_sub(warm) {
            each.push((at, count));
        }
    }
}

impl Arrivals {
    /// Bytes a second, over the whole time.
    pub(crate) fn rate(&self) -> f64 {
        let bytes: usize = self.each.iter().map(|(_, count)| count).sum();
        bytes as f64 / self.time.as_secs_f64()
    }

    /// By how many bytes the worst window of this length, one beside the other, is off.
    pub(crate) fn worst(&self, window: Duration, rate: f64) -> f64 {
        let windows = self.time.as_nanos() / window.as_nanos();
        let mut sums = vec![0; usize::try_from(windows).unwrap_or(0)];
        for (at, count) in &self.each {
            let index = at.as_nanos() / window.as_nanos();
            if let Some(sum) = usize::try_from(index).ok().and_then(|index| sums.get_mut(index)) {
                *sum += count;
            }
        }
        let ideal = rate * window.as_secs_f64();
        sums.iter()
            .map(|sum| (*sum as f64 - ideal).abs())
            .fold(0.0, f64::max)
    }
}
