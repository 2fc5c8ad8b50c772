//! Which packets are lost: the models of [`Loss`], running.
//!
//! Each packet looks its random numbers up by its number. What the chains carry from packet to packet
//! is the state that they are in, and no more; they begin in the distribution in which they stay
//! (netem's four states, like netem's, in state 1).

use super::chance::Chance;
use crate::conditions::{GilbertElliott, Loss, Markov, Recording};
use crate::random::{self, Purpose, Seed};

/// What decides on each packet.
#[derive(Debug, Clone)]
pub(crate) enum Losses {
    Random(Chance),
    TwoStates(TwoStates),
    FourStates(FourStates),
    Recorded { recording: Recording, next: usize },
}

impl Losses {
    pub(crate) fn new(loss: &Loss) -> Self {
        match loss {
            Loss::Random(rate) => Self::Random((*rate).into()),
            Loss::Correlated { rate, correlation } => {
                let (mean, change) = (rate.fraction(), 1.0 - correlation.coefficient());
                Self::TwoStates(TwoStates::on_off(mean * change, (1.0 - mean) * change))
            }
            Loss::Bursts(bursts) => {
                let (mean, recover) = (bursts.rate().fraction(), 1.0 / bursts.length().get());
                // A burst's rate is below one, or it would have no end.
                Self::TwoStates(TwoStates::on_off(mean * recover / (1.0 - mean), recover))
            }
            Loss::GilbertElliott(model) => Self::TwoStates(TwoStates::gilbert_elliott(*model)),
            Loss::Markov(model) => Self::FourStates(FourStates::new(*model)),
            Loss::Recorded(recording) => Self::Recorded {
                recording: recording.clone(),
                next: 0,
            },
        }
    }

    /// Whether packet number `index` is lost. To be asked once for each, in their order.
    pub(crate) fn loses(&mut self, seed: Seed, index: u64) -> bool {
        match self {
            Self::Random(chance) => chance.hits(random::draw(seed, Purpose::Loss, index)[0]),
            Self::TwoStates(chain) => chain.loses(seed, index),
            Self::FourStates(chain) => chain.loses(random::draw(seed, Purpose::Loss, index)[0]),
            Self::Recorded { recording, next } => {
                let lost = recording.lost();
                let this = *next;
                *next = (this + 1) % lost.len().max(1);
                lost.get(this).copied().unwrap_or(false)
            }
        }
    }
}

/// A good state and a bad one.
#[derive(Debug, Clone)]
pub(crate) struct TwoStates {
    /// From good to bad.
    worsen: Chance,
    /// From bad to good.
    recover: Chance,
    good: Chance,
    bad: Chance,
    /// The share of packets that the bad state has.
    share: Chance,
    /// The state of the packet before.
    state: Option<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Bad,
}

impl TwoStates {
    fn new(worsen: f64, recover: f64, good: Chance, bad: Chance) -> Self {
        let moves = worsen + recover;
        Self {
            worsen: Chance::of_fraction(worsen),
            recover: Chance::of_fraction(recover),
            good,
            bad,
            share: match moves > 0.0 {
                true => Chance::of_fraction(worsen / moves),
                false => Chance::NEVER,
            },
            state: None,
        }
    }

    /// Everything is lost in the bad state, and nothing in the good one.
    fn on_off(worsen: f64, recover: f64) -> Self {
        Self::new(worsen, recover, Chance::NEVER, Chance::ALWAYS)
    }

    fn gilbert_elliott(model: GilbertElliott) -> Self {
        Self::new(
            model.p.fraction(),
            model.r.fraction(),
            model.good.into(),
            model.bad.into(),
        )
    }

    fn loses(&mut self, seed: Seed, index: u64) -> bool {
        let [step, fate] = random::draw(seed, Purpose::Loss, index);
        let is_bad = match self.state {
            None => self.share.hits(step),
            Some(State::Good) => self.worsen.hits(step),
            Some(State::Bad) => !self.recover.hits(step),
        };
        let (state, chance) = match is_bad {
            true => (State::Bad, self.bad),
            false => (State::Good, self.good),
        };
        self.state = Some(state);
        chance.hits(fate)
    }
}

/// netem's four states (`loss_4state` in net/sched/sch_netem.c).
#[derive(Debug, Clone)]
pub(crate) struct FourStates {
    /// Each state's two ways out: the first, and either of them.
    from_1: [Chance; 2],
    from_2: Chance,
    from_3: [Chance; 2],
    state: u8,
}

impl FourStates {
    fn new(model: Markov) -> Self {
        let [p13, p31, p32, p23, p14] = model.transitions();
        let both = |a: crate::units::Probability, b| Chance::from(a.plus(b).unwrap_or(a));
        Self {
            from_1: [p14.into(), both(p13, p14)],
            from_2: p23.into(),
            from_3: [p32.into(), both(p31, p32)],
            state: 1,
        }
    }

    fn loses(&mut self, draw: u64) -> bool {
        let next = |ways: [Chance; 2], first, second, stay| match ways {
            [way, _] if way.hits(draw) => first,
            [_, way] if way.hits(draw) => second,
            _ => stay,
        };
        self.state = match self.state {
            2 if self.from_2.hits(draw) => 3,
            2 => 2,
            3 => next(self.from_3, 2, 1, 3),
            4 => 1,
            _ => next(self.from_1, 4, 3, 1),
        };
        matches!(self.state, 3 | 4)
    }
}
