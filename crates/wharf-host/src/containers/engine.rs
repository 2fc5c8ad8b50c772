//! One question to one engine.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use wharf_facts::Container;

use super::{EngineSocket, listing};

/// A listing of some ten thousand containers.
const LIMIT: usize = 16 * 1024 * 1024;
const REQUEST: &[u8] =
    b"GET /containers/json HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";

/// The running containers of the engine at `socket`.
pub(super) fn containers(socket: &EngineSocket, patience: Duration) -> Result<Vec<Container>, String> {
    let told = |what: &dyn std::fmt::Display| format!("ask {}: {what}", socket.path.display());
    let answer = ask(socket, patience).map_err(|error| told(&error))?;
    let body = body(&answer).map_err(|what| told(&what))?;
    listing::parse(body, socket.engine).map_err(|error| told(&error))
}

fn ask(socket: &EngineSocket, patience: Duration) -> io::Result<Vec<u8>> {
    // No time at all would be an error of another kind.
    let patience = patience.max(Duration::from_millis(1));
    let end = Instant::now() + patience;
    let mut stream = UnixStream::connect(&socket.path)?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(answer);
        }
        answer.extend(piece.get(..length).unwrap_or_default());
        if answer.len() > LIMIT {
            return Err(io::Error::other("the answer is too long"));
        }
    }
}

/// What follows the head of a good answer.
fn body(answer: &[u8]) -> Result<&[u8], String> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(answer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err("the answer breaks off".to_owned()),
        Err(error) => return Err(format!("the answer is not HTTP: {error}")),
    };
    match response.code {
        Some(200) => {}
        code => return Err(format!("it answers with status {}", code.unwrap_or(0))),
    }
    if response
        .headers
        .iter()
        .any(|header| header.name.eq_ignore_ascii_case("transfer-encoding"))
    {
        return Err("it answers HTTP/1.0 in chunks".to_owned());
    }
    Ok(answer.get(head..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_answer_has_a_body() {
        assert_eq!(body(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n[]"), Ok(&b"[]"[..]));
        for bad in [
            &b"HTTP/1.0 403 No\r\n\r\n[]"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n",
            b"220 smtp ready",
            b"",
        ] {
            assert!(body(bad).is_err());
        }
    }
}
