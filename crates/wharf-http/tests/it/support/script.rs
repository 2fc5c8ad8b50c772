//! Both ends in bytes: a provider that does what a test writes, and a client that reads what comes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;

use super::PATIENCE;

/// A provider of one connection.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Script {
    pub(crate) fn start(play: impl FnOnce(Peer) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("an address");
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            play(Peer::new(stream));
        });
        Self { address, thread }
    }

    /// Waits until it has played to its end.
    pub(crate) fn done(self) {
        self.thread.join().expect("the script");
    }
}

/// One end of a connection.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).expect("connect"))
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_nodelay(true).expect("nodelay");
        Self(stream)
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("write");
    }

    /// Writes so many bytes at once.
    pub(crate) fn say_in_pieces(&mut self, text: &str, step: usize) {
        text.as_bytes().chunks(step).for_each(|piece| self.say(piece));
    }

    /// Reads exactly this.
    #[track_caller]
    pub(crate) fn hear(&mut self, expected: &str) {
        let mut got = vec![0; expected.len()];
        let mut filled = 0;
        while filled < got.len() {
            match self.0.read(&mut got[filled..]) {
                Ok(length @ 1..) => filled += length,
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&got[..filled])),
            }
        }
        assert_eq!(String::from_utf8_lossy(&got), expected);
    }

    /// Reads to the end of a head.
    pub(crate) fn hear_head(&mut self) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1..) => head.push(byte[0]),
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&head)),
            }
        }
        String::from_utf8_lossy(&head).into_owned()
    }

    /// Reads all that comes, and how it ended.
    pub(crate) fn hear_all(&mut self) -> (String, io::Result<()>) {
        let mut all = Vec::new();
        let end = self.0.read_to_end(&mut all).map(drop);
        (String::from_utf8_lossy(&all).into_owned(), end)
    }

    /// Reads to an end in order.
    #[track_caller]
    pub(crate) fn hear_end(&mut self) {
        let (rest, end) = self.hear_all();
        assert_eq!(rest, "");
        end.expect("an end in order");
    }

    /// Reads to a reset.
    #[track_caller]
    pub(crate) fn hear_reset(&mut self) -> String {
        let (rest, end) = self.hear_all();
        assert_eq!(
            end.map_err(|error| error.kind()),
            Err(io::ErrorKind::ConnectionReset),
            "{rest}"
        );
        rest
    }

    /// Makes sure that nothing comes for a while.
    #[track_caller]
    pub(crate) fn hear_nothing(&mut self) {
        self.0
            .set_read_timeout(Some(Duration::from_millis(300)))
            .expect("a time-out");
        let got = self.0.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(got, Err(io::ErrorKind::WouldBlock));
        self.0.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    }

    pub(crate) fn half_close(&self) {
        self.0.shutdown(Shutdown::Write).expect("shutdown");
    }

    pub(crate) fn reset(self) {
        SockRef::from(&self.0)
            .set_linger(Some(Duration::ZERO))
            .expect("linger");
    }
}
