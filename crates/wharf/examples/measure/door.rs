//! HTTP through the door beside HTTP to the service itself.

use std::io::{Error, Read, Result as IoResult, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Result;
use crate::running::Bench;
use crate::series::{Series, in_turn};

const ROUNDS: usize = 9;
/// Connections that are kept alive, each asking again as soon as it is answered.
const CONNECTIONS: usize = 32;
/// How long a round lasts.
const ROUND: Duration = Duration::from_millis(800);
/// What the service answers.
const BODY: &[u8] = b"hello from web";

pub(crate) fn measure(bench: &Bench<'_>) -> Result<()> {
    let (service, host, door) = bench.at_door("web")?;
    let (mut direct_times, mut door_times) = (Series::default(), Series::default());
    let both = |address, times: &mut Series| -> Result<f64> {
        let taken = ask_for_a_while(address, &host)?;
        times.push(taken.1.quantile(0.5));
        Ok(taken.0)
    };
    let [direct, through] = in_turn(
        ROUNDS,
        &mut [&mut || both(service, &mut direct_times), &mut || {
            both(door, &mut door_times)
        }],
    )?;
    println!("\nHTTP through the door and its link, {CONNECTIONS} connections kept alive ({ROUNDS} rounds)");
    direct.print("requests a second, direct", 1.0, "/s");
    through.print("requests a second, through the door", 1.0, "/s");
    through
        .with(&direct, |a, b| a / b)
        .print("  of what is had directly", 100.0, "%");
    direct_times.print_us("until answered, direct, p50");
    door_times.print_us("until answered, through the door, p50");
    Ok(())
}

/// Requests a second, and the seconds that each took.
fn ask_for_a_while(address: SocketAddr, host: &str) -> Result<(f64, Series)> {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let connected: IoResult<Vec<_>> = (0..CONNECTIONS).map(|_| TcpStream::connect(address)).collect();
    let connected = connected?;
    let begun = Instant::now();
    let asking: Vec<_> = connected
        .into_iter()
        .map(|stream| {
            let request = request.clone();
            std::thread::spawn(move || ask_until(stream, request.as_bytes(), begun + ROUND))
        })
        .collect();
    let mut all = Vec::new();
    for connection in asking {
        all.extend(connection.join().map_err(|_| "a client panicked")??);
    }
    let per_second = all.len() as f64 / begun.elapsed().as_secs_f64();
    Ok((per_second, all.into_iter().collect()))
}

fn ask_until(mut stream: TcpStream, request: &[u8], end: Instant) -> IoResult<Vec<f64>> {
    stream.set_nodelay(true)?;
    let mut taken = Vec::new();
    let mut buffer = [0; 4096];
    while Instant::now() < end {
        let begun = Instant::now();
        stream.write_all(request)?;
        let mut length = 0;
        while !buffer[..length].ends_with(BODY) {
            match stream.read(&mut buffer[length..])? {
                0 => {
                    return Err(Error::other(
                        "a connection ended, or an answer is not the service's",
                    ));
                }
                count => length += count,
            }
        }
        if !buffer.starts_with(b"HTTP/1.1 200 ") {
            return Err(Error::other("an answer is not a 200"));
        }
        taken.push(begun.elapsed().as_secs_f64());
    }
    Ok(taken)
}
