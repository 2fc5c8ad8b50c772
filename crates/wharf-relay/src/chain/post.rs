//! One stage of one direction of one connection, with what it holds.

use std::collections::VecDeque;
use std::time::Duration;

use wharf_link::{Machine, Offer, Overflow, Seed, Size};

use super::plan::{Planned, PostId};
use super::{CLOSE, Chance, of_streams};
use crate::flow::{Content, Mark};
use crate::stage::{Effect, OnRemoval};

/// How many pieces a slice makes at once: each is written by itself.
const PIECES: u32 = 64;

/// A stage and its state.
#[derive(Debug)]
pub(crate) struct Post {
    id: PostId,
    effect: Effect,
    seed: Seed,
    /// When the stage was put there.
    since: Duration,
    /// What has come to the stage, when, and not gone on. In a network: not been taken.
    held: VecDeque<(Duration, Content)>,
    network: Option<Box<Network>>,
    /// Bytes held and in the network.
    bytes: usize,
    /// Of a limit: bytes that have passed.
    passed: u64,
    /// Of a slice: the next piece goes no earlier.
    rest: Duration,
    /// Of a slice: what the next length is drawn from.
    draw: Seed,
    /// Of a slice: how many pieces may go before others have their turn.
    turn: u32,
}

#[derive(Debug)]
struct Network {
    machine: Machine<Content>,
    /// What is in the machine, in its order.
    inside: VecDeque<Content>,
}

/// What a stage does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Hands something on.
    Pass(Duration, Content),
    /// Swallows bytes.
    Swallow(usize),
    /// Ends the connection. What it holds, and all that is behind, is lost.
    End(Duration, Mark),
}

impl Post {
    pub(crate) fn new(now: Duration, stage: &Planned, chance: &Chance) -> Self {
        let seed = chance.of(stage.id);
        let network = match &stage.effect {
            Effect::Conditions(conditions) => Some(Box::new(Network {
                machine: Machine::new(of_streams(conditions), seed, Overflow::PushBack),
                inside: VecDeque::new(),
            })),
            _ => None,
        };
        Self {
            id: stage.id,
            effect: stage.effect.clone(),
            seed,
            since: now,
            held: VecDeque::new(),
            network,
            bytes: 0,
            passed: 0,
            rest: Duration::ZERO,
            draw: seed,
            turn: 0,
        }
    }

    pub(crate) fn id(&self) -> PostId {
        self.id
    }

    pub(crate) fn effect(&self) -> &Effect {
        &self.effect
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len() + self.network.as_ref().map_or(0, |network| network.inside.len())
    }

    /// Takes over new parameters, from now on.
    pub(crate) fn change(&mut self, now: Duration, effect: &Effect) {
        if let (Some(network), Effect::Conditions(conditions)) = (&mut self.network, effect)
            && self.effect != *effect
        {
            network.machine.set_conditions(now, of_streams(conditions));
        }
        self.effect = effect.clone();
    }

    /// Takes something that comes from before.
    pub(crate) fn push(&mut self, at: Duration, content: Content) {
        self.bytes += content.bytes();
        self.held.push_back((at, content));
    }

    /// Takes out all that it holds, in order.
    pub(crate) fn drain(&mut self) -> Vec<Content> {
        let inside = self
            .network
            .iter_mut()
            .flat_map(|network| std::mem::take(&mut network.inside));
        let held = self.held.drain(..).map(|(_, content)| content);
        let all = inside.chain(held).collect();
        self.clear();
        all
    }

