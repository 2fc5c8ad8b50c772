//! With conditions: how true they are, and what they cost.

use std::time::{Duration, Instant};

use crate::Result;
use crate::carriers::{Helper, Relay, Way};
use crate::clients::{Crowd, arrivals, beats, lateness, streams};
use crate::options::{Options, Part};
use crate::orders::Beat;
use crate::processor;
use crate::rounds::{compare, percentile};
use crate::table::{Aim, Cell, OURS, Table};

pub(crate) fn run(options: &Options, table: &mut Table, far: &Helper, most: usize) -> Result<()> {
    let mut relay = Relay::start(far.address)?;
    if options.wants(Part::Latency) {
        latency(options, table, far, &mut relay)?;
    }
    if options.wants(Part::Jitter) {
        jitter(options, table, &mut relay)?;
    }
    if options.wants(Part::Rate) {
        rate(options, table, far)?;
    }
    if options.wants(Part::Window) {
        window(options, table, far, &mut relay)?;
    }
    if options.wants(Part::Crowd) {
        drop(relay);
        crowd(options, table, far, most)?;
    }
    Ok(())
}

fn ours(value: f64) -> Vec<Cell> {
    cells([(OURS, value)])
}

fn cells<const N: usize>(values: [(&str, f64); N]) -> Vec<Cell> {
    let cell = |(way, value): (&str, f64)| Cell {
        way: way.to_owned(),
        value,
        ratio: None,
    };
    values.map(cell).into()
}

/// One way, messages at set times. The direct way shows how late the two ends are by themselves.
fn latency(options: &Options, table: &mut Table, far: &Helper, relay: &mut Relay) -> Result<()> {
    let beat = Beat {
        count: options.count(300),
        every: Duration::from_millis(3),
    };
    table.head("latency, 64 B every 3 ms: error, ms", &["direct", OURS]);
    for millis in [5, 20, 50, 100] {
        let ideal = Duration::from_millis(millis);
        relay.set("", "")?;
        let direct = lateness(&beats(far.address, beat)?, Duration::ZERO);
        relay.set("", &format!("latency={millis}ms"))?;
        let late = lateness(&beats(relay.way().address, beat)?, ideal);
        let aims = [(50, Some(0.1)), (99, Some(0.5)), (100, None)];
        for (percent, aim) in aims {
            let name = match percent {
                100 => format!("{millis} ms, max"),
                _ => format!("{millis} ms, p{percent}"),
            };
            let pair = [&direct, &late].map(|all| percentile(all.clone(), percent));
            let cells = cells([("direct", pair[0]), (OURS, pair[1])]);
            table.add("latency", name, cells, aim.map(Aim::AtMost));
        }
    }
    Ok(())
}

/// Messages are further apart than the jitter is wide, so that none waits for another.
fn jitter(options: &Options, table: &mut Table, relay: &mut Relay) -> Result<()> {
    let beat = Beat {
        count: options.count(250),
        every: Duration::from_millis(12),
    };
    relay.set("", "latency=20ms jitter=5ms")?;
    let mut times = beats(relay.way().address, beat)?;
    times.sort_by(f64::total_cmp);
    let count = times.len() as f64;
    let distance = times.iter().enumerate().map(|(index, time)| {
        let ideal = ((time - 0.015) / 0.010).clamp(0.0, 1.0);
        let index = index as f64;
        (ideal - index / count)
            .abs()
            .max(((index + 1.0) / count - ideal).abs())
    });
    let distance = distance.fold(0.0, f64::max);
    table.head("jitter", &[OURS]);
    let name = "20 ± 5 ms, uniform: Kolmogorov-Smirnov D";
    // The critical value at a significance of 1 %.
    let aim = Aim::AtMost((1.63 / count.sqrt() * 1e4).round() / 1e4);
    table.add("jitter", name, ours(distance), Some(aim));
    Ok(())
}

