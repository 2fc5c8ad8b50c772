//! The traffic of the benchmark: this program again, at the sender's and at the receiver's.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::Carrier;

const PORT: u16 = 7007;

pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// What came over.
pub(crate) struct Carried {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Of what was sent.
    pub(crate) share: f64,
    pub(crate) took: Duration,
    /// How long those who carry were on a processor for it.
    pub(crate) processor: Duration,
}

/// The parts that the program plays in namespaces.
pub(crate) fn run(words: &[String]) -> Option<ExitCode> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().expect("a number");
    match words.as_slice() {
        ["count", address, size] => count(address, number(size) as usize),
        ["blast", address, size, many] => blast(address, number(size) as usize, number(many)),
        ["sink", address, streams] => sink(address, number(streams)),
        ["pour", address, streams, bytes] => pour(address, number(streams), number(bytes)),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

/// Counts datagrams until none has come for a while; prints how many and in how many ns.
fn count(address: &str, size: usize) {
    let socket = UdpSocket::bind(address).expect("bound");
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(8 << 20);
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("set");
    say("ready");
    let mut buffer = vec![0; size.max(64)];
    let (mut many, mut first, mut last) = (0_u64, None, Instant::now());
    while socket.recv(&mut buffer).is_ok() {
        many += 1;
        last = Instant::now();
        first.get_or_insert(last);
    }
    let took = first.map_or(Duration::ZERO, |first| last - first);
    say(&format!("{many} {}", took.as_nanos()));
}

fn blast(address: &str, size: usize, many: u64) {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bound");
    socket.connect(address).expect("connected");
    // The size is the packet's: IPv4 and UDP take 28 bytes.
    let message = vec![0; size - 28];
    for _ in 0..many {
        // A queue of the kernel's that is full drops it, as a wire would.
        let _ = socket.send(&message);
    }
}

/// Reads streams to their ends; prints bytes and ns.
fn sink(address: &str, streams: u64) {
    let listener = TcpListener::bind(address).expect("bound");
    say("ready");
    let readers: Vec<_> = (0..streams)
        .map(|_| {
            let (mut stream, _) = listener.accept().expect("a connection");
            std::thread::spawn(move || {
                let (mut block, mut bytes) = (vec![0; 256 * 1024], 0_u64);
                let begun = Instant::now();
                while let Ok(read @ 1..) = stream.read(&mut block) {
                    bytes += read as u64;
                }
                (bytes, begun.elapsed())
            })
        })
        .collect();
    let read = readers.into_iter().map(|reader| reader.join().expect("a reader"));
    let (bytes, took) = read.fold((0, Duration::ZERO), |(bytes, took), (more, longer)| {
        (bytes + more, took.max(longer))
    });
    say(&format!("{bytes} {}", took.as_nanos()));
}

fn pour(address: &str, streams: u64, bytes: u64) {
    let address: SocketAddr = address.parse().expect("an address");
    std::thread::scope(|scope| {
        for _ in 0..streams {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).expect("connected");
                let block = vec![7; 256 * 1024];
                let mut left = bytes / streams;
                while left > 0 {
                    let part = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
                    stream.write_all(&block[..part]).expect("written");
                    left -= part as u64;
                }
            });
        }
    });
}

fn start(before: &[OsString], words: &[&str]) -> Child {
    let exe = std::env::current_exe().expect("a path");
    let mut all: Vec<OsString> = before.to_vec();
    all.push(exe.into());
    all.extend(words.iter().map(OsString::from));
    let mut command = Command::new(&all[0]);
    command.args(&all[1..]).stdout(Stdio::piped());
    command.spawn().expect("it starts")
}

/// Runs a receiver, once it is ready a sender, and returns the two numbers that the receiver prints.
fn pass(carrier: &dyn Carrier, receiver: &[&str], sender: &[&str]) -> (u64, Duration, Duration) {
    let mut receiving = start(&carrier.receiver(), receiver);
    let mut lines = BufReader::new(receiving.stdout.take().expect("its output")).lines();
    let ready = lines.next().expect("a line").expect("read");
    assert_eq!(ready, "ready");
    let before = carrier.on_processor();
    let status = start(&carrier.sender(), sender).wait().expect("it ran");
    assert!(status.success(), "{sender:?}");
    let line = lines.next().expect("a line").expect("read");
    let processor = carrier.on_processor() - before;
    assert!(receiving.wait().expect("it ran").success());
    let (many, nanos) = line.split_once(' ').expect("two numbers");
    let nanos = Duration::from_nanos(nanos.parse().expect("a number"));
    (many.parse().expect("a number"), nanos, processor)
}

/// As many datagrams of this size as go, one after another.
pub(crate) fn packets(carrier: &dyn Carrier, size: u64, many: u64) -> Carried {
    let address = format!("{}:{PORT}", carrier.address());
    let (size_text, many_text) = (size.to_string(), many.to_string());
    let (came, took, processor) = pass(
        carrier,
        &["count", &address, &size_text],
        &["blast", &address, &size_text, &many_text],
    );
    Carried {
        packets: came,
        bytes: came * size,
        share: came as f64 / many as f64,
        took,
        processor,
    }
}

/// So many streams, so many bytes in all.
pub(crate) fn streams(carrier: &dyn Carrier, streams: u64, bytes: u64) -> Carried {
    let address = format!("{}:{PORT}", carrier.address());
    let (streams_text, bytes_text) = (streams.to_string(), bytes.to_string());
    let (came, took, processor) = pass(
        carrier,
        &["sink", &address, &streams_text],
        &["pour", &address, &streams_text, &bytes_text],
    );
    Carried {
        packets: came / 1448,
        bytes: came,
        share: came as f64 / (bytes / streams * streams) as f64,
        took,
        processor,
    }
}
