//! How late the relay is with many connections, each with latency and jitter of its own:
//! `cargo run --release -p wharf-relay --example crowd -- [CONNECTIONS] [MESSAGES A SECOND]`.
//!
//! Messages of 64 bytes go up, spread evenly over time and connections. Printed are the latenesses that
//! the relay itself has measured (ideal against actual time of each write) and the processor time of
//! its thread.
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use wharf_link::{Conditions, Latency, Probability, Seed};
use wharf_relay::{Effect, LinkSpec, ParkLimits, Provider, Relay, Stage, StageId};

const TIME: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let connections: usize = arguments.next().map_or(Ok(4_000), |text| text.parse())?;
    let rate: u32 = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let provider = TcpListener::bind("127.0.0.1:0")?;
    let front = TcpListener::bind("127.0.0.1:0")?;
    let address = front.local_addr()?;
    let relay = Relay::start()?;
    let link = relay.add(LinkSpec {
        name: "near -> far".to_owned(),
        listeners: vec![front],
        provider: Provider::Ready(vec![provider.local_addr()?]),
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        via: Vec::new(),
        seed: Seed(1),
        park: ParkLimits::default(),
    })?;
    let own = Conditions {
        latency: Latency::millis(20),
        jitter: Some("5ms normal".parse()?),
        ..Conditions::CLEAR
    };
    let stage = Stage {
        id: StageId(1),
        toxicity: Probability::ALWAYS,
        effect: Effect::Conditions(own),
    };
    relay.set_stages(link, vec![stage], Vec::new())?;
    let mut near = Vec::new();
    let mut far = Vec::new();
    for _ in 0..connections {
        near.push(TcpStream::connect(address)?);
        far.push(provider.accept()?.0);
    }
    std::thread::spawn(move || drain(&far));
    let before = processor_time();
    let begin = Instant::now();
    let pause = Duration::from_secs(1) / rate;
    let mut sent = 0u32;
    while begin.elapsed() < TIME {
        // What is late is sent at once: the rate holds.
        while pause * sent <= begin.elapsed() {
            near[sent as usize % connections].write_all(&[7; 64])?;
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let used = processor_time() - before;
    let late = relay.stats(link)?.lateness_up;
    let micros = |nanos: u64| nanos as f64 / 1_000.0;
    println!(
        "{connections} connections, {sent} messages in {:?}",
        begin.elapsed()
    );
    println!(
        "late: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs, of {} writes",
        micros(late.p50),
        micros(late.p99),
        micros(late.max),
        late.count
    );
    println!(
        "the relay's thread: {:.0} % of a processor",
        100.0 * used / begin.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Reads whatever comes.
fn drain(streams: &[TcpStream]) -> Result<(), std::io::Error> {
    let mut poll = Poll::new()?;
    for (index, stream) in streams.iter().enumerate() {
        stream.set_nonblocking(true)?;
        let fd = stream.as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
    }
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 1 << 16];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let Token(index) = event.token();
            while matches!({ &streams[index] }.read(&mut buffer), Ok(count) if count > 0) {}
        }
    }
}

/// Seconds that the relay's thread has run.
fn processor_time() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let relay = tasks.map(|task| task.path()).find(|task| {
        std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "wharf-relay")
    });
    let nanos = relay.and_then(|task| std::fs::read_to_string(task.join("schedstat")).ok());
    let nanos = nanos.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.unwrap_or(0.0) / 1e9
}
