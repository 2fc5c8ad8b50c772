//! What is fetched, by whom, and from whom: a client and a server of HTTP/1.1, as small as they can be.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use clap::ValueEnum;

use crate::{LONGEST, Result};

/// What is fetched over one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// 10 KB.
    Small,
    /// 1 MB.
    Page,
    /// 50 MB.
    Bulk,
    /// 1,000 times 200 bytes, one after the other.
    Requests,
}

impl Work {
    /// How many requests, and the bytes of each answer.
    fn parts(self) -> (u64, u64) {
        match self {
            Self::Small => (1, 10_000),
            Self::Page => (1, 1_000_000),
            Self::Bulk => (1, 50_000_000),
            Self::Requests => (1_000, 200),
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Small => "10 KB",
            Self::Page => "1 MB",
            Self::Bulk => "50 MB",
            Self::Requests => "1,000 requests",
        })
    }
}

/// What a fetch took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// How long all of it took, or would have taken. Infinite where nothing has come.
    pub(crate) seconds: f64,
    /// Whether it was cut.
    pub(crate) cut: bool,
}

/// The word by which this program is told to fetch, in a lab.
pub(crate) const FETCH: &str = "fetch";

/// The words that tell it what.
pub(crate) fn order(work: Work, from: SocketAddr) -> [String; 3] {
    let name = work.to_possible_value().map(|value| value.get_name().to_owned());
    [FETCH.to_owned(), name.unwrap_or_default(), from.to_string()]
}

/// Fetches as the words say, when a line has come on standard input, and prints what it took.
pub(crate) fn fetch_as_told(words: &[String]) -> Result<()> {
    let [work, from] = words else {
        return Err("fetch WORK ADDRESS".into());
    };
    let work = Work::from_str(work, false)?;
    std::io::stdin().read_line(&mut String::new())?;
    let outcome = fetch(work, from.parse()?)?;
    println!("{} {}", outcome.seconds, outcome.cut);
    Ok(())
}

/// What [`fetch_as_told`] has printed.
pub(crate) fn read_outcome(said: &str) -> Result<Outcome> {
    let (seconds, cut) = said.trim().split_once(' ').ok_or("the client said nothing")?;
    Ok(Outcome {
        seconds: seconds.parse()?,
        cut: cut.parse()?,
    })
}

/// Fetches over one connection. The time begins before connect().
pub(crate) fn fetch(work: Work, from: SocketAddr) -> Result<Outcome> {
    let (count, len) = work.parts();
    let begun = Instant::now();
    let stream = TcpStream::connect(from)?;
    stream.set_nodelay(true)?;
    // Between two reads at most so long. What has come by the limit counts.
    stream.set_read_timeout(Some(LONGEST))?;
    let mut reader = BufReader::with_capacity(64 * 1024, &stream);
    let mut done = 0;
    for _ in 0..count {
        let answered = request(&stream, len).and_then(|()| {
            skip_head(&mut reader)?;
            read_body(&mut reader, len, &mut done, begun)
        });
        match answered {
            // Nothing has come for as long as there is.
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            answered => answered?,
        }
        if begun.elapsed() >= LONGEST {
            break;
        }
    }
    let (took, all) = (begun.elapsed().as_secs_f64(), count * len);
    Ok(Outcome {
        seconds: took * all as f64 / done as f64,
        cut: done < all,
    })
}

fn request(mut stream: &TcpStream, len: u64) -> io::Result<()> {
    stream.write_all(format!("GET /{len} HTTP/1.1\r\nHost: there\r\n\r\n").as_bytes())
}

fn skip_head(reader: &mut impl BufRead) -> io::Result<()> {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Reads a body, or what of it comes in the time there is.
fn read_body(reader: &mut impl BufRead, len: u64, done: &mut u64, begun: Instant) -> io::Result<()> {
    let mut left = len;
    while left > 0 && begun.elapsed() < LONGEST {
        let here = reader.fill_buf()?.len();
        if here == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let taken = left.min(here as u64);
        reader.consume(usize::try_from(taken).unwrap_or(here));
        left -= taken;
        *done += taken;
    }
    Ok(())
}

/// A server of one connection, on a thread.
pub(crate) struct Server {
    thread: JoinHandle<()>,
    listener: TcpListener,
    connection: Arc<Mutex<Option<TcpStream>>>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener) -> Result<Self> {
        let connection = Arc::new(Mutex::new(None));
        let (own, taken) = (listener.try_clone()?, Arc::clone(&connection));
        let thread = std::thread::spawn(move || {
            let Ok((stream, _)) = own.accept() else {
                return;
            };
            let kept = stream.try_clone().ok();
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = kept;
            // The client hangs up in the middle of what it has cut.
            let _ = answer(&stream);
        });
        Ok(Self {
            thread,
            listener,
            connection,
        })
    }

    /// Ends it, whether or not it has heard that its client is gone.
    pub(crate) fn end(self) -> Result<()> {
        // accept() on a listener that is shut down fails.
        rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both)?;
        if let Some(stream) = &*self.connection.lock().unwrap_or_else(PoisonError::into_inner) {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.thread.join().map_err(|_| "the server panicked".into())
    }
}

fn answer(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut block = vec![0x2E; 64 * 1024];
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let wanted = line.strip_prefix("GET /").and_then(|rest| rest.split(' ').next());
        let len: u64 = wanted.and_then(|len| len.parse().ok()).unwrap_or(0);
        while reader.read_line(&mut line)? > 2 {}
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n");
        // Head and body in one write, as a server would.
        let mut whole = head.into_bytes();
        let first = len.min(block.len() as u64);
        whole.resize(whole.len() + usize::try_from(first).unwrap_or(0), 0x2E);
        { stream }.write_all(&whole)?;
        let mut rest = std::io::repeat(0x2E).take(len - first);
        loop {
            let count = rest.read(&mut block)?;
            if count == 0 {
                break;
            }
            { stream }.write_all(&block[..count])?;
        }
    }
}
