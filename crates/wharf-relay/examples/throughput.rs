//! Measures a relay beside a direct connection, in one run: throughput of one and of eight streams,
//! round trip of 64 bytes, memory of idle connections, and how true latency is. It asserts nothing.
//!
//!     cargo run --release -p wharf-relay --example throughput
//!
//! The relay runs in a process of its own (this program, called with `--relay`), so that its memory
//! can be told from that of the two ends. Direct and relayed rounds alternate, since a machine's speed
//! drifts; ratios are medians of the ratios of neighbours.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

#[path = "throughput/far_end.rs"]
mod far_end;
#[path = "throughput/near_end.rs"]
mod near_end;
#[path = "throughput/relay.rs"]
mod relay;

use std::error::Error;
use std::net::SocketAddr;

use near_end::{idle, one_way, round_trips, stream};
use relay::Child;

/// How many pairs of rounds.
const ROUNDS: usize = 7;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, provider] = arguments.as_slice()
        && mode == "--relay"
    {
        return relay::run(provider.parse()?);
    }
    let limit = far_end::raise_descriptor_limit();
    let direct = far_end::start()?;
    let mut child = Child::start(direct)?;
    let relayed = child.address;

    println!("{ROUNDS} alternating rounds; medians\n");
    println!("{:<28}{:>12}{:>12}{:>9}", "", "direct", "relayed", "ratio");
    for streams in [1, 8] {
        let measure = |address| stream(address, streams);
        let (direct, relayed, ratio) = compare(direct, relayed, measure)?;
        let name = format!("{streams} stream(s), Gbit/s");
        println!("{name:<28}{direct:>12.2}{relayed:>12.2}{ratio:>9.2}");
    }
    let (direct_trip, relayed_trip, ratio) = compare(direct, relayed, round_trips)?;
    let name = "64 B round trip p50, µs";
    println!("{name:<28}{direct_trip:>12.1}{relayed_trip:>12.1}{ratio:>9.2}");

    println!("\none way through a latency, 64 B every 3 ms: error in µs");
    println!("{:<28}{:>12}{:>12}", "asked", "p50", "p99");
    for millis in [5, 20, 50, 100] {
        child.ask(&format!("latency {millis}"))?;
        let errors = one_way(relayed, millis)?;
        let [p50, p99] = [50, 99].map(|percent| errors[errors.len() * percent / 100]);
        println!("{:<28}{p50:>12.1}{p99:>12.1}", format!("{millis} ms"));
    }
    child.ask("latency 0")?;

    println!("\nrate, one stream, received over 1 s");
    for mbit in [10, 100, 800] {
        child.ask(&format!("rate {mbit}"))?;
        let got = stream(relayed, 1)? * 1_000.0;
        let error = (got / f64::from(mbit) - 1.0) * 100.0;
        println!("{:<28}{got:>12.2}{error:>+11.2}%", format!("{mbit} Mbit/s"));
    }
    child.ask("latency 0")?;

    // Both ends are in this process: two descriptors a connection, and some for itself.
    let most = usize::try_from(limit.saturating_sub(200) / 2)?.min(9_000);
    // A fresh relay: memory that earlier rounds have left to the allocator would hide the growth.
    drop(child);
    let child = Child::start(direct)?;
    let warm = idle(child.address, 1)?;
    let before = child.resident()?;
    let held = idle(child.address, most)?;
    drop(warm);
    let each = (child.resident()? - before) as f64 / held.len() as f64;
    println!("\n{} idle connections, {each:.2} KiB resident each", held.len());
    Ok(())
}

/// Medians of alternating measurements, and of the ratio of neighbours.
fn compare(
    direct: SocketAddr,
    relayed: SocketAddr,
    measure: impl Fn(SocketAddr) -> Result<f64>,
) -> Result<(f64, f64, f64)> {
    let mut columns = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let (direct, relayed) = (measure(direct)?, measure(relayed)?);
        for (column, value) in columns.iter_mut().zip([direct, relayed, relayed / direct]) {
            column.push(value);
        }
    }
    let [direct, relayed, ratio] = columns.map(|mut column| {
        column.sort_by(f64::total_cmp);
        column[column.len() / 2]
    });
    Ok((direct, relayed, ratio))
}
