//! A connection that is read up to a mark, within bounds of size and time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A connection and what was read from it and not yet taken.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// Over a connection; small messages are sent at once, as the hops are timed.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Takes everything up to and with the mark. `None` if the peer closed before the first byte.
    pub fn until(&mut self, mark: &[u8], max: usize, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let from = searched - searched.min(mark.len());
            let found = self.buffer[from..]
                .windows(mark.len())
                .position(|window| window == mark);
            if let Some(at) = found {
                let rest = self.buffer.split_off(from + at + mark.len());
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            searched = self.buffer.len();
            if searched > max {
                let problem = format!("more than {max} bytes without an end");
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
            if self.fill(deadline)? == 0 {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// Takes one line, without its end.
    pub fn line(&mut self, max: usize, deadline: Instant) -> io::Result<Option<String>> {
        let Some(mut line) = self.until(b"\n", max, deadline)? else {
            return Ok(None);
        };
        line.pop();
        let problem = |_| io::Error::new(io::ErrorKind::InvalidData, "a line that is not UTF-8");
        String::from_utf8(line).map(Some).map_err(problem)
    }

    /// Takes so many bytes.
    pub fn exactly(&mut self, count: usize, deadline: Instant) -> io::Result<Vec<u8>> {
        while self.buffer.len() < count {
            if self.fill(deadline)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Whether the connection is open and nothing has come that was not asked for.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let peeked = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.peek(&mut [0]));
        let blocks = peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        blocks && self.buffer.is_empty() && self.stream.set_nonblocking(false).is_ok()
    }

    /// Sends everything.
    pub fn send(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        self.stream.set_write_timeout(Some(left(deadline)?))?;
        self.stream.write_all(bytes).map_err(as_timeout)
    }

    fn fill(&mut self, deadline: Instant) -> io::Result<usize> {
        let mut piece = [0; 8192];
        loop {
            self.stream.set_read_timeout(Some(left(deadline)?))?;
            match self.stream.read(&mut piece) {
                Ok(count) => {
                    self.buffer.extend_from_slice(&piece[..count]);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(as_timeout(error)),
            }
        }
    }
}

/// The time that is left, or an error that there is none.
pub(crate) fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        // Zero would mean forever, and so would less than the system's grain.
        left => Ok(left.max(Duration::from_millis(1))),
    }
}

/// Unix says "would block" for a time that has run out, Windows "timed out".
fn as_timeout(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}
