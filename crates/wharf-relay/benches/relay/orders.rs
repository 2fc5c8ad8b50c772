//! What a client and the provider have agreed on: the first byte of a connection says what it is for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// The length of a message.
pub(crate) const MESSAGE: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Send as much as goes.
    Flood,
    /// Send back what comes.
    Echo,
    /// Send back the byte, and close.
    Quick,
    /// Send back the byte, and keep quiet.
    Idle,
    /// Send back what comes, on a thread for many.
    Crowd,
    /// Send messages at set times, each with the time in it: how many and how often follows.
    Beat,
    /// It is a request of HTTP.
    Get,
}

const BYTES: [(Order, u8); 7] = [
    (Order::Flood, b'f'),
    (Order::Echo, b'e'),
    (Order::Quick, b'q'),
    (Order::Idle, b'i'),
    (Order::Crowd, b'c'),
    (Order::Beat, b'b'),
    (Order::Get, b'G'),
];

impl Order {
    pub(crate) fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        BYTES
            .iter()
            .find(|(_, one)| *one == byte[0])
            .map(|(order, _)| *order)
    }

    pub(crate) fn byte(self) -> u8 {
        let byte = BYTES.iter().find(|(order, _)| *order == self);
        byte.map_or(0, |(_, byte)| *byte)
    }
}

/// Connects, and says what for. Nothing is waited for longer than that makes sense.
pub(crate) fn connect(address: SocketAddr, order: Order) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    if order != Order::Get {
        stream.write_all(&[order.byte()])?;
    }
    Ok(stream)
}

/// What [`Order::Beat`] asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    pub(crate) count: u32,
    pub(crate) every: Duration,
}

impl Beat {
    pub(crate) fn write(self, stream: &mut TcpStream) -> Result<()> {
        let every = u32::try_from(self.every.as_micros())?;
        stream.write_all(&[self.count.to_le_bytes(), every.to_le_bytes()].concat())?;
        Ok(())
    }

    pub(crate) fn read(stream: &mut TcpStream) -> std::io::Result<Self> {
        let mut number = || {
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).map(|()| u32::from_le_bytes(bytes))
        };
        let count = number()?;
        let every = Duration::from_micros(number()?.into());
        Ok(Self { count, every })
    }
}

/// The time on the clock that all processes share.
pub(crate) fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A message with the time in it.
pub(crate) fn stamped() -> [u8; MESSAGE] {
    let mut message = [0; MESSAGE];
    let nanos = now().as_nanos() as u64;
    message[..8].copy_from_slice(&nanos.to_le_bytes());
    message
}

/// The time in a message.
pub(crate) fn stamp(message: &[u8]) -> Duration {
    let bytes = message.first_chunk().copied().unwrap_or_default();
    Duration::from_nanos(u64::from_le_bytes(bytes))
}

/// The one request, and its answer.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
pub(crate) const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world\n";
