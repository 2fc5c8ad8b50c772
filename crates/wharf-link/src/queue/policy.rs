//! What the queue asks of its discipline, and which disciplines there are.

use std::time::Duration;

use super::Setup;
use super::codel::{self, CoDel};
use super::drop_head::DropHead;
use super::drop_tail::DropTail;
use super::fq_codel::{self, FqCoDel};
use super::outcome::{Load, Lost, Pushed};
use super::pie::{self, Pie};
use super::red::{self, Red};
use super::single::Single;
use super::waiting::{Gate, Waiting};
use crate::conditions::Discipline;
use crate::packet::{Overflow, Packet};
use crate::random::Seed;

/// What a discipline does. `lost` takes what had been queued and is dropped.
pub(super) trait Policy<P> {
    /// Queues a packet or refuses it.
    fn push(&mut self, waiting: Waiting<P>, gate: Gate, lost: &mut impl FnMut(Lost<P>)) -> Pushed<P>;

    /// Takes out the packet whose turn it is.
    fn pop(
        &mut self,
        now: Duration,
        overflow: Overflow,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>>;

    /// What waits.
    fn load(&self) -> Load;

    /// Takes out everything, in whatever order.
    fn take(&mut self) -> Vec<Waiting<P>>;

    /// Puts in a packet that another discipline had let in.
    fn restore(&mut self, waiting: Waiting<P>);

    /// Nothing waited while so much time passed.
    fn shift(&mut self, by: Duration);
}

/// A discipline, with what waits under it. An enum, as the hot path of a link is no place for `dyn`.
#[derive(Debug, Clone)]
pub(super) enum Kind<P> {
    DropTail(Single<P, DropTail>),
    DropHead(Single<P, DropHead>),
    Red(Single<P, Red>),
    CoDel(Single<P, CoDel>),
    Pie(Single<P, Pie>),
    FqCoDel(FqCoDel<P>),
}

/// The same method of whichever discipline it is.
macro_rules! dispatch {
    ($kind:expr, $policy:ident => $call:expr) => {
        match $kind {
            Kind::DropTail($policy) => $call,
            Kind::DropHead($policy) => $call,
            Kind::Red($policy) => $call,
            Kind::CoDel($policy) => $call,
            Kind::Pie($policy) => $call,
            Kind::FqCoDel($policy) => $call,
        }
    };
}

impl<P: Packet> Policy<P> for Kind<P> {
    fn push(&mut self, waiting: Waiting<P>, gate: Gate, lost: &mut impl FnMut(Lost<P>)) -> Pushed<P> {
        dispatch!(self, policy => policy.push(waiting, gate, lost))
    }

    fn pop(
        &mut self,
        now: Duration,
        overflow: Overflow,
        lost: &mut impl FnMut(Lost<P>),
    ) -> Option<Waiting<P>> {
        dispatch!(self, policy => policy.pop(now, overflow, lost))
    }

    fn load(&self) -> Load {
        dispatch!(self, policy => policy.load())
    }

    fn take(&mut self) -> Vec<Waiting<P>> {
        dispatch!(self, policy => policy.take())
    }

    fn restore(&mut self, waiting: Waiting<P>) {
        dispatch!(self, policy => policy.restore(waiting));
    }

    fn shift(&mut self, by: Duration) {
        dispatch!(self, policy => policy.shift(by));
    }
}

impl<P: Packet> Kind<P> {
    pub(super) fn new(now: Duration, setup: &Setup, seed: Seed) -> Self {
        match setup.discipline {
            Discipline::DropTail => Self::DropTail(Single::new(DropTail)),
            Discipline::DropHead => Self::DropHead(Single::new(DropHead)),
            Discipline::Red(red) => {
                let law = red::Law::new(&red, setup.limit, setup.rate);
                Self::Red(Single::new(Red::new(law, seed)))
            }
            Discipline::CoDel(codel) => Self::CoDel(Single::new(CoDel::new(codel::Law::new(&codel)))),
            Discipline::Pie(pie) => Self::Pie(Single::new(Pie::new(now, pie::Law::new(&pie), seed))),
            Discipline::FqCoDel(fq) => Self::FqCoDel(FqCoDel::new(fq_codel::Law::new(&fq), seed)),
        }
    }

    /// Sets the discipline anew, if it is still the same one. False: it is not.
    pub(super) fn retune(&mut self, now: Duration, setup: &Setup) -> bool {
        match (self, setup.discipline) {
            (Self::DropTail(_), Discipline::DropTail) | (Self::DropHead(_), Discipline::DropHead) => {}
            (Self::Red(red), Discipline::Red(to)) => {
                red.rule.retune(red::Law::new(&to, setup.limit, setup.rate));
            }
            (Self::CoDel(codel), Discipline::CoDel(to)) => codel.rule.retune(codel::Law::new(&to)),
            (Self::Pie(pie), Discipline::Pie(to)) => pie.rule.retune(now, pie::Law::new(&to)),
            (Self::FqCoDel(fq), Discipline::FqCoDel(to)) => return fq.retune(fq_codel::Law::new(&to)),
            _ => return false,
        }
        true
    }
}
