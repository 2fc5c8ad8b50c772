//! The client of the store: a few connections that are kept.

use std::io;
use std::time::{Duration, Instant};

use super::{LINE_MAX, LIST_MAX};
use crate::pool::Pool;
use crate::wire::Wire;

/// A client of one store.
#[derive(Debug)]
pub struct Client(Pool);

impl Client {
    /// A client of the store at `host:port`.
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self(Pool::new(address.to_owned()))
    }

    /// Asks whether it is there.
    pub fn ping(&self, within: Duration) -> io::Result<()> {
        expect(&self.ask("PING", within)?, "PONG").map(|_| ())
    }

    /// The next number of a counter.
    pub fn next(&self, counter: &str, within: Duration) -> io::Result<u64> {
        let line = self.ask(&format!("NEXT {counter}"), within)?;
        expect(&line, "VALUE ")?
            .parse()
            .map_err(|_| wrong("a counter that is no number"))
    }

    /// Puts a value under a key.
    pub fn put(&self, key: &str, value: &str, within: Duration) -> io::Result<()> {
        expect(&self.ask(&format!("PUT {key} {value}"), within)?, "OK").map(|_| ())
    }

    /// The values whose keys begin so, the highest keys first.
    pub fn list(&self, prefix: &str, limit: u32, within: Duration) -> io::Result<Vec<String>> {
        let deadline = Instant::now() + within;
        let mut wire = self.0.take(deadline)?;
        wire.send(format!("LIST {prefix} {limit}\n").as_bytes(), deadline)?;
        let count = expect(&line(&mut wire, deadline)?, "VALUES ")?;
        let count: u32 = count.parse().map_err(|_| wrong("a count that is no number"))?;
        let values = (0..count.min(LIST_MAX))
            .map(|_| {
                let line = line(&mut wire, deadline)?;
                let value = line.split_once(' ').map(|(_, value)| value.to_owned());
                value.ok_or_else(|| wrong("a key without a value"))
            })
            .collect::<io::Result<Vec<String>>>()?;
        self.0.keep(wire);
        Ok(values)
    }

    fn ask(&self, request: &str, within: Duration) -> io::Result<String> {
        let deadline = Instant::now() + within;
        let mut wire = self.0.take(deadline)?;
        wire.send(format!("{request}\n").as_bytes(), deadline)?;
        let answer = line(&mut wire, deadline)?;
        self.0.keep(wire);
        Ok(answer)
    }
}

fn line(wire: &mut Wire, deadline: Instant) -> io::Result<String> {
    wire.line(LINE_MAX, deadline)?
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// The rest of an answer that begins as it should.
fn expect(line: &str, start: &str) -> io::Result<String> {
    match (line.strip_prefix(start), line.strip_prefix("ERROR ")) {
        (Some(rest), _) => Ok(rest.to_owned()),
        (None, Some(problem)) => Err(io::Error::other(problem.to_owned())),
        (None, None) => Err(wrong("an answer that was not asked for")),
    }
}

fn wrong(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
