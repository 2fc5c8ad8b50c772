//! A firewall that remembers what it has allowed, as a machine without a clock.
//!
//! The first rule that matches a packet decides. Where none does, a packet of a conversation that was allowed
//! passes, as does an ICMP error about one; all else meets the default. A rule can be about `new` or
//! `established` packets alone, so that `{ action = "drop", direction = "in", state = "new" }` lets answers in.

mod rule;

use std::time::Duration;

pub use rule::{Action, OneOrMany, PortSpec, ProtocolName, RuleError, RuleSpec, State, Way};
use wharf_packet::icmp::Problem;
use wharf_packet::{FiveTuple, Packet, Protocol, Transport};

use crate::expiry::Expiring;
use crate::fragments::{Firsts, Whole};
use crate::topology::{Side, Topology};
use crate::track::{Timeouts, Track};
use rule::Rule;

/// How many conversations are remembered.
const MOST: usize = 65_536;

/// Rules, and what becomes of what no rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    default: Action,
    rules: Vec<Rule>,
}

impl Policy {
    /// Reads rules. An error is told with the number of its rule, from 1.
    pub(crate) fn read(
        default: Option<Action>,
        rules: &[RuleSpec],
        topology: &Topology,
    ) -> Result<Self, (usize, RuleError)> {
        let read = |(index, rule)| Rule::read(rule, topology).map_err(|problem| (index + 1, problem));
        Ok(Self {
            default: default.unwrap_or(Action::Drop),
            rules: rules.iter().enumerate().map(read).collect::<Result<_, _>>()?,
        })
    }
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It passes.
    Allow,
    /// It ends here.
    Drop(Ground),
    /// It ends here, and its sender gets this error, if one may be sent about it.
    Reject(Ground, Problem),
}

/// On what ground a packet does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ground {
    /// A rule, by its number from 1.
    Rule(usize),
    /// No rule was about it.
    Default,
    /// As many conversations are remembered as can be.
    Full,
    /// A fragment whose first was not seen.
    Fragment,
}

/// A firewall at work.
#[derive(Debug, Clone)]
pub struct Firewall {
    policy: Policy,
    /// Conversations, as their first packet had them.
    known: Expiring<FiveTuple, Track>,
    firsts: Firsts<Verdict>,
}

impl Firewall {
    /// A firewall that has seen nothing yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            known: Expiring::new(MOST),
            firsts: Firsts::new(),
        }
    }

    /// How many conversations are remembered.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.known.len()
    }

    /// Judges a packet that came from this side and goes to the other. `now` is the time since the
    /// firewall began.
    pub fn judge(&mut self, now: Duration, from: Side, packet: &Packet<'_>) -> Verdict {
        while self.known.expired(now).is_some() {}
        let whole = Whole::of(packet);
        if matches!(packet.transport(), Transport::LaterFragment(_)) {
            let first = whole.and_then(|whole| self.firsts.find(now, whole));
            return first.unwrap_or(Verdict::Drop(Ground::Fragment));
        }
        let verdict = self.decide(now, from, packet);
        if let Some(whole) = whole {
            self.firsts.remember(now, whole, verdict);
        }
        verdict
    }

    fn decide(&mut self, now: Duration, from: Side, packet: &Packet<'_>) -> Verdict {
        let tuple = packet.five_tuple();
        let known = tuple.and_then(|tuple| self.key(tuple));
        let state = match known {
            Some(_) => State::Established,
            None if self.is_about_known(packet) => State::Established,
            None => State::New,
        };
        let rules = self.policy.rules.iter().enumerate();
        let rule = rules
            .into_iter()
            .find(|(_, rule)| rule.matches(from, state, packet));
        let (action, ground) = match rule {
            Some((index, rule)) => (rule.action, Ground::Rule(index + 1)),
            None if state == State::Established => (Action::Allow, Ground::Default),
            None => (self.policy.default, Ground::Default),
        };
        match action {
            Action::Allow => self.remember(now, from, packet, tuple, known),
            Action::Drop => Verdict::Drop(ground),
            Action::Reject => Verdict::Reject(ground, problem(packet.protocol())),
        }
    }

    /// Under which tuple a conversation is known.
    fn key(&self, tuple: FiveTuple) -> Option<FiveTuple> {
        let mut ways = [tuple, tuple.reversed()].into_iter();
        ways.find(|tuple| self.known.get(tuple).is_some())
    }

    /// Whether it is an error about a packet of a conversation that is known (RFC 5508, section 4).
    fn is_about_known(&self, packet: &Packet<'_>) -> bool {
        let Transport::Icmp(icmp) = packet.transport() else {
            return false;
        };
        let quoted = icmp
            .quoted()
            .and_then(Result::ok)
            .and_then(|quoted| quoted.five_tuple());
        quoted.is_some_and(|tuple| self.key(tuple).is_some())
    }

    fn remember(
        &mut self,
        now: Duration,
        from: Side,
        packet: &Packet<'_>,
        tuple: Option<FiveTuple>,
        known: Option<FiveTuple>,
    ) -> Verdict {
        let Some(tuple) = tuple else {
            return Verdict::Allow;
        };
        let key = known.unwrap_or(tuple);
        let noted = self.known.update(&key, |track| {
            track.note(from, packet);
            (
                now + track.timeout(key.protocol, &Timeouts::DEFAULT),
                Verdict::Allow,
            )
        });
        if let Some(verdict) = noted {
            return verdict;
        }
        let mut track = Track::default();
        track.note(from, packet);
        let until = now + track.timeout(key.protocol, &Timeouts::DEFAULT);
        match self.known.insert(key, track, until) {
            true => Verdict::Allow,
            false => Verdict::Drop(Ground::Full),
        }
    }
}

/// What a sender is told: as Linux's `reject` has it, nobody has that port; or that it is forbidden (RFC
/// 1812, section 5.2.7.1).
fn problem(protocol: Protocol) -> Problem {
    if protocol.has_ports() {
        Problem::PortUnreachable
    } else {
        Problem::Prohibited
    }
}
