//! The arithmetic across loops, against a list of all opportunities.

use std::time::Duration;

use proptest::prelude::*;
use wharf_link::trace::{OPPORTUNITY, Opportunity, Repeat, Trace};

use crate::ms;

fn trace(millis: &[u32], repeat: Repeat) -> Trace {
    let text: String = millis.iter().map(|millis| format!("{millis}\n")).collect();
    Trace::parse("test", text.as_bytes(), repeat).expect("a trace")
}

/// All opportunities of so many loops, one by one, as `mm-link` would have them.
fn listed(millis: &[u32], repeat: Repeat) -> Vec<Duration> {
    let period = u64::from(*millis.last().expect("a period"));
    let loops = if repeat == Repeat::Loop { 8 } else { 1 };
    let times = (0..loops).flat_map(|turn| millis.iter().map(move |&at| ms(turn * period + u64::from(at))));
    times.collect()
}

fn millis() -> impl Strategy<Value = Vec<u32>> {
    (proptest::collection::vec(0u32..30, 0..40), 1u32..40).prop_map(|(mut millis, last)| {
        millis.push(last);
        millis.sort_unstable();
        millis
    })
}

fn repeat() -> impl Strategy<Value = Repeat> {
    prop_oneof![Just(Repeat::Loop), Just(Repeat::Once)]
}

proptest! {
    #[test]
    fn every_answer_is_that_of_the_list(millis in millis(), repeat in repeat(), asked in 0u64..100_000) {
        let trace = trace(&millis, repeat);
        let listed = listed(&millis, repeat);
        let period = u64::from(*millis.last().expect("a period"));
        prop_assert_eq!(trace.period(), ms(period));
        // Whole milliseconds and others, well within the list.
        let time = Duration::from_micros(asked % (period * 4_000) / 250 * 250);

        for (index, &at) in listed.iter().enumerate() {
            prop_assert_eq!(trace.at(index as u64), Some(at));
        }
        if repeat == Repeat::Once {
            prop_assert_eq!(trace.at(listed.len() as u64), None);
        }

        let by = listed.iter().filter(|&&at| at <= time).count();
        prop_assert_eq!(trace.count_by(time), by as u64);
        let half = time / 2;
        let between = listed.iter().filter(|&&at| half < at && at <= time).count();
        prop_assert_eq!(trace.bytes_between(half, time), between as u64 * OPPORTUNITY.bytes());

        let first = listed.iter().position(|&at| at >= time);
        let first = first.map(|index| Opportunity { index: index as u64, time: listed[index] });
        prop_assert_eq!(trace.first_from(time), first);
        if let Some(first) = first {
            let third = first.index as usize + 3;
            prop_assert_eq!(trace.after(first, 3).map(|third| third.time), listed.get(third).copied());
        }
    }

    #[test]
    fn a_long_silence_costs_nothing_and_overflows_nowhere(millis in millis(), repeat in repeat(), time in any::<u64>()) {
        let trace = trace(&millis, repeat);
        for time in [Duration::MAX, Duration::from_secs(time), Duration::from_nanos(time)] {
            let by = trace.count_by(time);
            if let Some(first) = trace.first_from(time) {
                prop_assert!(first.time >= time && first.index <= by);
                prop_assert!(first.index == 0 || trace.at(first.index - 1).is_some_and(|at| at < time));
            }
        }
        prop_assert!(trace.at(u64::MAX).is_none_or(|at| at >= trace.period()));
    }

    #[test]
    fn what_is_written_is_read_back(millis in millis(), repeat in repeat()) {
        let trace = trace(&millis, repeat);
        let read = Trace::parse("test", trace.to_string().as_bytes(), repeat).expect("a trace");
        prop_assert_eq!(&read, &trace);
        let again = Trace::from_counts("test", trace.counts(), repeat).expect("a trace");
        prop_assert_eq!(again, trace);
    }
}

#[test]
fn the_end_of_a_loop_is_the_beginning_of_the_next() {
    let trace = trace(&[0, 0, 5, 10], Repeat::Loop);
    assert_eq!(trace.count_by(ms(0)), 2);
    assert_eq!(trace.count_by(ms(9)), 3);
    assert_eq!(trace.count_by(ms(10)), 6);
    let opportunity = |index, time| Some(Opportunity { index, time });
    assert_eq!(trace.first_from(ms(10)), opportunity(3, ms(10)));
    assert_eq!(trace.at(5), Some(ms(10)));
    assert_eq!(
        trace.first_from(ms(10) + Duration::from_nanos(1)),
        opportunity(6, ms(15))
    );
}

#[test]
fn rates_are_those_of_their_windows() {
    // 12 Mbit/s for 20 ms, nothing for 30 ms, 24 Mbit/s for 50 ms.
    let counts = (1..=20).map(|at| (at, 1)).chain((51..=100).map(|at| (at, 2)));
    let trace = Trace::from_counts("steps", counts, Repeat::Loop).expect("a trace");
    let rates: Vec<f64> = trace.rates(ms(10)).take(12).map(|rate| rate / 1e6).collect();
    let expected = [12., 12., 0., 0., 0., 24., 24., 24., 24., 24., 12., 12.];
    assert_eq!(rates, expected);
    assert_eq!(trace.mean_rate().to_string(), "14.4mbit");
    assert_eq!(trace.opportunities(), 120);
}

#[test]
fn a_gigabit_takes_no_more_memory_than_a_megabit() {
    // A minute at 1.5 Gbit/s: 7.5 million opportunities, at 60,000 instants.
    let trace = Trace::from_counts("fast", (1..=60_000).map(|at| (at, 125)), Repeat::Loop).expect("a trace");
    assert_eq!(trace.opportunities(), 7_500_000);
    assert_eq!(trace.counts().count(), 60_000);
    assert_eq!(trace.mean_rate().to_string(), "1.5gbit");
}
