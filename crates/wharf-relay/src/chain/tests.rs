//! Chains in virtual time.

use std::time::Duration;

use proptest::prelude::*;
use wharf_link::{Conditions, Latency, Probability, Rate, Scope, Seed, Size};

use super::plan::PostId;
use super::{Chain, Chance, Event, Planned};
use crate::flow::{Content, Mark};
use crate::stage::{Effect, OnRemoval, StageId};

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn stage(id: u64, effect: Effect) -> Planned {
    Planned {
        id: PostId::Set(StageId(id)),
        toxicity: Probability::ALWAYS,
        effect,
    }
}

fn latency(millis: u32) -> Effect {
    Effect::Conditions(Conditions {
        latency: Latency::millis(millis),
        ..Conditions::CLEAR
    })
}

fn rate(rate: &str) -> Effect {
    Effect::Conditions(Conditions {
        rate: Some(rate.parse::<Rate>().unwrap()),
        ..Conditions::CLEAR
    })
}

fn timeout(after: Option<u64>, on_removal: OnRemoval) -> Effect {
    let after = after.map(at);
    Effect::Timeout { after, on_removal }
}

fn limit(bytes: u64) -> Effect {
    Effect::Limit(Size::from_bytes(bytes))
}

const CHANCE: fn() -> Chance = || Chance::new(Seed(1), 7);

/// What is done to a chain in a test.
enum Do {
    Bytes(u64, u32),
    Mark(u64, Mark),
    Set(u64, Vec<Planned>),
    Wait(u64),
}

