//! Losses of several toxics, one after the other: what they come to.

/// Gilbert's chain of two states: after a packet that arrived the next is lost with probability `p`, after a lost
/// one it arrives with `r`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chain {
    pub(super) p: f64,
    pub(super) r: f64,
}

impl Chain {
    /// As the toxic has it: after a packet that arrived the next is lost with probability `rate`, after a lost one
    /// with `rate + correlation`. What a loss costs a stream is the relay's model of TCP, which loses no byte.
    pub(super) fn of(rate: f64, correlation: f64) -> Self {
        let (rate, correlation) = (rate.clamp(0.0, 1.0), correlation.clamp(0.0, 1.0));
        Self {
            p: rate,
            r: 1.0 - (rate + correlation).min(1.0),
        }
    }

    /// The share of packets that it loses in the long run.
    fn rate(self) -> f64 {
        match self.p {
            p if p <= 0.0 => 0.0,
            p => p / (p + self.r),
        }
    }

    /// The chain with this `p` and this rate. With them its bursts have the right mean length as well.
    fn with(p: f64, rate: f64) -> Self {
        match rate {
            rate if rate <= 0.0 => Self { p: 0.0, r: 1.0 },
            rate => Self {
                p,
                r: (p * (1.0 - rate) / rate).clamp(0.0, 1.0),
            },
        }
    }
}

/// What chains come to, each with the share of connections that it acts on; and on how many it acts. None: there
/// are none.
///
/// A packet is lost where any of them loses it: together they lose 1 − (1 − a)(1 − b) of all, and a burst begins
/// with 1 − (1 − p)(1 − q). Both are exact, and with them the mean length of a burst; that the joint process has
/// more than two states shows in the distribution of those lengths alone. Where toxics act on some connections
/// only, those that are hit by any have the losses in the mean.
pub(super) fn of_all(chains: &[(Chain, f64)]) -> Option<(Chain, f64)> {
    if chains.is_empty() {
        return None;
    }
    let none_of = |share: &dyn Fn(Chain, f64) -> f64| -> f64 {
        chains
            .iter()
            .map(|(chain, toxicity)| 1.0 - share(*chain, *toxicity))
            .product()
    };
    let together = Chain::with(
        1.0 - none_of(&|chain, _| chain.p),
        1.0 - none_of(&|chain, _| chain.rate()),
    );
    let share = 1.0 - none_of(&|_, toxicity| toxicity);
    if share <= 0.0 {
        return Some((together, 0.0));
    }
    let mean = 1.0 - none_of(&|chain, toxicity| toxicity * chain.rate());
    let rate = (mean / share).min(1.0);
    // Bursts are as long as they are together: rate = p / (p + r).
    let p = match rate {
        rate if rate >= together.rate() => together.p,
        rate => (together.r * rate / (1.0 - rate)).min(1.0),
    };
    Some((Chain::with(p, rate), share))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares what chains come to: the rate, the mean length of a burst, and the share of connections.
    #[track_caller]
    fn check(chains: &[(f64, f64, f64)], rate: f64, burst: f64, share: f64) {
        let chains: Vec<_> = chains
            .iter()
            .map(|(rate, correlation, toxicity)| (Chain::of(*rate, *correlation), *toxicity))
            .collect();
        let (chain, hit) = of_all(&chains).expect("there are some");
        let came = [chain.rate(), 1.0 / chain.r, hit];
        for (came, expected) in came.into_iter().zip([rate, burst, share]) {
            let near = (came - expected).abs() < 1e-9 || came == expected;
            assert!(near, "{chains:?}: {came} for {expected}");
        }
    }

    #[test]
    fn losses_combine() {
        check(&[(0.1, 0.0, 1.0)], 0.1, 1.0 / 0.9, 1.0);
        // 1 − (1 − a)(1 − b), and each packet by itself: a burst ends with the chance of no loss.
        check(&[(0.1, 0.0, 1.0), (0.2, 0.0, 1.0)], 0.28, 1.0 / 0.72, 1.0);
        check(
            &[(0.1, 0.0, 1.0), (0.2, 0.0, 1.0), (0.5, 0.0, 1.0)],
            0.64,
            1.0 / 0.36,
            1.0,
        );
        // One that loses everything does.
        check(&[(0.1, 0.0, 1.0), (1.0, 0.0, 1.0)], 1.0, f64::INFINITY, 1.0);
        // 0.01 / (0.01 + 0.75), as `tc` has it for 1 % and 24 %.
        let rate = 0.01 / 0.76;
        check(&[(0.01, 0.24, 1.0)], rate, 1.0 / 0.75, 1.0);
        let both = 1.0 - (1.0 - rate) * (1.0 - rate);
        let begins = 1.0 - 0.99 * 0.99;
        check(
            &[(0.01, 0.24, 1.0), (0.01, 0.24, 1.0)],
            both,
            both / ((1.0 - both) * begins),
            1.0,
        );
        // On half of the connections each: three in four are hit by one or both, and lose the same in sum.
        let mean = 1.0 - 0.95 * 0.95;
        check(&[(0.1, 0.0, 0.5), (0.1, 0.0, 0.5)], mean / 0.75, 1.0 / 0.81, 0.75);
        check(&[(0.1, 0.0, 0.5)], 0.1, 1.0 / 0.9, 0.5);
        assert_eq!(of_all(&[]), None);
    }
}
