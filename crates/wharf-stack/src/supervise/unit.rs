use std::time::Duration;

use super::phase::{Exit, HoldUse, Phase, UnitSpec};
use crate::project::ServiceKind;

/// What becomes of a unit once its process has ended on our demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Stop,
    StartAgain,
    Forget,
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) spec: UnitSpec,
    pub(super) phase: Phase,
    pub(super) since: Duration,
    pub(super) pid: Option<u32>,
    /// A process was ordered and has not been reported ended.
    pub(super) running: bool,
    pub(super) deadline: Option<Duration>,
    pub(super) then: Then,
    pub(super) was_ready: bool,
    pub(super) tried_without_hold: bool,
    pub(super) restarts_in_a_row: u32,
    pub(super) restarts: u32,
    pub(super) last_exit: Option<Exit>,
}

impl Unit {
    pub(super) fn new(now: Duration, spec: UnitSpec) -> Self {
        Unit {
            spec,
            phase: Phase::Waiting,
            since: now,
            pid: None,
            running: false,
            deadline: None,
            then: Then::Stop,
            was_ready: false,
            tried_without_hold: false,
            restarts_in_a_row: 0,
            restarts: 0,
            last_exit: None,
        }
    }

    pub(super) fn serves_dependents(&self) -> bool {
        match self.spec.kind {
            ServiceKind::Service => self.phase == Phase::Ready,
            ServiceKind::Task => self.phase == Phase::Done,
        }
    }

    pub(super) fn hold_now(&self) -> HoldUse {
        if self.tried_without_hold {
            HoldUse::LetGo
        } else {
            self.spec.hold
        }
    }
}
