//! Services, by hand: the bytes that the door sends are what the tests look at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A service with a thread for each connection; stopped when this is dropped.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) line: String,
    /// Names as they were written.
    pub(crate) fields: Vec<(String, String)>,
}

impl Heard {
    /// All values of a field, joined by `|`; nothing if it is not there.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .fields
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join("|"))
    }

    fn text(&self) -> String {
        let fields: String = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        format!("{}\n{fields}", self.line)
    }
}

impl Backend {
    /// `handle` gets each connection.
    pub(crate) fn start(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind a service");
        let address = listener.local_addr().expect("address");
        let connections = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let handle = Arc::new(handle);
        let (count, stopped) = (Arc::clone(&connections), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                let handle = Arc::clone(&handle);
                std::thread::spawn(move || handle(stream));
            }
        });
        Self {
            address,
            connections,
            stop,
            thread: Some(thread),
        }
    }

    /// Answers each request with what it heard: head, an empty line, the body. Extra response fields may be given.
    pub(crate) fn echo(extra: &'static str) -> Self {
        Self::start(move |stream| {
            let mut reader = BufReader::new(stream.try_clone().expect("clone"));
            let mut stream = stream;
            while let Some(heard) = hear(&mut reader) {
                let body = read_body(&heard, &mut reader);
                let mut text = heard.text().into_bytes();
                text.push(b'\n');
                text.extend(body);
                let head = format!("HTTP/1.1 200 OK\r\n{extra}Content-Length: {}\r\n\r\n", text.len());
                if stream.write_all(head.as_bytes()).is_err() || stream.write_all(&text).is_err() {
                    return;
                }
            }
        })
    }

    /// Answers each request with the same text.
    pub(crate) fn says(text: &'static str) -> Self {
        Self::start(move |stream| {
            let mut reader = BufReader::new(stream.try_clone().expect("clone"));
            let mut stream = stream;
            while let Some(heard) = hear(&mut reader) {
                read_body(&heard, &mut reader);
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        })
    }

    /// How many connections it has had.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads one head; nothing at the end of the connection.
pub(crate) fn hear(reader: &mut BufReader<TcpStream>) -> Option<Heard> {
    let line = read_line(reader)?;
    let mut fields = Vec::new();
    loop {
        let field = read_line(reader)?;
        if field.is_empty() {
            return Some(Heard { line, fields });
        }
        let (name, value) = field.split_once(':')?;
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(1..) => Some(line.trim_end().to_owned()),
        _ => None,
    }
}

fn read_body(heard: &Heard, reader: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(length) = heard.field("content-length") {
        let length = length.parse().expect("one length");
        let _ = reader.take(length).read_to_end(&mut body);
    } else if heard.field("transfer-encoding").is_some() {
        while let Some(size) = read_line(reader) {
            let size = u64::from_str_radix(&size, 16).expect("a chunk's size");
            let _ = reader.by_ref().take(size).read_to_end(&mut body);
            read_line(reader);
            if size == 0 {
                break;
            }
        }
    }
    body
}