/// Does it, and tells all that came of it: `10ms 5` is five bytes at 10 ms.
fn check(stages: &[Planned], script: Vec<Do>) -> String {
    let mut chain = Chain::empty();
    let mut events = Vec::new();
    chain.set(Duration::ZERO, stages, &CHANCE(), &mut events);
    for action in script {
        match action {
            Do::Bytes(time, count) => {
                chain.run(at(time), &mut events);
                chain.offer(at(time), Content::Bytes(count), &mut events);
            }
            Do::Mark(time, mark) => {
                chain.run(at(time), &mut events);
                chain.offer(at(time), Content::Mark(mark), &mut events);
            }
            Do::Set(time, stages) => chain.set(at(time), &stages, &CHANCE(), &mut events),
            Do::Wait(time) => chain.run(at(time), &mut events),
        }
    }
    let told = events.iter().map(|event| match event {
        Event::Out(time, Content::Mark(mark)) => format!("{time:?} {mark:?}"),
        Event::Out(time, content) => format!("{time:?} {}", content.bytes()),
        Event::Swallowed { count, behind } => format!("-{count} before {behind}"),
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn each_effect_does_its_own() {
    let slice = |average, delay| Effect::Slice {
        average: Size::from_bytes(average),
        vary: Size::from_bytes(0),
        delay: at(delay),
    };
    let hello = || vec![Do::Bytes(1, 5), Do::Mark(2, Mark::Fin), Do::Wait(100)];
    let cases = [
        (Effect::Noop, "1ms 5, 2ms Fin"),
        (latency(10), "11ms 5, 12ms Fin"),
        (rate("8kbit"), "6ms 5, 6ms Fin"),
        (slice(2, 3), "1ms 2, 4ms 2, 7ms 1, 10ms Fin"),
        (slice(2, 0), "1ms 2, 1ms 2, 1ms 1, 2ms Fin"),
        (slice(0, 0), "1ms 1, 1ms 1, 1ms 1, 1ms 1, 1ms 1, 2ms Fin"),
        (limit(9), "1ms 5, 2ms Fin"),
        (limit(5), "1ms 5, 1ms Close"),
        (limit(3), "1ms 3, -2 before 0, 1ms Close"),
        (limit(0), "-5 before 0, 1ms Close"),
        (Effect::SlowClose(at(20)), "1ms 5, 22ms Fin"),
        (timeout(None, OnRemoval::Resume), ""),
        (timeout(Some(30), OnRemoval::Resume), "-5 before 0, 30ms Close"),
        (timeout(Some(30), OnRemoval::Close), "-5 before 0, 2ms Close"),
        (timeout(None, OnRemoval::Close), "-5 before 0, 2ms Close"),
        (Effect::Reset(at(40)), "-5 before 0, 41ms Reset"),
        (Effect::Reset(at(0)), "-5 before 0, 1ms Reset"),
    ];
    for (effect, wanted) in cases {
        let told = check(&[stage(1, effect.clone())], hello());
        assert_eq!(told, wanted, "{effect:?}");
    }
}

#[test]
fn stages_stand_one_behind_the_other() {
    let told = check(
        &[stage(1, latency(10)), stage(2, limit(8)), stage(3, latency(5))],
        vec![Do::Bytes(0, 6), Do::Bytes(1, 6), Do::Bytes(2, 6), Do::Wait(100)],
    );
    assert_eq!(told, "-10 before 0, 15ms 6, 16ms 2, 16ms Close");
}

#[test]
fn a_timeout_keeps_what_it_holds_or_swallows_it() {
    let script = || {
        vec![
            Do::Bytes(1, 5),
            Do::Bytes(2, 6),
            Do::Set(10, vec![stage(2, latency(3))]),
            Do::Bytes(11, 7),
            Do::Wait(50),
        ]
    };
    let with = |on_removal| vec![stage(1, timeout(None, on_removal)), stage(2, latency(3))];
    let told = check(&with(OnRemoval::Resume), script());
    assert_eq!(told, "13ms 5, 13ms 6, 14ms 7");
    let told = check(&with(OnRemoval::Close), script());
    assert_eq!(told, "-5 before 0, -6 before 0, -7 before 0, 13ms Close");
}

#[test]
fn what_stays_keeps_its_state() {
    let told = check(
        &[
            stage(1, limit(10)),
            stage(2, timeout(Some(50), OnRemoval::Resume)),
        ],
        vec![
            Do::Bytes(1, 6),
            // Its clock runs on from the beginning.
            Do::Set(
                10,
                vec![
                    stage(1, limit(12)),
                    stage(2, timeout(Some(20), OnRemoval::Resume)),
                ],
            ),
            Do::Wait(30),
        ],
    );
    assert_eq!(told, "-6 before 0, 20ms Close");
    let told = check(
        &[stage(1, limit(10))],
        vec![
            Do::Bytes(1, 6),
            Do::Set(10, vec![stage(9, latency(1)), stage(1, limit(7))]),
            Do::Bytes(11, 6),
            Do::Wait(30),
        ],
    );
    assert_eq!(told, "1ms 6, 12ms 1, -5 before 0, 12ms Close");
    let told = check(
        &[stage(1, limit(10))],
        vec![Do::Bytes(1, 6), Do::Set(10, vec![stage(1, limit(4))])],
    );
    assert_eq!(told, "1ms 6, 10ms Close");
}

#[test]
fn a_stage_that_goes_hands_on_at_once_and_one_that_comes_delays_what_comes() {
    let told = check(
        &[stage(1, latency(20)), stage(2, latency(30))],
        vec![
            Do::Bytes(0, 1),
            Do::Bytes(25, 2),
            Do::Set(26, vec![stage(2, latency(30)), stage(3, latency(100))]),
            Do::Wait(200),
        ],
    );
    assert_eq!(told, "150ms 1, 156ms 2");
    // Both places changed: nothing overtakes.
    let told = check(
        &[stage(1, latency(20)), stage(2, latency(30))],
        vec![
            Do::Bytes(0, 1),
            Do::Bytes(25, 2),
            Do::Set(26, vec![stage(2, latency(30)), stage(1, latency(20))]),
            Do::Bytes(27, 3),
            Do::Wait(200),
        ],
    );
    assert_eq!(told, "70ms 1, 76ms 2, 77ms 3");
}

#[test]
fn toxicity_is_a_share_of_connections_and_zero_is_none() {
    let with = |parts| Planned {
        toxicity: Probability::from_parts_per_billion(parts).unwrap(),
        ..stage(3, Effect::Reset(Duration::ZERO))
    };
    let hits = |parts| -> Vec<u64> {
        let hit = |&number: &u64| Chance::new(Seed(5), number).hits(&with(parts));
        (0..10_000).filter(hit).collect()
    };
    assert_eq!(hits(0).len(), 0);
    assert_eq!(hits(1_000_000_000).len(), 10_000);
    let quarter = hits(250_000_000);
    // Four standard deviations of the binomial distribution.
    assert!((2_327..=2_673).contains(&quarter.len()), "{}", quarter.len());
    let half = hits(500_000_000);
    assert!(quarter.iter().all(|number| half.contains(number)));
    assert_eq!(quarter, hits(250_000_000));
    let mut chain = Chain::empty();
    chain.set(Duration::ZERO, &[with(0)], &CHANCE(), &mut Vec::new());
    assert!(chain.is_empty());
}

/// A sender that always has more gets its rate, in every window of 100 ms or more, to a hundredth and
/// a segment; and nothing more at the start.
#[test]
fn a_rate_is_kept_in_every_window() {
    let mut chain = Chain::empty();
    let mut events = Vec::new();
    chain.set(
        Duration::ZERO,
        &[stage(1, rate("10mbit"))],
        &CHANCE(),
        &mut events,
    );
    let parcel = chain.figures().parcel();
    for _ in 0..2_000 {
        chain.offer(Duration::ZERO, Content::of_bytes(parcel), &mut events);
    }
    for milli in (0..2_400).step_by(7) {
        // Woken late, and in uneven steps.
        chain.run(at(milli), &mut events);
    }
    let out: Vec<_> = events.iter().map(|event| (time(event), bytes(event))).collect();
    assert_eq!(out.iter().map(|&(_, count)| count).sum::<usize>(), 2_000 * parcel);
    for window in [at(100), at(250), at(1_000)] {
        let allowed = window.as_secs_f64() * 1_250_000.0;
        let slack = allowed * 0.01 + parcel as f64;
        for begin in (0..1_300).step_by(10).map(at) {
            let within = out
                .iter()
                .filter(|&&(time, _)| time > begin && time <= begin + window);
            let passed = within.map(|&(_, count)| count).sum::<usize>() as f64;
            assert!(
                (passed - allowed).abs() <= slack,
                "{passed} of {allowed} after {begin:?}"
            );
        }
    }
}

#[test]
fn a_rate_is_the_machines_or_each_connections_own() {
    let conditions = |scope| Conditions {
        rate: Some("8mbit".parse().unwrap()),
        latency: Latency::millis(3),
        scope,
        ..Conditions::CLEAR
    };
    let link = conditions(Scope::Link);
    assert_eq!(super::shared(&link), link);
    assert_eq!(super::plan(&[], &link), []);
    let own = conditions(Scope::Connection);
    assert_eq!(
        (super::shared(&own).rate, super::shared(&own).latency),
        (None, own.latency)
    );
    let planned = super::plan(&[], &own);
    let [
        Planned {
            effect: Effect::Conditions(stage),
            ..
        },
    ] = &planned[..]
    else {
        panic!("{planned:?}");
    };
    assert_eq!((stage.rate, stage.latency), (own.rate, Latency::ZERO));
    assert_eq!(stage.queue, own.queue_limit());
}

fn effects() -> impl Strategy<Value = Effect> {
    prop_oneof![
        (0..30u32).prop_map(latency),
        (1..50u32).prop_map(|kilobits| rate(&format!("{kilobits}kbit"))),
        (0..9u64, 0..9u64, 0..3u64).prop_map(|(average, vary, delay)| Effect::Slice {
            average: Size::from_bytes(average),
            vary: Size::from_bytes(vary),
            delay: at(delay),
        }),
        (0..20u64).prop_map(|delay| Effect::SlowClose(at(delay))),
        Just(timeout(None, OnRemoval::Resume)),
        Just(Effect::Noop),
    ]
}

proptest! {
    /// Whatever the stages, and however they change: what goes in comes out, in its order, never
    /// early, and the end behind it.
    #[test]
    fn nothing_is_lost_or_early(
        steps in prop::collection::vec(
            (0..20u64, 1..2_000u32, prop::option::of(prop::collection::vec((0..5u64, effects()), 0..4))),
            1..40,
        )
    ) {
        let mut chain = Chain::empty();
        let mut events = Vec::new();
        let mut now = Duration::ZERO;
        let mut total = 0;
        for (pause, count, change) in steps {
            now += at(pause);
            chain.run(now, &mut events);
            if let Some(stages) = change {
                let stages: Vec<_> = stages.into_iter().map(|(id, effect)| stage(id, effect)).collect();
                chain.set(now, &stages, &CHANCE(), &mut events);
            }
            chain.offer(now, Content::Bytes(count), &mut events);
            total += u64::from(count);
            let inside: usize = chain.posts.iter().map(super::Post::bytes).sum();
            let out: usize = events.iter().map(bytes).sum();
            prop_assert_eq!((inside + out) as u64, total);
        }
        chain.offer(now, Content::Mark(Mark::Fin), &mut events);
        let before = events.len();
        chain.run(now + at(5), &mut events);
        chain.set(now + at(5), &[], &CHANCE(), &mut events);
        prop_assert!(chain.is_empty());
        prop_assert_eq!(chain.next(), None);
        let out: usize = events.iter().map(bytes).sum();
        prop_assert_eq!(out as u64, total);
        prop_assert_eq!(
            events.iter().position(|event| matches!(event, Event::Out(_, Content::Mark(Mark::Fin)))),
            Some(events.len() - 1)
        );
        prop_assert!(before <= events.len());
        let times: Vec<_> = events.iter().map(time).collect();
        prop_assert!(times.is_sorted());
    }
}

fn bytes(event: &Event) -> usize {
    match event {
        Event::Out(_, content) => content.bytes(),
        Event::Swallowed { .. } => 0,
    }
}

fn time(event: &Event) -> Duration {
    match event {
        Event::Out(time, _) => *time,
        Event::Swallowed { .. } => Duration::ZERO,
    }
}

#[test]
fn the_share_that_meets_loss_is_drawn_by_number() {
    let share = Probability::from_parts_per_billion(250_000_000).unwrap();
    let meets = |number| Chance::new(Seed(5), number).meets_loss(share);
    let first: Vec<bool> = (0..4000).map(meets).collect();
    assert_eq!(first, (0..4000).map(meets).collect::<Vec<_>>());
    let count = first.iter().filter(|meets| **meets).count();
    // A quarter of 4000, within five standard deviations of 27.
    assert!((863..=1137).contains(&count), "{count}");
    assert!(!Chance::new(Seed(5), 1).meets_loss(Probability::NEVER));
    assert!(Chance::new(Seed(5), 1).meets_loss(Probability::ALWAYS));
}
