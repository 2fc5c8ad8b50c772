//! Measures what it costs to look: bulk and small requests of HTTP through a link that nobody looks at,
//! that is observed, and that is captured (into /dev/null, so that no disk is measured). It asserts
//! nothing.
//!
//!     cargo run --release -p wharf-relay --example looking
//!
//! The three alternate in each round, since a machine's speed drifts; ratios are medians of the ratios
//! to the round's own first.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use wharf_link::{Conditions, Seed, Size};
use wharf_relay::{CaptureSpec, LinkId, LinkSpec, Observe, ParkLimits, Provider, Relay, ShownPort};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 7;
const BULK: usize = 1 << 30;
const REQUESTS: usize = 10_000;

#[derive(Debug, Clone, Copy)]
enum Look {
    Away,
    Observed,
    Captured,
}

fn main() -> Result<()> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let provider = server.local_addr()?;
    std::thread::spawn(move || {
        for stream in server.incoming().flatten() {
            std::thread::spawn(move || serve(&stream));
        }
    });
    let front = TcpListener::bind("127.0.0.1:0")?;
    let address = front.local_addr()?;
    let relay = Relay::start()?;
    let link = relay.add(LinkSpec {
        name: "web -> api".to_owned(),
        listeners: vec![front],
        provider: Provider::Ready(vec![provider]),
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        seed: Seed(1),
        park: ParkLimits::default(),
        via: Vec::new(),
    })?;

    println!("{ROUNDS} rounds; medians, and of ratios to a link that nobody looks at\n");
    println!("{:<24}{:>12}{:>12}{:>12}", "", "away", "observed", "captured");
    for (name, measure) in [
        ("bulk, Gbit/s", bulk as fn(SocketAddr) -> Result<f64>),
        ("request p50, µs", requests),
    ] {
        let mut columns = [const { Vec::new() }; 5];
        for _ in 0..ROUNDS {
            let mut figures = [0.0; 3];
            for (figure, look) in figures
                .iter_mut()
                .zip([Look::Away, Look::Observed, Look::Captured])
            {
                apply(&relay, link, look)?;
                *figure = measure(address)?;
                apply(&relay, link, Look::Away)?;
            }
            let [away, observed, captured] = figures;
            let all = [away, observed, captured, observed / away, captured / away];
            for (column, value) in columns.iter_mut().zip(all) {
                column.push(value);
            }
        }
        let [away, observed, captured, first, second] = columns.map(|mut column| {
            column.sort_by(f64::total_cmp);
            column[column.len() / 2]
        });
        println!("{name:<24}{away:>12.2}{observed:>12.2}{captured:>12.2}");
        println!("{:<24}{:>12}{first:>12.2}{second:>12.2}", "  ratio", "");
    }
    let news = relay.exchanges(link, 0)?;
    println!("\n{} exchanges were seen", news.next);
    Ok(())
}

fn apply(relay: &Relay, link: LinkId, look: Look) -> Result<()> {
    if let Some(figures) = relay.stop_capture(link)?
        && figures.dropped > 0
    {
        println!("{} of {} packets were dropped", figures.dropped, figures.packets);
    }
    relay.observe(link, Observe::Off)?;
    match look {
        Look::Away => {}
        Look::Observed => relay.observe(link, Observe::heads())?,
        Look::Captured => {
            let file = File::options().write(true).open("/dev/null")?;
            let limit: Size = "1000GiB".parse()?;
            let description = String::new();
            relay.capture(
                link,
                CaptureSpec {
                    file,
                    limit,
                    description,
                    port: ShownPort::Usual,
                },
            )?;
        }
    }
    Ok(())
}

/// Answers `GET /SIZE` with so many bytes.
fn serve(stream: &TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    let body = vec![b'x'; 1 << 20];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size: usize = line.split(' ').nth(1)?.get(1..)?.parse().ok()?;
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).ok()?;
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n");
        let first = size.min(body.len());
        let mut writer = stream;
        writer
            .write_all(&[head.as_bytes(), &body[..first]].concat())
            .ok()?;
        let mut left = size - first;
        while left > 0 {
            let count = left.min(body.len());
            writer.write_all(&body[..count]).ok()?;
            left -= count;
        }
    }
}

/// Sends a request, and reads its answer of `size` bytes.
fn ask(mut stream: &TcpStream, size: usize, buffer: &mut [u8]) -> Result<()> {
    let request = format!("GET /{size} HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut seen = stream.read(buffer)?;
    let head = buffer[..seen]
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .ok_or("a head in one piece")?
        + 4;
    while seen < head + size {
        seen += stream.read(buffer)?;
    }
    Ok(())
}

fn bulk(address: SocketAddr) -> Result<f64> {
    let stream = TcpStream::connect(address)?;
    let mut buffer = vec![0; 1 << 20];
    let start = Instant::now();
    ask(&stream, BULK, &mut buffer)?;
    Ok(BULK as f64 * 8.0 / start.elapsed().as_secs_f64() / 1e9)
}

fn requests(address: SocketAddr) -> Result<f64> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 1 << 16];
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let start = Instant::now();
        ask(&stream, 64, &mut buffer)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
