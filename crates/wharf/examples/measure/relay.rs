//! A link without conditions beside a direct connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Instant;

use crate::Result;
use crate::running::{Bench, Ways};
use crate::series::{Series, in_turn};

const ROUNDS: usize = 9;
/// Connections, and round trips, of one round.
const CONNECTIONS: usize = 200;
const TRIPS: usize = 2000;
/// Bytes of one round, over all of its streams.
const BYTES: usize = 512 << 20;
const BLOCK: usize = 256 << 10;

pub(crate) fn measure(bench: &Bench<'_>) -> Result<()> {
    println!("\nA link without conditions beside a direct connection ({ROUNDS} rounds)");
    let echo = bench.ways("echo")?;
    in_rounds("connect, and 1 byte there and back", echo, connect_and_ask)?;
    in_rounds("64 bytes there and back", echo, round_trips)?;
    let sink = bench.ways("sink")?;
    for streams in [1, 8] {
        let [direct, linked] = in_turn(
            ROUNDS,
            &mut [&mut || throughput(sink.direct, streams), &mut || {
                throughput(sink.linked, streams)
            }],
        )?;
        direct.print(format!("throughput of {streams}, direct"), 1e-9, "Gbit/s");
        linked.print(format!("throughput of {streams}, linked"), 1e-9, "Gbit/s");
        linked
            .with(&direct, |a, b| a / b)
            .print("  of what is had directly", 100.0, "%");
    }
    Ok(())
}

/// Prints the median and the 99th percentile of what each round of `ask` takes.
fn in_rounds(what: &str, ways: Ways, ask: fn(SocketAddr) -> Result<Series>) -> Result<()> {
    let (mut direct_tail, mut linked_tail) = (Series::default(), Series::default());
    let both = |address, tail: &mut Series| -> Result<f64> {
        let taken = ask(address)?;
        tail.push(taken.quantile(0.99));
        Ok(taken.quantile(0.5))
    };
    let [direct, linked] = in_turn(
        ROUNDS,
        &mut [&mut || both(ways.direct, &mut direct_tail), &mut || {
            both(ways.linked, &mut linked_tail)
        }],
    )?;
    println!("  {what}");
    direct.print_us("  direct, p50");
    linked.print_us("  linked, p50");
    linked.beyond(&direct).print_us("    beyond direct");
    direct_tail.print_us("  direct, p99");
    linked_tail.print_us("  linked, p99");
    Ok(())
}

fn connect_and_ask(address: SocketAddr) -> Result<Series> {
    let mut taken = Series::default();
    for _ in 0..CONNECTIONS {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&[1])?;
        stream.read_exact(&mut [0])?;
        taken.push(begun.elapsed().as_secs_f64());
    }
    Ok(taken)
}

fn round_trips(address: SocketAddr) -> Result<Series> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut taken = Series::default();
    let mut message = [7; 64];
    for _ in 0..TRIPS {
        let begun = Instant::now();
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        taken.push(begun.elapsed().as_secs_f64());
    }
    Ok(taken)
}

/// Bits per second of so many streams together, until the far side has read everything: it
/// closes when it has.
fn throughput(address: SocketAddr, streams: usize) -> Result<f64> {
    let connected: std::io::Result<Vec<_>> = (0..streams).map(|_| TcpStream::connect(address)).collect();
    let connected = connected?;
    let begun = Instant::now();
    let sending: Vec<_> = connected
        .into_iter()
        .map(|stream| std::thread::spawn(move || send(stream, BYTES / streams)))
        .collect();
    for stream in sending {
        stream.join().map_err(|_| "a sender panicked")??;
    }
    Ok(BYTES as f64 * 8.0 / begun.elapsed().as_secs_f64())
}

fn send(mut stream: TcpStream, count: usize) -> std::io::Result<()> {
    let block = vec![7; BLOCK];
    for _ in 0..count / BLOCK {
        stream.write_all(&block)?;
    }
    stream.shutdown(Shutdown::Write)?;
    let left = stream.read(&mut [0])?;
    match left {
        0 => Ok(()),
        _ => Err(std::io::Error::other("the sink spoke")),
    }
}
