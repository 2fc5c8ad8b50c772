//! Streams over links that lose and mark by themselves.

use std::time::Duration;

use wharf_link::stream::{Congestion, Fate, MSS, is_needed};
use wharf_link::trace::synth::Model;
use wharf_link::{CoDel, Conditions, Discipline, Ecn, Latency, Length, Loss, Probability, Rate, Seed};

use super::world::{World, of};
use crate::ms;

fn delivered(_: u64, _: Duration) -> Fate {
    Fate::Delivered
}

fn lossy(loss: &str) -> Conditions {
    let loss = match loss.split_once(" burst ") {
        None => Loss::Random(loss.parse().expect("a probability")),
        Some((rate, length)) => {
            let length: Length = length.parse().expect("a length");
            let rate: Probability = rate.parse().expect("a probability");
            Loss::Bursts(wharf_link::Bursts::new(rate, length).expect("both can be had"))
        }
    };
    Conditions {
        loss: Some(loss),
        ..Conditions::CLEAR
    }
}

#[test]
fn what_the_link_loses_costs_what_it_should() {
    for (loss, p) in [("0.1%", 0.001), ("1%", 0.01)] {
        let mut world = World::new(of(Congestion::Reno), ms(50), lossy(loss), delivered);
        let goodput = world.goodput(300);
        let mathis = (1.5f64 / p).sqrt() * f64::from(MSS) * 8.0 / 0.05;
        assert!((goodput / mathis - 1.0).abs() < 0.15, "{goodput} is not {mathis}");
        // As many are sent again as are lost, give or take what is under way.
        let (lost, again) = (world.machine.counters().lost, world.stream.counters().again);
        assert!(
            lost > 200 && again.abs_diff(lost) < 200,
            "{lost} lost, {again} sent again"
        );
    }
}

/// Losses that come together ask for one reduction, not for one each.
#[test]
fn bursts_cost_less_than_as_many_single_losses() {
    let goodput = |loss| World::new(of(Congestion::Reno), ms(50), lossy(loss), delivered).goodput(200);
    let (single, bursts) = (goodput("0.5%"), goodput("0.5% burst 4"));
    assert!(bursts > 1.5 * single, "{bursts} in bursts, {single} one by one");
}

/// Without a discipline, a sender that loses nothing fills the queue for ever. CoDel (RFC 8289) keeps it
/// short, by losses or by marks, and marks cost no repairs.
#[test]
fn codel_keeps_the_queue_short() {
    let under = |discipline| {
        let conditions = Conditions {
            rate: Some(Rate::kbit(10_000)),
            discipline,
            ..Conditions::CLEAR
        };
        let mut world = World::new(of(Congestion::Cubic), ms(50), conditions, delivered);
        let goodput = world.goodput(60) / 10e6;
        let counters = world.machine.counters();
        let queue = counters.in_queue.as_secs_f64() / counters.delivered as f64 * 1e3;
        (goodput, queue, world.stream.counters())
    };
    let (goodput, queue, _) = under(Discipline::DropTail);
    assert!(
        goodput > 0.99 && queue > 80.0,
        "{goodput} of the rate, {queue} ms"
    );
    for ecn in [Ecn::Drop, Ecn::Mark] {
        let (goodput, queue, counters) = under(Discipline::CoDel(CoDel {
            ecn,
            ..CoDel::DEFAULT
        }));
        assert!(
            goodput > 0.85 && queue < 15.0,
            "{ecn:?}: {goodput} of the rate, {queue} ms"
        );
        assert!(counters.reductions > 10, "{counters:?}");
        assert_eq!(counters.again == 0, ecn == Ecn::Mark, "{counters:?}");
    }
}

#[test]
fn a_stream_follows_a_trace() {
    let model: Model = "square 2mbit 10mbit 4s".parse().expect("a model");
    let trace = model.trace(Duration::from_secs(40), Seed(1)).expect("a trace");
    let conditions = Conditions {
        trace: Some(trace),
        ..Conditions::CLEAR
    };
    for kind in [Congestion::Cubic, Congestion::Bbr] {
        let share = World::new(of(kind), ms(40), conditions.clone(), delivered).goodput(40) / 6e6;
        // Of each opportunity's 1500 bytes, whatever was left over from the one before is used too.
        assert!((share - 1.0).abs() < 0.05, "{kind:?} gets {share} of it");
    }
}

/// Time stands still in a link that is cut, and not at its ends: their timeouts come.
#[test]
fn a_cut_is_outlived() {
    for kind in [Congestion::Reno, Congestion::Cubic, Congestion::Bbr] {
        let mut world = World::new(of(kind), ms(50), Conditions::CLEAR, delivered);
        world.supply = 5_000_000;
        // Half of the way after a window was sent.
        world.run(ms(300));
        world.machine.cut(ms(310));
        let healed = Duration::from_secs(20);
        world.run(healed);
        world.now = healed;
        world.machine.heal(healed);
        assert!(world.read < 5_000_000);
        world.run(healed + Duration::from_secs(100));
        assert_eq!(world.read, 5_000_000, "{kind:?}");
        assert!(world.stream.counters().timeouts > 0);
    }
}

#[test]
fn only_what_takes_time_or_loses_or_limits_needs_a_model() {
    let marks = Discipline::CoDel(CoDel::DEFAULT);
    let with_queue = Conditions {
        discipline: marks,
        rate: Some(Rate::kbit(1_000)),
        ..Conditions::CLEAR
    };
    assert!(is_needed(&lossy("1%")) && is_needed(&with_queue));
    let slow = Conditions {
        rate: Some(Rate::kbit(1_000)),
        ..Conditions::CLEAR
    };
    assert!(!is_needed(&Conditions::CLEAR) && !is_needed(&slow));
    let far = Conditions {
        latency: Latency::millis(1),
        ..Conditions::CLEAR
    };
    assert!(is_needed(&far));
}
