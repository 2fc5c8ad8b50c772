//! A trace in place of the rate: packet by packet as Mahimahi's mm-link, here in its own words.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;
use wharf_link::trace::Repeat;
use wharf_link::{Conditions, Machine, Overflow, QueueLimit, Seed, Trace};

use crate::{drain, ms, put};

fn with(trace: Trace) -> Conditions {
    Conditions {
        trace: Some(trace),
        queue: Some(QueueLimit::Packets(u32::MAX)),
        ..Conditions::CLEAR
    }
}

fn trace(lines: &str, repeat: Repeat) -> Trace {
    Trace::parse("trace", lines.as_bytes(), repeat).expect("a trace")
}

/// What `LinkQueue` does (Mahimahi, src/frontend/link_queue.cc), millisecond by millisecond: what comes at a
/// millisecond comes behind its opportunities.
fn mahimahi(lines: &[u64], packets: &[(u64, usize)], until: u64) -> Vec<(Duration, u64)> {
    let period = *lines.last().expect("a trace has lines");
    let mut opportunities = (0..)
        .flat_map(|turn| lines.iter().map(move |line| turn * period + line))
        .peekable();
    let mut queue: VecDeque<(u64, usize)> = VecDeque::new();
    let mut departures = Vec::new();
    let mut coming = (0u64..).zip(packets).peekable();
    for now in 0..until {
        while opportunities.next_if(|time| *time <= now).is_some() {
            let mut left = 1_500;
            while let Some((id, rest)) = queue.front_mut().filter(|_| left > 0) {
                let sent = left.min(*rest);
                left -= sent;
                *rest -= sent;
                if *rest == 0 {
                    departures.push((ms(now), *id));
                    queue.pop_front();
                }
            }
        }
        while let Some((id, (_, len))) = coming.next_if(|(_, (time, _))| *time <= now) {
            queue.push_back((id, *len));
        }
    }
    departures
}

proptest! {
    #[test]
    fn packets_leave_as_from_mm_link(
        gaps in proptest::collection::vec(0u64..6, 1..20),
        packets in proptest::collection::vec((0u64..8, 1usize..4_000), 1..60),
    ) {
        let mut lines: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
        if lines.last() == Some(&0) {
            lines.push(1);
        }
        let packets: Vec<(u64, usize)> = packets
            .into_iter()
            .scan(0, |at, (gap, len)| { *at += gap; Some((*at, len)) })
            .collect();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let mut machine = Machine::new(with(trace(&text, Repeat::Loop)), Seed(0), Overflow::Drop);
        for (id, (time, len)) in (0..).zip(&packets) {
            put(&mut machine, ms(*time), id, *len);
        }
        let arrived = drain(&mut machine);
        let until = arrived.last().map_or(0, |(time, _)| time.as_millis() as u64 + 1);
        prop_assert_eq!(arrived, mahimahi(&lines, &packets, until));
    }
}

#[test]
fn the_cumulative_bytes_are_the_traces_at_every_millisecond() {
    let trace = trace("1\n1\n5\n6\n17\n30\n", Repeat::Loop);
    let mut machine = Machine::new(with(trace.clone()), Seed(0), Overflow::Drop);
    for id in 0..10_000 {
        put(&mut machine, ms(0), id, 700);
    }
    let mut bytes = 0;
    for now in 0..30_000 {
        while machine.poll(ms(now)).is_some() {
            bytes += 700;
        }
        let allowed = trace.bytes_between(ms(0), ms(now));
        if bytes < 7_000_000 {
            assert!(
                bytes <= allowed && allowed < bytes + 1_500,
                "{bytes} and not {allowed} at {now} ms"
            );
        }
    }
    assert_eq!(bytes, 7_000_000);
}

#[test]
fn an_idle_year_costs_nothing_and_changes_nothing() {
    let mut machine = Machine::new(with(trace("3\n10\n", Repeat::Loop)), Seed(0), Overflow::Drop);
    let year = Duration::from_secs(365 * 24 * 3_600);
    put(&mut machine, year, 0, 1_500);
    put(&mut machine, year + ms(5), 1, 3_000);
    let expected = [(year + ms(3), 0), (year + ms(13), 1)];
    assert_eq!(drain(&mut machine), expected);
}

#[test]
fn after_a_trace_that_is_not_repeated_nothing_passes() {
    let once = with(trace("3\n10\n", Repeat::Once));
    let mut machine = Machine::new(once, Seed(0), Overflow::PushBack);
    for id in 0..3 {
        put(&mut machine, ms(0), id, 1_500);
    }
    assert_eq!(machine.poll(ms(3)).map(|delivery| delivery.packet.id), Some(0));
    assert_eq!(
        machine.poll(ms(100_000)).map(|delivery| delivery.packet.id),
        Some(1)
    );
    assert_eq!((machine.poll(ms(200_000)), machine.next_wakeup()), (None, None));
    // Until there is another pace.
    machine.set_conditions(ms(200_000), with(trace("5\n", Repeat::Loop)));
    assert_eq!(drain(&mut machine), [(ms(200_005), 2)]);
}