    /// Forgets what it holds.
    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.bytes = 0;
        if let Some(network) = &mut self.network {
            let conditions = network.machine.conditions().clone();
            network.inside.clear();
            network.machine = Machine::new(conditions, self.seed, Overflow::PushBack);
        }
    }

    /// When it does something, if nothing comes before.
    pub(crate) fn next(&self) -> Option<Duration> {
        let front = self.held.front().map(|&(at, _)| at);
        match &self.effect {
            Effect::Conditions(_) => {
                let machine = &self.network.as_ref()?.machine;
                let room = front.and_then(|_| machine.next_room());
                machine.next_wakeup().into_iter().chain(room).min()
            }
            Effect::Slice { .. } => Some(front?.max(self.rest)),
            Effect::SlowClose(delay) | Effect::Reset(delay) => Some(front?.saturating_add(*delay)),
            Effect::Timeout { after, .. } => Some(self.since.saturating_add((*after)?)),
            // What comes to these goes on at once.
            Effect::Limit(_) | Effect::Noop => None,
        }
    }

    /// What it does at `now`. To be asked until there is nothing.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<Step> {
        match self.effect {
            Effect::Conditions(_) => self.pop_network(now),
            Effect::Slice { average, vary, delay } => self.pop_piece(now, average, vary, delay),
            Effect::Limit(allowed) => self.pop_within(now, allowed.bytes()),
            Effect::SlowClose(delay) => {
                let &(at, content) = self.held.front()?;
                let at = match content {
                    Content::Mark(_) => at.saturating_add(delay),
                    _ => at,
                };
                (at <= now).then(|| self.pass_front(at))?
            }
            Effect::Timeout { after, on_removal } => self.pop_timeout(now, after, on_removal),
            Effect::Reset(delay) => {
                let due = self.held.front()?.0.saturating_add(delay);
                (due <= now).then_some(Step::End(due, Mark::Reset))
            }
            Effect::Noop => {
                let at = self.held.front()?.0;
                self.pass_front(at)
            }
        }
    }

    /// Before it is asked what it does at a time.
    pub(crate) fn begin_turn(&mut self) {
        self.turn = PIECES;
    }

    fn pass_front(&mut self, at: Duration) -> Option<Step> {
        let (_, content) = self.held.pop_front()?;
        self.bytes -= content.bytes();
        Some(Step::Pass(at, content))
    }

    fn pop_network(&mut self, now: Duration) -> Option<Step> {
        let network = self.network.as_mut()?;
        loop {
            if let Some(delivery) = network.machine.poll(now) {
                network.inside.pop_front();
                self.bytes -= delivery.packet.bytes();
                return Some(Step::Pass(delivery.ideal_time, delivery.packet));
            }
            let &(_, content) = self.held.front()?;
            let Offer::Accepted = network.machine.offer(now, content) else {
                return None;
            };
            self.held.pop_front();
            network.inside.push_back(content);
        }
    }

    fn pop_piece(&mut self, now: Duration, average: Size, vary: Size, delay: Duration) -> Option<Step> {
        let &(at, content) = self.held.front()?;
        let at = at.max(self.rest);
        if at > now {
            return None;
        }
        let Content::Bytes(count) = content else {
            return self.pass_front(at);
        };
        self.turn = self.turn.checked_sub(1)?;
        let piece = self.piece(average, vary).min(count);
        self.rest = at.saturating_add(delay);
        self.take_bytes(piece);
        Some(Step::Pass(at, Content::Bytes(piece)))
    }

    /// The length of the next piece.
    fn piece(&mut self, average: Size, vary: Size) -> u32 {
        let (average, vary) = (average.bytes().max(1), vary.bytes());
        let least = average.saturating_sub(vary).max(1);
        let most = average.saturating_add(vary);
        self.draw = self.draw.derive("");
        let drawn = u128::from(self.draw.0);
        let span = u128::from(most - least) + 1;
        let length = u128::from(least) + ((drawn * span) >> 64);
        u32::try_from(length).unwrap_or(u32::MAX)
    }

    fn pop_within(&mut self, now: Duration, allowed: u64) -> Option<Step> {
        if self.passed > 0 && self.passed >= allowed {
            return Some(Step::End(now, CLOSE));
        }
        let &(at, content) = self.held.front()?;
        let Content::Bytes(count) = content else {
            return self.pass_front(at);
        };
        let left = allowed - self.passed;
        if left == 0 {
            return Some(Step::End(at, CLOSE));
        }
        let count = u32::try_from(left).map_or(count, |left| count.min(left));
        self.passed += u64::from(count);
        self.take_bytes(count);
        Some(Step::Pass(at, Content::Bytes(count)))
    }

    /// Takes `count` bytes from the front, which has as many.
    fn take_bytes(&mut self, count: u32) {
        if let Some((_, Content::Bytes(front))) = self.held.front_mut() {
            *front -= count;
            self.bytes -= count as usize;
            if *front == 0 {
                self.held.pop_front();
            }
        }
    }

    fn pop_timeout(&mut self, now: Duration, after: Option<Duration>, on_removal: OnRemoval) -> Option<Step> {
        let due = after.map(|after| self.since.saturating_add(after));
        if let Some(due) = due.filter(|&due| due <= now) {
            return Some(Step::End(due, CLOSE));
        }
        match on_removal {
            OnRemoval::Resume => None,
            OnRemoval::Close => {
                let (at, content) = self.held.pop_front()?;
                self.bytes -= content.bytes();
                Some(match content {
                    // A sender that has ended is not to be kept from its peer for ever.
                    Content::Mark(Mark::Reset) => Step::End(at, Mark::Reset),
                    Content::Mark(_) => Step::End(at, CLOSE),
                    content => Step::Swallow(content.bytes()),
                })
            }
        }
    }
}
