//! Goodput over a lossy link, against closed forms. Round trips are fixed, and nothing is lost but what
//! the test loses.

use std::time::Duration;

use wharf_link::stream::{Congestion, Fate, MSS, Settings, TailProbe};
use wharf_link::{Conditions, Rate, Size};

use super::world::{World, of, unit};
use crate::ms;

/// Each on its own.
fn random(p: f64) -> impl FnMut(u64, Duration) -> Fate {
    move |number, _| match unit(1, number) < p {
        true => Fate::Lost,
        false => Fate::Delivered,
    }
}

/// Each that comes after 1/p others.
fn regular(p: f64) -> impl FnMut(u64, Duration) -> Fate {
    let every = (1.0 / p) as u64;
    move |number, _| match (number + 1).is_multiple_of(every) {
        true => Fate::Lost,
        false => Fate::Delivered,
    }
}

/// With a lost one, all that come after it in its round, as Padhye et al. assume. Where there is no
/// rate, a round comes at one instant.
fn rest_of_round(p: f64) -> impl FnMut(u64, Duration) -> Fate {
    let mut round = None;
    move |number, at| {
        if round != Some(at) && unit(1, number) < p {
            round = Some(at);
        }
        match round == Some(at) {
            true => Fate::Lost,
            false => Fate::Delivered,
        }
    }
}

/// Measured as a share of what was expected, to within so much.
#[track_caller]
fn near(what: &str, measured: f64, expected: f64, tolerance: f64) {
    let share = measured / expected;
    assert!(
        (share - 1.0).abs() <= tolerance,
        "{what}: {:.3} Mbit/s is {share:.3} of {:.3}",
        measured / 1e6,
        expected / 1e6,
    );
}

fn segments_a_second(window: f64, round_trip: Duration) -> f64 {
    window * f64::from(MSS) * 8.0 / round_trip.as_secs_f64()
}

/// Mathis, Semke, Mahdavi and Ott, "The macroscopic behavior of the TCP congestion avoidance algorithm",
/// CCR 27(3), 1997: the window is √(3 ÷ 2p) in the mean, where each segment is acknowledged.
#[test]
fn reno_is_as_mathis_has_it() {
    let round_trip = ms(50);
    for (p, secs) in [
        (0.0001, 300),
        (0.0005, 300),
        (0.002, 300),
        (0.005, 400),
        (0.01, 500),
        (0.02, 500),
    ] {
        let goodput =
            World::new(of(Congestion::Reno), round_trip, Conditions::CLEAR, random(p)).goodput(secs);
        let expected = segments_a_second((1.5 / p).sqrt(), round_trip);
        near(&format!("loss {p}"), goodput, expected, 0.15);
    }
}

/// Where losses come regularly, which is what the formula was made for.
#[test]
fn reno_is_as_mathis_has_it_to_the_letter() {
    let round_trip = ms(100);
    for p in [0.0002, 0.0005, 0.001] {
        let goodput =
            World::new(of(Congestion::Reno), round_trip, Conditions::CLEAR, regular(p)).goodput(300);
        let expected = segments_a_second((1.5 / p).sqrt(), round_trip);
        near(&format!("loss {p}"), goodput, expected, 0.05);
    }
}

/// Padhye, Firoiu, Towsley and Kurose, "Modeling TCP throughput", SIGCOMM 1998, equation 30: with
/// timeouts. Their losses take the rest of the round along, and their TCP probes no tail.
#[test]
fn reno_is_as_padhye_has_it() {
    let (round_trip, timeout) = (0.05, 0.25);
    for p in [0.01, 0.02, 0.05, 0.1] {
        let settings = Settings {
            tail_probe: TailProbe::Off,
            ..of(Congestion::Reno)
        };
        let goodput = World::new(settings, ms(50), Conditions::CLEAR, rest_of_round(p)).goodput(800);
        let timeouts = timeout * (3.0 * (3.0 * p / 8.0f64).sqrt()).min(1.0) * p * (1.0 + 32.0 * p * p);
        let interval = round_trip * (2.0 * p / 3.0f64).sqrt() + timeouts;
        let expected = segments_a_second(1.0, Duration::from_secs_f64(interval));
        near(&format!("loss {p}"), goodput, expected, 0.25);
    }
}

