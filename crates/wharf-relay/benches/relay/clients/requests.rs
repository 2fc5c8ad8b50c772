//! Requests of HTTP over connections that are kept, all in one event loop.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;
use crate::orders::{ANSWER, Order, REQUEST, connect};

const CONNECTIONS: usize = 32;

/// Requests a second.
pub(crate) fn requests(address: SocketAddr, [warm, time]: [Duration; 2]) -> Result<f64> {
    let mut poll = Poll::new()?;
    let mut connections = Vec::new();
    for index in 0..CONNECTIONS {
        let stream = connect(address, Order::Get)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry()
            .register(&mut stream, Token(index), Interest::READABLE)?;
        stream.write_all(REQUEST)?;
        connections.push((stream, 0));
    }
    let mut events = Events::with_capacity(CONNECTIONS);
    let mut begin = Instant::now();
    let mut warm = Some(warm);
    let mut count = 0;
    loop {
        poll.poll(&mut events, Some(Duration::from_secs(20)))?;
        if events.is_empty() {
            return Err("no answer".into());
        }
        for event in &events {
            if let Some((stream, seen)) = connections.get_mut(event.token().0) {
                count += answered(stream, seen)?;
            }
        }
        match warm {
            Some(warming) if begin.elapsed() >= warming => {
                (warm, begin, count) = (None, Instant::now(), 0);
            }
            None if begin.elapsed() >= time => {
                return Ok(f64::from(count) / begin.elapsed().as_secs_f64());
            }
            _ => {}
        }
    }
}

/// Reads of an answer what is there, and asks again when it is whole. How many were whole.
fn answered(stream: &mut TcpStream, seen: &mut usize) -> Result<u32> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => return Err("an answer has broken off".into()),
        Ok(read) => *seen += read,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
        Err(error) => return Err(error.into()),
    }
    if *seen < ANSWER.len() {
        return Ok(0);
    }
    *seen = 0;
    stream.write_all(REQUEST)?;
    Ok(1)
}
