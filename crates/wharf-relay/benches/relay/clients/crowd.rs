//! Many connections that each send a message once a second and get it back, all in one event loop.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;
use crate::orders::{MESSAGE, Order, connect, now, stamp, stamped};
use crate::rounds::percentile;

/// How often messages are sent, those of all connections spread evenly.
const TICK: Duration = Duration::from_millis(1);

pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    streams: Vec<TcpStream>,
    /// Whose turn to send it is.
    next: usize,
}

/// What came of it.
pub(crate) struct CrowdFigures {
    /// Messages a second that came back.
    pub(crate) rate: f64,
    /// The median round trip, in ms.
    pub(crate) trip: f64,
}

impl Crowd {
    pub(crate) fn gather(address: SocketAddr, count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut streams = Vec::with_capacity(count);
        for index in 0..count {
            let stream = connect(address, Order::Crowd)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry()
                .register(&mut stream, Token(index), Interest::READABLE)?;
            streams.push(stream);
        }
        let events = Events::with_capacity(1024);
        Ok(Self {
            poll,
            events,
            streams,
            next: 0,
        })
    }

    pub(crate) fn run(&mut self, time: Duration) -> Result<CrowdFigures> {
        let begin = Instant::now();
        let mut sent = 0;
        let mut trips = Vec::new();
        while begin.elapsed() < time {
            let due = begin.elapsed().as_secs_f64() * self.streams.len() as f64;
            while f64::from(sent) < due {
                self.send()?;
                sent += 1;
            }
            self.poll.poll(&mut self.events, Some(TICK))?;
            for event in &self.events {
                if let Some(stream) = self.streams.get_mut(event.token().0) {
                    receive(stream, &mut trips)?;
                }
            }
        }
        Ok(CrowdFigures {
            rate: trips.len() as f64 / time.as_secs_f64(),
            trip: percentile(trips, 50),
        })
    }

    fn send(&mut self) -> Result<()> {
        if let Some(stream) = self.streams.get_mut(self.next) {
            stream.write_all(&stamped())?;
        }
        self.next = (self.next + 1) % self.streams.len();
        Ok(())
    }
}

fn receive(stream: &mut TcpStream, trips: &mut Vec<f64>) -> Result<()> {
    let mut buffer = [0; MESSAGE * 16];
    match stream.read(&mut buffer) {
        Ok(0) => Err("one of the crowd has been left".into()),
        Ok(count) => {
            let time = now();
            let (messages, _) = buffer.as_chunks::<MESSAGE>();
            for message in &messages[..count / MESSAGE] {
                trips.push(time.saturating_sub(stamp(message)).as_secs_f64() * 1e3);
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
    }
}
