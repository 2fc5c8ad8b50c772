//! The two ends of each measurement.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quinn_udp::{Transmit, UdpSocketState};
use socket2::SockRef;

use crate::Result;

/// How long a flood is measured, after a quarter of that to get going.
const TIME: Duration = Duration::from_millis(600);

/// For this long without a datagram nothing is under way any more.
const QUIET: Duration = Duration::from_millis(120);

pub(crate) fn socket() -> Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
    Ok(socket)
}

/// As many datagrams as go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flood {
    pub(crate) len: usize,
    /// So many are handed to the kernel at a time, as QUIC stacks do (GSO).
    pub(crate) train: usize,
}

/// Thousands of datagrams a second that arrive, of those that are sent without bound.
pub(crate) fn flood(provider: &UdpSocket, address: SocketAddr, shape: Flood) -> Result<f64> {
    let client = socket()?;
    client.connect(address)?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| send(&client, address, shape, &over));
        let arrived = receive(provider, TIME / 4).and_then(|_| receive(provider, TIME));
        over.store(true, Ordering::Relaxed);
        drain(provider)?;
        Ok(arrived? as f64 / TIME.as_secs_f64() / 1e3)
    })
}

fn send(client: &UdpSocket, address: SocketAddr, shape: Flood, over: &AtomicBool) {
    let block = vec![0x5a; shape.len * shape.train];
    let Ok(state) = UdpSocketState::new(client.into()) else {
        return;
    };
    let transmit = Transmit {
        destination: address,
        ecn: None,
        contents: &block,
        segment_size: Some(shape.len),
        src_ip: None,
    };
    while !over.load(Ordering::Relaxed) {
        let _ = match shape.train {
            1 => client.send(&block).map(drop),
            _ => state.try_send(client.into(), &transmit),
        };
    }
}

/// How many datagrams arrive in that time.
fn receive(provider: &UdpSocket, time: Duration) -> Result<u64> {
    provider.set_read_timeout(Some(QUIET))?;
    let mut buffer = [0; 2048];
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < time {
        match provider.recv(&mut buffer) {
            Ok(_) => count += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(count)
}

fn drain(provider: &UdpSocket) -> Result<()> {
    provider.set_read_timeout(Some(QUIET))?;
    while provider.recv(&mut [0; 2048]).is_ok() {}
    Ok(())
}

/// The median round trip of 64 bytes, in µs.
pub(crate) fn round_trips(provider: &UdpSocket, address: SocketAddr) -> Result<f64> {
    const TRIPS: usize = 6_000;
    let client = socket()?;
    client.connect(address)?;
    client.set_read_timeout(Some(Duration::from_secs(5)))?;
    provider.set_read_timeout(Some(Duration::from_secs(5)))?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = [0; 64];
            for _ in 0..TRIPS {
                let Ok((_, from)) = provider.recv_from(&mut buffer) else {
                    return;
                };
                let _ = provider.send_to(&buffer, from);
            }
        });
        let mut times = Vec::new();
        for _ in 0..TRIPS {
            let begin = Instant::now();
            client.send(&[7; 64])?;
            client.recv(&mut [0; 64])?;
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        times.drain(..TRIPS / 6);
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    })
}

/// How much later than asked datagrams arrive, in µs, sorted. They are sent every millisecond,
/// whatever becomes of those before.
pub(crate) fn one_way(provider: &UdpSocket, address: SocketAddr, millis: u32) -> Result<Vec<f64>> {
    const MESSAGES: usize = 1_000;
    let client = socket()?;
    client.connect(address)?;
    provider.set_read_timeout(Some(Duration::from_secs(5)))?;
    let latency = Duration::from_millis(u64::from(millis));
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut sent = Vec::with_capacity(MESSAGES);
            for _ in 0..MESSAGES {
                thread::sleep(Duration::from_millis(1));
                sent.push(Instant::now());
                let _ = client.send(&[0; 64]);
            }
            sent
        });
        let mut arrivals = Vec::with_capacity(MESSAGES);
        for _ in 0..MESSAGES {
            provider.recv(&mut [0; 64])?;
            arrivals.push(Instant::now());
        }
        let sent = sender.join().map_err(|_| "the sender has panicked")?;
        let late = sent.iter().zip(&arrivals).map(|(sent, arrived)| *arrived - *sent);
        let mut errors: Vec<f64> = late
            .map(|late| (late.as_secs_f64() - latency.as_secs_f64()) * 1e6)
            .collect();
        errors.sort_by(f64::total_cmp);
        Ok(errors)
    })
}
