//! Without conditions: what the relay costs, beside direct connections and beside other relays.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use crate::Result;
use crate::carriers::{Helper, Peer, Relay, Way};
use crate::clients::{connections, idle, requests, round_trips, streams};
use crate::options::{Options, Part};
use crate::processor;
use crate::rounds::compare;
use crate::table::{Aim, Cell, Table};

pub(crate) fn run(options: &Options, table: &mut Table, far: &Helper, most: usize) -> Result<()> {
    if options.wants(Part::Bulk) || options.wants(Part::Small) {
        let relay = Relay::start(far.address)?;
        let peers = peers(options, far.address, most);
        let mut ways = vec![Way {
            name: "direct",
            address: far.address,
            carrier: None,
        }];
        ways.push(relay.way());
        ways.extend(peers.iter().map(Peer::way));
        table.head("without conditions", &names(&ways));
        if options.wants(Part::Bulk) {
            bulk(options, table, far, &ways)?;
        }
        if options.wants(Part::Small) {
            small(options, table, &ways)?;
        }
    }
    if options.wants(Part::Memory) {
        memory(options, table, far.address, most)?;
    }
    Ok(())
}

fn peers(options: &Options, provider: SocketAddr, most: usize) -> Vec<Peer> {
    match options.alone {
        true => Vec::new(),
        false => Peer::start_all(provider, most),
    }
}

fn names(ways: &[Way]) -> Vec<&'static str> {
    ways.iter().map(|way| way.name).collect()
}

fn bulk(options: &Options, table: &mut Table, far: &Helper, ways: &[Way]) -> Result<()> {
    for (count, name, aim) in [(1, "one stream", 0.65), (8, "eight streams", 0.62)] {
        let figures = compare(ways, options.rounds, |way| {
            let pids: Vec<u32> = [std::process::id(), far.pid()]
                .into_iter()
                .chain(way.carrier)
                .collect();
            let times = RefCell::new(Vec::new());
            let carrier: Vec<u32> = way.carrier.into_iter().collect();
            let meter = || {
                let all = processor::of_processes(&pids)?;
                let own = processor::of_processes(&carrier)?;
                times.borrow_mut().push([all, own, processor::of_machine()?]);
                Ok(())
            };
            let time = options.time(500);
            let rates = streams(way.address, count, [time / 4, time], meter)?;
            let sum: f64 = rates.iter().sum();
            let gib = sum * time.as_secs_f64() / f64::from(1 << 30);
            let times = times.into_inner();
            let spent = |which: usize| match times.as_slice() {
                [begin, end] => end[which].saturating_sub(begin[which]).as_secs_f64() / gib,
                _ => f64::NAN,
            };
            let fastest = rates.iter().copied().fold(0.0, f64::max);
            let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
            Ok([sum / 1e9, slowest / fastest, spent(0), spent(1), spent(2)])
        })?;
        let [rate, fair, all, own, machine] = figures;
        table.add("bulk", format!("{name}, GB/s"), rate, Some(Aim::AtLeast(aim)));
        if count > 1 {
            table.add(
                "bulk",
                "  slowest of eight / fastest",
                alone(fair),
                Some(Aim::AtLeast(0.7)),
            );
        }
        let aim = Aim::AtMost(1.75);
        table.add("bulk", "  CPU s/GiB, both ends and relay", all, Some(aim));
        table.add("bulk", "  CPU s/GiB, relay", alone(own), None);
        table.add("bulk", "  CPU s/GiB, whole machine", machine, None);
    }
    Ok(())
}

/// What has no sense as a ratio.
fn alone(mut cells: Vec<Cell>) -> Vec<Cell> {
    for cell in &mut cells {
        cell.ratio = None;
    }
    cells
}

fn small(options: &Options, table: &mut Table, ways: &[Way]) -> Result<()> {
    let trips = options.count(3_000);
    let [p50, p99] = compare(ways, options.rounds, |way| round_trips(way.address, trips))?;
    table.add("small", "64 B round trip p50, µs", p50, Some(Aim::AtMost(2.15)));
    table.add("small", "64 B round trip p99, µs", p99, None);
    let time = options.time(500);
    let [rate] = compare(ways, options.rounds, |way| Ok([connections(way.address, time)?]))?;
    table.add("small", "connections/s", rate, Some(Aim::AtLeast(0.38)));
    let times = [time / 4, time];
    let [rate] = compare(ways, options.rounds, |way| Ok([requests(way.address, times)?]))?;
    table.add(
        "small",
        "HTTP requests/s, 32 connections",
        rate,
        Some(Aim::AtLeast(0.52)),
    );
    Ok(())
}

/// Fresh processes: what earlier rounds have left to the allocator would hide the growth.
fn memory(options: &Options, table: &mut Table, provider: SocketAddr, most: usize) -> Result<()> {
    let relay = Relay::start(provider)?;
    let peers = peers(options, provider, most);
    let ways: Vec<Way> = [relay.way()]
        .into_iter()
        .chain(peers.iter().map(Peer::way))
        .collect();
    table.head("", &names(&ways));
    let count = most - 20;
    let [each] = compare(&ways, 1, |way| {
        let carrier = way.carrier.ok_or("no process")?;
        let _warm = idle(way.address, 1)?;
        let before = processor::resident(carrier)?;
        let held = idle(way.address, count)?;
        let grown = processor::resident(carrier)? - before;
        let each = grown / held.len() as f64;
        drop(held);
        std::thread::sleep(Duration::from_millis(300));
        Ok([each])
    })?;
    let name = format!("KiB per connection, {count} idle");
    table.add("memory", name, alone(each), Some(Aim::AtMost(3.3)));
    Ok(())
}