/// RFC 9438, 5.1, equation 8 (regular losses), where that is more than Reno's window.
#[test]
fn cubic_is_as_its_rfc_has_it() {
    let check = |round_trip: Duration, p: f64, secs, goodput: f64| {
        let (c, beta) = (0.4, 0.7);
        let scale = libm::pow(c * (3.0 + beta) / (4.0 * (1.0 - beta)), 0.25);
        let window = scale * libm::pow(round_trip.as_secs_f64() / p, 0.75);
        assert!(window > (1.5 / p).sqrt(), "Reno's is more");
        let expected = segments_a_second(window, round_trip);
        near(
            &format!("{round_trip:?}, loss {p}, {secs} s"),
            goodput,
            expected,
            0.2,
        );
    };
    for (round_trip, p, secs) in [
        (ms(100), 0.0001, 600),
        (ms(200), 0.0002, 600),
        (ms(400), 0.001, 600),
    ] {
        let cubic = of(Congestion::Cubic);
        let goodput = World::new(cubic, round_trip, Conditions::CLEAR, regular(p)).goodput(secs);
        check(round_trip, p, secs, goodput);
        let goodput = World::new(cubic, round_trip, Conditions::CLEAR, random(p)).goodput(secs);
        check(round_trip, p, secs, goodput);
    }
}

/// RFC 9438, 4.3: where the cubic has less, it is about as fast as Reno. Linux's follows Reno's window a round
/// trip behind, which tells where windows are small.
#[test]
fn cubic_is_about_as_fast_as_reno_where_that_is_more() {
    for p in [0.001, 0.01, 0.05] {
        let goodput = |kind| World::new(of(kind), ms(20), Conditions::CLEAR, random(p)).goodput(120);
        let (cubic, reno) = (goodput(Congestion::Cubic), goodput(Congestion::Reno));
        near(&format!("loss {p}"), cubic, reno, 0.2);
    }
}

#[test]
fn bbr_gets_what_is_not_lost() {
    let rate = Rate::kbit(10_000);
    for p in [0.0, 0.001, 0.01, 0.05, 0.1, 0.2] {
        let conditions = Conditions {
            rate: Some(rate),
            ..Conditions::CLEAR
        };
        let goodput = World::new(of(Congestion::Bbr), ms(50), conditions, random(p)).goodput(60);
        let expected = rate.bits() as f64 * (1.0 - p);
        near(&format!("loss {p}"), goodput, expected, 0.05);
        assert!(goodput <= expected * 1.01, "what is sent again takes up the rate");
    }
}

/// Without loss there is nothing to pay: any sender fills the link.
#[test]
fn without_loss_the_rate_is_all_there_is() {
    for kind in [Congestion::Reno, Congestion::Cubic, Congestion::Bbr] {
        let rate = Rate::kbit(20_000);
        let conditions = Conditions {
            rate: Some(rate),
            ..Conditions::CLEAR
        };
        let goodput = World::new(of(kind), ms(50), conditions, random(0.0)).goodput(30);
        near(&format!("{kind:?}"), goodput, rate.bits() as f64, 0.04);
    }
}

/// A window is all that is ever under way: window ÷ round trip, whatever the link can do.
#[test]
fn a_window_is_a_limit() {
    let window = 64 * 1024;
    for kind in [Congestion::Reno, Congestion::Cubic, Congestion::Bbr] {
        let settings = Settings {
            window: Some(Size::from_bytes(window)),
            ..of(kind)
        };
        let goodput = World::new(settings, ms(50), Conditions::CLEAR, random(0.0)).goodput(30);
        let whole = (window / u64::from(MSS)) as f64;
        near(
            &format!("{kind:?}"),
            goodput,
            segments_a_second(whole, ms(50)),
            0.03,
        );
    }
}
