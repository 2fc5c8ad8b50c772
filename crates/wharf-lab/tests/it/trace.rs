//! A recorded rate on the wire: when packets arrive that have all of it to themselves.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::UdpSocket;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wharf_link::Trace;
use wharf_link::trace::{OPPORTUNITY, Repeat};

use crate::lab::{alone, datagrams, each_way, quantile, spec, start};

/// How many packets there are, and from which on they are looked at: by then all of them wait, so that none of the
/// trace's instants finds nothing to send.
const COUNT: u64 = 2_500;
const FROM: u64 = 1_000;

/// The monotonic clock, in ns.
fn clock() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap_or(0)
}

/// A trace of 1.3 s: stretches of 50 ms with one packet a millisecond, two, or one in two or three, in no regular
/// order, and pauses.
fn swinging() -> String {
    let mut text = String::new();
    for millis in 1..=1_300_u32 {
        let count = match millis / 50 * 7 % 26 {
            0..4 => 0,
            4..10 => u32::from(millis % 3 == 0),
            10..16 => u32::from(millis % 2 == 0),
            16..21 => 1,
            _ => 2,
        };
        for _ in 0..count {
            let _ = writeln!(text, "{millis}");
        }
    }
    // The last is the period.
    text.push_str("1301\n");
    text
}

/// Which packets arrive, and when, until the last or until none does for two seconds.
fn arrivals(socket: &UdpSocket) -> Vec<(u64, u64)> {
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("set");
    let mut arrivals = Vec::new();
    let mut buffer = [0; 2048];
    while let Ok(length) = socket.recv(&mut buffer) {
        let now = clock();
        let number = buffer[..length].first_chunk().expect("a number");
        arrivals.push((u64::from_be_bytes(*number), now));
        if arrivals.last().is_some_and(|last| last.0 == COUNT - 1) {
            break;
        }
    }
    arrivals
}

/// When the trace must have begun if packet 0 had left at its instant of this number and none came early, and how late
/// each came then.
fn judge(trace: &Trace, arrivals: &[(u64, u64)], first: u64) -> (u64, Vec<u64>) {
    let begins: Vec<u64> = arrivals
        .iter()
        .map(|(number, at)| {
            let ideal = trace.at(first + number).expect("it loops").as_nanos();
            at.saturating_sub(u64::try_from(ideal).unwrap_or(u64::MAX))
        })
        .collect();
    let begun = *begins.iter().min().expect("some arrived");
    (begun, begins.iter().map(|each| each - begun).collect())
}

/// Mahimahi's rule (Netravali et al., ATC 2015): at each instant of a trace 1500 bytes leave, if so many wait. Under a
/// sender that always has some waiting each instant is used, and none twice: there is one number of the first
/// instant by which all packets, of a whole period and more, are on time. One that had come early would make
/// all others late; one instant that was not used, all after it, by what the trace pauses there.
#[test]
fn each_instant_of_a_trace_is_used_at_its_time() {
    let _alone = alone();
    let text = swinging();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &text).expect("written");
    let trace = Trace::parse("swinging", text.as_bytes(), Repeat::Loop).expect("a trace");

    let (socket, port) = datagrams();
    let reader = std::thread::spawn(move || arrivals(&socket));
    let payload = OPPORTUNITY.bytes() - 28;
    let command = ["datagrams", &port, &COUNT.to_string(), &payload.to_string(), "0"];
    let up = format!("trace={} queue=3000packets", file.path().display());
    let before = clock();
    let running = start(&spec(each_way(&up, ""), &command));
    let mut arrivals = reader.join().expect("the reader");
    let figures = running.finish().figures;
    assert_eq!(figures.up.segments[0].delivered, COUNT, "{figures:?}");
    let earliest = arrivals.first().expect("some arrived").1;
    arrivals.retain(|(number, _)| *number >= FROM);
    // A receiver that is not woken may lose some.
    assert!(arrivals.len() as u64 > (COUNT - FROM) / 2, "{figures:?}");

    // As many instants as there are packets may have passed unused before the first.
    let judged = (0..COUNT).map(|first| judge(&trace, &arrivals, first));
    let (begun, late) = judged.min_by_key(|(_, late)| quantile(late, 0.5)).expect("some");
    let (median, p99, max) = (quantile(&late, 0.5), quantile(&late, 0.99), quantile(&late, 1.0));
    // Not println: the test harness would capture it.
    let _ = writeln!(
        std::io::stderr(),
        "a trace on the wire: {} packets, late by {} µs (p50), {} µs (p99), {} µs at worst",
        late.len(),
        median / 1_000,
        p99 / 1_000,
        max / 1_000
    );
    assert!(median < 2_000_000, "{late:?}");
    // And it has begun when the lab did, before anything had passed.
    assert!((before..earliest).contains(&begun), "{before} {begun} {earliest}");
}
