//! The client's side of each measurement.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Result;
use crate::far_end::{ARRIVALS, CLOCK, ECHO, FLOOD, IDLE};

/// How long a stream is measured, after a quarter of that to get going.
const TIME: Duration = Duration::from_millis(1_000);

fn connect(address: SocketAddr, order: u8) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(&[order])?;
    Ok(stream)
}

/// Gbit/s received over so many streams together.
pub(crate) fn stream(address: SocketAddr, streams: usize) -> Result<f64> {
    let streams: Vec<TcpStream> = (0..streams)
        .map(|_| connect(address, FLOOD))
        .collect::<Result<_>>()?;
    let readers: Vec<_> = streams
        .into_iter()
        .map(|stream| std::thread::spawn(move || read(stream)))
        .collect();
    let mut sum = 0.0;
    for reader in readers {
        sum += reader.join().map_err(|_| "a reader has panicked")??;
    }
    Ok(sum)
}

fn read(mut stream: TcpStream) -> std::io::Result<f64> {
    let mut buffer = vec![0; 256 * 1024];
    let warm = Instant::now();
    while warm.elapsed() < TIME / 4 {
        stream.read_exact(&mut buffer[..1])?;
        let _ = stream.read(&mut buffer)?;
    }
    let begin = Instant::now();
    let mut bytes = 0;
    while begin.elapsed() < TIME {
        bytes += stream.read(&mut buffer)?;
    }
    Ok(bytes as f64 * 8.0 / begin.elapsed().as_secs_f64() / 1e9)
}

/// The median round trip of 64 bytes, in µs.
pub(crate) fn round_trips(address: SocketAddr) -> Result<f64> {
    let mut stream = connect(address, ECHO)?;
    let mut message = [7; 64];
    let mut times = Vec::new();
    for _ in 0..6_000 {
        let begin = Instant::now();
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    times.drain(..1_000);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// How much later than asked messages arrive, in µs, sorted. They are sent every 3 ms, whatever
/// becomes of those before.
pub(crate) fn one_way(address: SocketAddr, millis: u32) -> Result<Vec<f64>> {
    const MESSAGES: usize = 500;
    ARRIVALS.lock().unwrap_or_else(|lock| lock.into_inner()).clear();
    let mut stream = connect(address, CLOCK)?;
    // The handshake is charged to what comes first, so that goes ahead.
    std::thread::sleep(Duration::from_millis(u64::from(millis) * 4 + 20));
    let mut sent = Vec::new();
    for _ in 0..MESSAGES {
        sent.push(Instant::now());
        stream.write_all(&[0; 64])?;
        std::thread::sleep(Duration::from_millis(3));
    }
    std::thread::sleep(Duration::from_millis(u64::from(millis) + 100));
    let arrivals = ARRIVALS.lock().unwrap_or_else(|lock| lock.into_inner());
    let asked = Duration::from_millis(u64::from(millis)).as_secs_f64();
    let mut errors: Vec<f64> = sent
        .iter()
        .zip(arrivals.iter())
        .map(|(sent, arrived)| ((*arrived - *sent).as_secs_f64() - asked) * 1e6)
        .collect();
    if errors.len() < MESSAGES {
        return Err(format!("only {} of {MESSAGES} messages arrived", errors.len()).into());
    }
    errors.sort_by(f64::total_cmp);
    Ok(errors)
}

/// So many connections that have carried one byte each way and then keep quiet.
pub(crate) fn idle(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = connect(address, IDLE)?;
        stream.read_exact(&mut [0])?;
        held.push(stream);
    }
    Ok(held)
}
