//! Clients that do not stop asking, and do not ask twice.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::client::{parse, try_send};

/// How a client asks.
#[derive(Clone, Copy)]
pub(crate) enum Habit {
    /// A connection for each request.
    Fresh,
    /// A connection for many, until it is told to close.
    Kept,
}

/// A request that got no answer.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) door: SocketAddr,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    pub(crate) why: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.ended - self.begun;
        write!(f, "{} after {took:?}: {}", self.door, self.why)
    }
}

/// One client; it stops when this is dropped.
pub(crate) struct Client {
    answered: Arc<AtomicUsize>,
    failed: Arc<Mutex<Vec<Failed>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Asks `path` of `web.shop.localhost`, which must answer `hello`.
    pub(crate) fn start(door: SocketAddr, path: &'static str, habit: Habit) -> Self {
        let answered = Arc::new(AtomicUsize::new(0));
        let failed = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (count, failures, stopped) = (Arc::clone(&answered), Arc::clone(&failed), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut kept = None;
            while !stopped.load(Ordering::SeqCst) {
                let begun = Instant::now();
                let asked = match habit {
                    Habit::Fresh => ask_once(door, path),
                    Habit::Kept => ask_again(&mut kept, door, path),
                };
                match asked {
                    Ok(()) => {
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(why) => failures.lock().expect("lock").push(Failed {
                        door,
                        begun,
                        ended: Instant::now(),
                        why,
                    }),
                }
                // So that two cores are not all the clients'.
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self {
            answered,
            failed,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    pub(crate) fn failed(&self) -> Vec<Failed> {
        self.failed.lock().expect("lock").clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ask_once(door: SocketAddr, path: &str) -> Result<(), String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n\r\n");
    let reply = try_send(door, request.as_bytes(), PATIENCE)?;
    if (reply.status, reply.body.as_str()) == (200, "hello") {
        Ok(())
    } else {
        Err(format!("{reply:?}"))
    }
}

fn ask_again(kept: &mut Option<TcpStream>, door: SocketAddr, path: &str) -> Result<(), String> {
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => TcpStream::connect(door).map_err(|error| format!("connect: {error}"))?,
    };
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| error.to_string())?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|error| format!("write: {error}"))?;
    let mut got = Vec::new();
    let mut piece = [0; 4096];
    let reply = loop {
        if let Some(reply) = parse(&got) {
            break reply;
        }
        match stream.read(&mut piece) {
            Ok(read @ 1..) => got.extend_from_slice(&piece[..read]),
            other => return Err(format!("read: {other:?} after {} bytes", got.len())),
        }
    };
    if (reply.status, reply.body.as_str()) != (200, "hello") {
        return Err(format!("{reply:?}"));
    }
    if reply.field("connection") != Some("close") {
        *kept = Some(stream);
    }
    Ok(())
}