/// One MSS; the relay's parcels are larger where that is many a millisecond.
const SEGMENT: f64 = 1448.0;

fn rate(options: &Options, table: &mut Table, far: &Helper) -> Result<()> {
    let times = [options.time(400), options.time(3_000)];
    let direct = arrivals(far.address, times.map(|time| time / 6))?.rate();
    table.head(
        "rate, one stream at the receiver: error, %",
        &["whole", "worst 1 s", "worst 100 ms"],
    );
    let rates: [(&str, f64); 6] = [
        ("10 KB/s", 1e4),
        ("100 KB/s", 1e5),
        ("1 MB/s", 1e6),
        ("10 MB/s", 1e7),
        ("100 MB/s", 1e8),
        ("1 GB/s", 1e9),
    ];
    for (name, rate) in rates {
        // Each has a relay of its own: what is still on its way to a client that has gone would take a
        // share of the next one's rate.
        let mut relay = Relay::start(far.address)?;
        relay.set("", &format!("rate={}kbit", rate * 8.0 / 1e3))?;
        let got = arrivals(relay.way().address, times)?;
        let packet = f64::max(SEGMENT, (rate * 100e-6).min(65_536.0));
        let worst = |millis| {
            let window = Duration::from_millis(millis);
            let beyond = (got.worst(window, rate) - packet).max(0.0);
            beyond / (rate * window.as_secs_f64()) * 100.0
        };
        let whole = (got.rate() / rate - 1.0) * 100.0;
        let cells = cells([
            ("whole", whole),
            ("worst 1 s", worst(1_000)),
            ("worst 100 ms", worst(100)),
        ]);
        let name = match direct < rate * 2.0 {
            true => format!("{name} (direct only {:.1} GB/s)", direct / 1e9),
            false => name.to_owned(),
        };
        table.add("rate", name, cells, None);
    }
    table.remark("(of windows: beyond one packet)");
    Ok(())
}

fn window(options: &Options, table: &mut Table, far: &Helper, relay: &mut Relay) -> Result<()> {
    relay.set("", "latency=50ms window=64MiB")?;
    let ways = [
        Way {
            name: "direct",
            address: far.address,
            carrier: None,
        },
        relay.way(),
    ];
    let time = options.time(2_000);
    let [rate] = compare(&ways, 3.min(options.rounds), |way| {
        let rates = streams(way.address, 1, [options.time(1_000), time], || Ok(()))?;
        Ok([rates.iter().sum::<f64>() / 1e9])
    })?;
    table.head("a long way", &["direct", OURS]);
    let name = "one stream, 50 ms, window 64 MiB, GB/s";
    table.add("window", name, rate, Some(Aim::AtLeast(0.35)));
    relay.set("", "")
}

fn crowd(options: &Options, table: &mut Table, far: &Helper, most: usize) -> Result<()> {
    let mut relay = Relay::start(far.address)?;
    let conditions = "latency=20ms jitter=5ms";
    relay.set(conditions, conditions)?;
    let way = relay.way();
    let carrier = way.carrier.ok_or("no process")?;
    let count = most - 20;
    let mut crowd = Crowd::gather(way.address, count)?;
    crowd.run(options.time(2_000))?;
    let before = processor::of_processes(&[carrier])?;
    let begin = Instant::now();
    let figures = crowd.run(options.time(4_000))?;
    let spent = processor::of_processes(&[carrier])?.saturating_sub(before);
    let cores = spent.as_secs_f64() / begin.elapsed().as_secs_f64();
    table.head("a crowd, 20 ± 5 ms each way, 64 B a second each", &[OURS]);
    let name = format!("{count} connections, cores");
    table.add("crowd", name, ours(cores), Some(Aim::AtMost(1.0)));
    table.add("crowd", "  messages back a second", ours(figures.rate), None);
    table.add("crowd", "  round trip p50, ms", ours(figures.trip), None);
    Ok(())
}
