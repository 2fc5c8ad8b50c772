//! A server, requests to it, and something for its proxies to lead to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wharf_link::Seed;
use wharf_toxiproxy::{Config, Log, Server};

/// Longer than anything takes on a busy machine: only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a port of its own.
pub(crate) struct World {
    pub(crate) server: Server,
    said: Arc<Mutex<Vec<String>>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&said);
        let mut config = Config::new(Seed(1));
        config.port = 0;
        config.log =
            Log::new(move |_, line| lines.lock().expect("nobody has panicked").push(line.to_owned()));
        change(&mut config);
        let server = Server::start(config).expect("a server starts");
        Self { server, said }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.addresses()[0]
    }

    /// Sends a request as a client does, and reads the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let length = body.len();
        self.ask_raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    /// Sends bytes, and reads to the end.
    pub(crate) fn ask_raw(&self, request: &str) -> Answer {
        let mut stream = patient(TcpStream::connect(self.address()).expect("the API listens"));
        stream.write_all(request.as_bytes()).expect("it can be sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it is answered");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        Answer {
            status: status.and_then(|status| status.parse().ok()).expect("a status"),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    /// Asks for what must be granted.
    #[track_caller]
    pub(crate) fn must(&self, method: &str, path: &str, body: &str) -> String {
        let answer = self.ask(method, path, body);
        assert!(answer.status < 300, "{method} {path} {body}: {answer:?}");
        answer.body
    }

    /// A proxy named `p`, to `upstream`. Where it listens.
    #[track_caller]
    pub(crate) fn proxy_to(&self, upstream: SocketAddr) -> SocketAddr {
        let body = format!(r#"{{"name":"p","listen":"127.0.0.1:0","upstream":"{upstream}"}}"#);
        self.must("POST", "/proxies", &body);
        self.listens("p")
    }

    /// Where a proxy says that it listens.
    #[track_caller]
    pub(crate) fn listens(&self, proxy: &str) -> SocketAddr {
        let body = self.must("GET", &format!("/proxies/{proxy}"), "");
        let (_, rest) = body.split_once("\"listen\":\"").expect("a proxy");
        let (address, _) = rest.split_once('"').expect("an address");
        address.parse().expect("an address")
    }

    /// Adds a toxic to `p`.
    #[track_caller]
    pub(crate) fn toxic(&self, body: &str) {
        self.must("POST", "/proxies/p/toxics", body);
    }

    /// Waits until the server has said something of this kind.
    #[track_caller]
    pub(crate) fn await_said(&self, part: &str) {
        eventually(part, || {
            self.said
                .lock()
                .expect("nobody has panicked")
                .iter()
                .any(|line| line.contains(part))
        });
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Waits, boundedly, until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came to be: {what}");
}

pub(crate) fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_nodelay(true).expect("no delay");
    stream
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(address).expect("it listens"))
}

/// Something to lead to, whose connections the test accepts itself.
pub(crate) struct Upstream(TcpListener);

impl Upstream {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        // SO_RCVTIMEO bounds accept() as well.
        socket2::SockRef::from(&listener)
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out");
        Self(listener)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    pub(crate) fn accept(&self) -> TcpStream {
        patient(self.0.accept().expect("the connection is carried").0)
    }

    /// Both ends of a connection through a proxy.
    pub(crate) fn pair(&self, proxy: SocketAddr) -> (TcpStream, TcpStream) {
        let client = connect(proxy);
        (client, self.accept())
    }
}

/// Sends a message one way and compares what arrives.
#[track_caller]
pub(crate) fn passes(mut from: &TcpStream, mut to: &TcpStream, message: &str) {
    from.write_all(message.as_bytes()).expect("it can be sent");
    let mut buffer = vec![0; message.len()];
    to.read_exact(&mut buffer).expect("it arrives");
    assert_eq!(String::from_utf8_lossy(&buffer), message);
}

/// Everything up to the end, which must come in good order.
#[track_caller]
pub(crate) fn rest_of(mut stream: &TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it ends in good order");
    text
}
