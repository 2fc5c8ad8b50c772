//! Goodput over a lossy link.

use wharf_link::stream::{Congestion, Fate, MSS, Settings};
use wharf_link::{Conditions, Rate};

use super::world::{World, unit};
use crate::ms;

fn bernoulli(p: f64) -> impl FnMut(u64) -> Fate {
    move |number| {
        if unit(1, number) < p {
            Fate::Lost
        } else {
            Fate::Delivered
        }
    }
}

fn every(p: f64) -> impl FnMut(u64) -> Fate {
    let n = (1.0 / p) as u64;
    move |number| {
        if number % n == n - 1 {
            Fate::Lost
        } else {
            Fate::Delivered
        }
    }
}

fn settings(congestion: Congestion) -> Settings {
    Settings {
        congestion,
        ..Settings::default()
    }
}

#[test]
fn explore() {
    let rtt = ms(50);
    for p in [0.0001, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1] {
        let secs = if p < 0.0005 { 1500 } else { 1500 };
        let r = World::new(settings(Congestion::Reno), rtt, Conditions::CLEAR, bernoulli(p)).goodput(secs);
        let rd = World::new(settings(Congestion::Reno), rtt, Conditions::CLEAR, every(p)).goodput(secs);
        let c = World::new(settings(Congestion::Cubic), rtt, Conditions::CLEAR, bernoulli(p)).goodput(secs);
        let cd = World::new(settings(Congestion::Cubic), rtt, Conditions::CLEAR, every(p)).goodput(secs);
        let unit = f64::from(MSS) * 8.0 / 0.05;
        let mathis = unit * (1.5 / p).sqrt();
        let t0 = 0.25;
        let rt = 0.05;
        let pftk = f64::from(MSS) * 8.0
            / (rt * (2.0 * p / 3.0).sqrt()
                + t0 * (3.0 * (3.0 * p / 8.0).sqrt()).min(1.0) * p * (1.0 + 32.0 * p * p));
        let cubic = unit * libm::pow(0.4 * 3.7 / (4.0 * 0.3), 0.25) * libm::pow(0.05 / p, 0.75);
        println!(
            "p {p:7}: mathis {:8.2} pftk {:8.2} reno {:8.2} det {:8.2} | w cubic {:8.2} cubic {:8.2} det {:8.2}",
            mathis / 1e6,
            pftk / 1e6,
            r / 1e6,
            rd / 1e6,
            cubic / 1e6,
            c / 1e6,
            cd / 1e6
        );
    }
    for p in [0.0, 0.001, 0.01, 0.05, 0.1, 0.2] {
        let cond = Conditions {
            rate: Some(Rate::kbit(10_000)),
            ..Conditions::CLEAR
        };
        let b = World::new(settings(Congestion::Bbr), rtt, cond, bernoulli(p)).goodput(200);
        let c = World::new(settings(Congestion::Cubic), rtt, cond, bernoulli(p)).goodput(200);
        println!(
            "bbr p {p} {:.3} vs {:.3}; cubic {:.3}",
            b / 1e6,
            10.0 * (1.0 - p),
            c / 1e6
        );
    }
}
