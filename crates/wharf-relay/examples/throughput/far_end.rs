//! The provider: does what the first byte of a connection says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;

/// Send as much as goes.
pub(crate) const FLOOD: u8 = b'f';
/// Send back what comes.
pub(crate) const ECHO: u8 = b'e';
/// Say when what comes came.
pub(crate) const CLOCK: u8 = b'c';
/// Keep quiet.
pub(crate) const IDLE: u8 = b'i';

/// Connections that keep quiet.
static QUIET: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());

/// Arrival times of 64-byte messages.
pub(crate) static ARRIVALS: Mutex<Vec<Instant>> = Mutex::new(Vec::new());

pub(crate) fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    rustix::net::listen(&listener, 4096)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = admit(stream);
        }
    });
    Ok(address)
}

fn admit(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut order = [0];
    stream.read_exact(&mut order)?;
    let work = match order[0] {
        FLOOD => flood,
        ECHO => echo,
        CLOCK => clock,
        _ => {
            stream.write_all(&order)?;
            QUIET.lock().unwrap_or_else(|lock| lock.into_inner()).push(stream);
            return Ok(());
        }
    };
    std::thread::spawn(move || work(stream));
    Ok(())
}

fn flood(mut stream: TcpStream) {
    let block = vec![0x5a; 256 * 1024];
    while stream.write_all(&block).is_ok() {}
}

fn echo(mut stream: TcpStream) {
    let mut message = [0; 64];
    while stream.read_exact(&mut message).is_ok() && stream.write_all(&message).is_ok() {}
}

fn clock(mut stream: TcpStream) {
    let mut message = [0; 64];
    while stream.read_exact(&mut message).is_ok() {
        let now = Instant::now();
        ARRIVALS.lock().unwrap_or_else(|lock| lock.into_inner()).push(now);
    }
}

/// Raises the soft limit of descriptors to the hard one, which it says.
pub(crate) fn raise_descriptor_limit() -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let wanted = Rlimit {
        current: maximum,
        maximum,
    };
    let _ = setrlimit(Resource::Nofile, wanted);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
