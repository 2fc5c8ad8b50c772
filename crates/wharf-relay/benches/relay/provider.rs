//! The provider, in a process of its own: does what the first byte of a connection says. Floods and
//! messages have a thread each; crowds and requests share one and its event loop.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use mio::{Events, Interest, Poll, Token, Waker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;
use crate::orders::{ANSWER, Beat, MESSAGE, Order, now, stamped};

/// How many threads accept.
const ACCEPTORS: usize = 4;

pub(crate) fn run() -> Result<()> {
    raise_descriptor_limit();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    rustix::net::listen(&listener, 4096)?;
    let listener = Arc::new(listener);
    let (many, newcomers) = channel();
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), Token(usize::MAX))?);
    thread::spawn(move || serve_many(poll, &newcomers));
    for _ in 0..ACCEPTORS {
        let host = Host {
            many: many.clone(),
            waker: waker.clone(),
        };
        let listener = listener.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = host.admit(stream);
            }
        });
    }
    println!("{address}");
    // Until whoever has started this is gone.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Where connections go that have no thread.
struct Host {
    many: Sender<(TcpStream, Order)>,
    waker: Arc<Waker>,
}

impl Host {
    fn admit(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some(order) = Order::read(&mut stream) else {
            return Ok(());
        };
        if order == Order::Quick {
            return stream.write_all(&[order.byte()]);
        }
        stream.set_nodelay(true)?;
        match order {
            Order::Flood => drop(thread::spawn(move || flood(stream))),
            Order::Echo => drop(thread::spawn(move || echo(stream))),
            Order::Beat => drop(thread::spawn(move || beat(stream))),
            Order::Idle | Order::Crowd | Order::Get | Order::Quick => {
                if order == Order::Idle {
                    stream.write_all(&[order.byte()])?;
                }
                let _ = self.many.send((stream, order));
                self.waker.wake()?;
            }
        }
        Ok(())
    }
}

fn flood(mut stream: TcpStream) {
    let block = vec![0x5a; 256 * 1024];
    while stream.write_all(&block).is_ok() {}
}

fn echo(mut stream: TcpStream) {
    let mut message = [0; MESSAGE];
    while stream.read_exact(&mut message).is_ok() && stream.write_all(&message).is_ok() {}
}

/// Sends at set times, whatever has become of what was sent before.
fn beat(mut stream: TcpStream) -> std::io::Result<()> {
    let Beat { count, every } = Beat::read(&mut stream)?;
    let begin = now() + every;
    for number in 0..count {
        thread::sleep((begin + every * number).saturating_sub(now()));
        stream.write_all(&stamped())?;
    }
    // The other end closes.
    stream.read_exact(&mut [0])
}

/// One of many connections.
struct Guest {
    stream: mio::net::TcpStream,
    order: Order,
}

fn serve_many(mut poll: Poll, newcomers: &Receiver<(TcpStream, Order)>) -> std::io::Result<()> {
    let mut guests: Vec<Option<Guest>> = Vec::new();
    let mut events = Events::with_capacity(1024);
    loop {
        poll.poll(&mut events, None)?;
        for (stream, order) in newcomers.try_iter() {
            stream.set_nonblocking(true)?;
            let mut stream = mio::net::TcpStream::from_std(stream);
            poll.registry()
                .register(&mut stream, Token(guests.len()), Interest::READABLE)?;
            guests.push(Some(Guest { stream, order }));
        }
        for event in &events {
            let Some(place) = guests.get_mut(event.token().0) else {
                continue;
            };
            if let Some(guest) = place
                && !guest.serve()
            {
                *place = None;
            }
        }
    }
}

impl Guest {
    /// Answers what has come. Whether more may come.
    fn serve(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => count,
                Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
            };
            // Answers are small, and asked for one by one: they always fit.
            let answer = match self.order {
                Order::Get => ANSWER,
                _ => &buffer[..count],
            };
            if self.stream.write_all(answer).is_err() {
                return false;
            }
            if count < buffer.len() {
                return true;
            }
        }
    }
}

/// Raises the soft limit of descriptors to the hard one, which it says.
pub(crate) fn raise_descriptor_limit() -> usize {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let wanted = Rlimit {
        current: maximum,
        maximum,
    };
    let _ = setrlimit(Resource::Nofile, wanted);
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20);
    usize::try_from(limit).unwrap_or(1 << 20)
}

/// Starts it.
pub(crate) fn start() -> Result<crate::carriers::Helper> {
    crate::carriers::Helper::start(&["provider"])
}
