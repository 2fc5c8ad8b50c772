//! Measures a link for datagrams beside a direct path, in one run: packets a second, round trips, and
//! how true latency is. It asserts nothing.
//!
//!     cargo run --release -p wharf-relay --example datagrams
//!
//! Direct and relayed rounds alternate, since a machine's speed drifts; ratios are medians of the
//! ratios of neighbours. Sender, relay and receiver have a thread each.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

#[path = "datagrams/ends.rs"]
mod ends;

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};

use ends::{Flood, flood, one_way, round_trips, socket};
use wharf_link::{Conditions, Latency, Seed};
use wharf_relay::{DatagramLimits, DatagramSpec, LinkId, Provider, Relay};

/// How many pairs of rounds.
const ROUNDS: usize = 7;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A link of its own for each measurement, so that none inherits the other's flows.
struct Link {
    relay: Relay,
    id: LinkId,
    address: SocketAddr,
    provider: UdpSocket,
}

impl Link {
    fn new(up: Conditions) -> Result<Self> {
        let (front, provider) = (socket()?, socket()?);
        let address = front.local_addr()?;
        let relay = Relay::start()?;
        let id = relay.add_datagrams(DatagramSpec {
            name: "near -> far".to_owned(),
            sockets: vec![front],
            provider: Provider::Ready(vec![provider.local_addr()?]),
            up,
            down: Conditions::CLEAR,
            seed: Seed(1),
            via: Vec::new(),
            limits: DatagramLimits::default(),
        })?;
        Ok(Self {
            relay,
            id,
            address,
            provider,
        })
    }
}

fn main() -> Result<()> {
    println!("{ROUNDS} alternating rounds; medians\n");
    println!("{:<44}{:>10}{:>10}{:>8}", "", "direct", "relayed", "ratio");
    let clear = Link::new(Conditions::CLEAR)?;
    let late = Link::new(latency(5))?;
    for (name, link) in [("", &clear), (", through 5 ms", &late)] {
        for (len, train) in [(64, 1), (1_400, 1), (1_200, 40)] {
            let measure = |address| flood(&link.provider, address, Flood { len, train });
            let direct = link.provider.local_addr()?;
            let (direct, relayed, ratio) = compare(direct, link.address, measure)?;
            let together = if train > 1 { ", sent 40 at once" } else { "" };
            let name = format!("{len} B{together}{name}, 1000/s");
            println!("{name:<44}{direct:>10.0}{relayed:>10.0}{ratio:>8.2}");
        }
    }
    let measure = |address| round_trips(&clear.provider, address);
    let direct = clear.provider.local_addr()?;
    let (direct, relayed, ratio) = compare(direct, clear.address, measure)?;
    let name = "64 B round trip p50, µs";
    println!("{name:<44}{direct:>10.1}{relayed:>10.1}{ratio:>8.2}");

    println!("\none way through a latency, 64 B every ms: error in µs");
    println!("{:<44}{:>10}{:>10}", "asked", "p50", "p99");
    for millis in [0, 5, 20, 50] {
        clear
            .relay
            .set_conditions(clear.id, latency(millis), Conditions::CLEAR)?;
        let errors = one_way(&clear.provider, clear.address, millis)?;
        let [p50, p99] = [50, 99].map(|percent| errors[errors.len() * percent / 100]);
        println!("{:<44}{p50:>10.1}{p99:>10.1}", format!("{millis} ms"));
    }
    let errors = one_way(&clear.provider, clear.provider.local_addr()?, 0)?;
    let [p50, p99] = [50, 99].map(|percent| errors[errors.len() * percent / 100]);
    println!("{:<44}{p50:>10.1}{p99:>10.1}", "(direct)");
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

fn latency(millis: u32) -> Conditions {
    Conditions {
        latency: Latency::millis(millis),
        ..Conditions::CLEAR
    }
}
