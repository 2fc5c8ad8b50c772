use std::collections::BTreeMap;
use std::time::Duration;

use super::phase::{Event, Exit, Haste, HoldUse, Order, Phase, Suspect, UnitSpec, UnitView};
use super::unit::{Then, Unit};
use crate::project::{RestartPolicy, ServiceKind, ServiceName};

/// The first pause before a restart; each further one is twice as long.
const BACK_OFF_FIRST: Duration = Duration::from_millis(500);
/// The longest pause before a restart.
const BACK_OFF_LONGEST: Duration = Duration::from_secs(30);
/// So long ready, and earlier failures are forgotten.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// All units of a stack, and what is to happen to them next.
#[derive(Debug, Default)]
pub struct Supervisor {
    units: BTreeMap<ServiceName, Unit>,
    orders: Vec<Order>,
    stopping: bool,
}

impl Supervisor {
    /// A supervisor of these units, none of them started. [`Supervisor::tick`] starts them.
    #[must_use]
    pub fn new(now: Duration, specs: Vec<UnitSpec>) -> Self {
        let units = specs
            .into_iter()
            .map(|spec| (spec.name.clone(), Unit::new(now, spec)))
            .collect();
        Supervisor {
            units,
            orders: Vec::new(),
            stopping: false,
        }
    }

    /// Takes the orders that have come up, oldest first.
    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// When [`Supervisor::tick`] must be called even if nothing happens before.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Duration> {
        self.units.values().filter_map(|unit| unit.deadline).min()
    }

    /// What one may see of a unit.
    #[must_use]
    pub fn view(&self, name: &ServiceName) -> Option<UnitView> {
        self.units.get(name).map(|unit| UnitView {
            phase: unit.phase.clone(),
            pid: unit.pid,
            restarts: unit.restarts,
            since: unit.since,
            last_exit: unit.last_exit,
        })
    }

    /// Whether nothing is on its way: each unit is ready, done, stopped, failed, or waits
    /// for one that failed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.units.values().all(|unit| match unit.phase {
            Phase::Waiting => self.waits_in_vain(unit),
            ref phase => phase.is_settled(),
        })
    }

    /// Whether the stack is being stopped.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether no process of any unit runs.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.units.values().all(|unit| !unit.running)
    }

    /// Whether there are units, and none runs or will run again by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let ended = |unit: &Unit| match unit.phase {
            Phase::Stopped | Phase::Done | Phase::Failed { .. } => !unit.running,
            _ => false,
        };
        !self.units.is_empty() && self.units.values().all(ended)
    }

    /// The units that failed, with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&ServiceName, &str)> {
        self.units.iter().filter_map(|(name, unit)| match &unit.phase {
            Phase::Failed { why } => Some((name, why.as_str())),
            _ => None,
        })
    }

    fn waits_in_vain(&self, unit: &Unit) -> bool {
        unit.spec.needs.iter().any(|need| {
            self.units.get(need).is_some_and(|other| match other.phase {
                Phase::Failed { .. } | Phase::Stopped => true,
                Phase::Waiting => self.waits_in_vain(other),
                _ => false,
            })
        })
    }

    /// Something happened to a unit.
    pub fn handle(&mut self, now: Duration, name: &ServiceName, event: Event) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        match event {
            Event::Spawned { pid } => {
                unit.pid = Some(pid);
                self.orders.push(Order::Changed(name.clone()));
            }
            Event::SpawnFailed { why } => {
                unit.running = false;
                self.enter(now, name, Phase::Failed { why });
            }
            Event::Ready => self.became_ready(now, name),
            Event::Exited(exit, suspect) => self.exited(now, name, exit, suspect),
        }
        self.tick(now);
    }

    fn became_ready(&mut self, now: Duration, name: &ServiceName) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        // A late report about an earlier life, or about a unit that is being stopped.
        if unit.phase != Phase::Starting || unit.spec.kind == ServiceKind::Task {
            return;
        }
        let learned = unit.tried_without_hold && unit.spec.hold == HoldUse::Stands;
        unit.was_ready = true;
        if learned {
            unit.spec.hold = HoldUse::LetGo;
            self.orders.push(Order::RememberNoHold(name.clone()));
        }
        self.enter(now, name, Phase::Ready);
    }

    fn exited(&mut self, now: Duration, name: &ServiceName, exit: Exit, suspect: Suspect) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        let before = unit.phase.clone();
        let healthy = before == Phase::Ready && now.saturating_sub(unit.since) >= HEALTHY_AFTER;
        unit.running = false;
        unit.pid = None;
        unit.last_exit = Some(exit);
        if healthy {
            unit.restarts_in_a_row = 0;
        }
        match before {
            Phase::Stopping => match unit.then {
                Then::Stop => self.enter(now, name, Phase::Stopped),
                Then::StartAgain => self.enter(now, name, Phase::Waiting),
                Then::Forget => {
                    self.orders.push(Order::Changed(name.clone()));
                    self.units.remove(name);
                }
            },
            Phase::Starting if unit.spec.kind == ServiceKind::Task => {
                let phase = if exit.is_success() {
                    Phase::Done
                } else {
                    failed(format!("the task ended with {exit}"))
                };
                self.enter(now, name, phase);
            }
            Phase::Starting if !unit.was_ready => {
                self.failed_first_start(now, name, exit, suspect);
            }
            Phase::Starting | Phase::Ready => self.restart_by_policy(now, name, exit),
            Phase::Failed { .. } => self.orders.push(Order::Changed(name.clone())),
            Phase::Waiting | Phase::BackingOff | Phase::Done | Phase::Stopped => {}
        }
    }

    /// Where the hold may be what kept it from binding: once more without. Else it has failed.
    fn failed_first_start(&mut self, now: Duration, name: &ServiceName, exit: Exit, suspect: Suspect) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        if unit.hold_now() == HoldUse::Stands && suspect == Suspect::Hold && !self.stopping {
            unit.tried_without_hold = true;
            self.enter(now, name, Phase::Waiting);
        } else if exit.is_success() && unit.spec.restart == RestartPolicy::Never {
            self.enter(now, name, Phase::Stopped);
        } else {
            self.enter(
                now,
                name,
                failed(format!("it ended with {exit} before it was ready")),
            );
        }
    }

    fn restart_by_policy(&mut self, now: Duration, name: &ServiceName, exit: Exit) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        let wanted = match unit.spec.restart {
            RestartPolicy::Always => true,
            RestartPolicy::OnFailure => !exit.is_success(),
            RestartPolicy::Never => false,
        };
        if !wanted && exit.is_success() {
            self.enter(now, name, Phase::Stopped);
        } else if !wanted {
            self.enter(now, name, failed(format!("it ended with {exit}")));
        } else if unit.restarts_in_a_row >= unit.spec.max_restarts {
            let why = format!("it ended with {exit}, after {} restarts", unit.restarts_in_a_row);
            self.enter(now, name, failed(why));
        } else {
            let pause = BACK_OFF_FIRST
                .saturating_mul(1 << unit.restarts_in_a_row.min(16))
                .min(BACK_OFF_LONGEST);
            unit.restarts_in_a_row += 1;
            unit.restarts += 1;
            self.enter(now, name, Phase::BackingOff);
            if let Some(unit) = self.units.get_mut(name) {
                unit.deadline = Some(now + pause);
            }
        }
    }

    /// Starts, kills and gives up what is due.
    pub fn tick(&mut self, now: Duration) {
        let names: Vec<ServiceName> = self.units.keys().cloned().collect();
        for name in &names {
            self.meet_deadline(now, name);
        }
        for name in &names {
            self.start_if_its_turn(now, name);
            self.stop_if_its_turn(now, name);
        }
    }

    fn meet_deadline(&mut self, now: Duration, name: &ServiceName) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        if unit.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        unit.deadline = None;
        match unit.phase {
            Phase::BackingOff => self.enter(now, name, Phase::Waiting),
            Phase::Stopping => self.orders.push(Order::Kill(name.clone())),
            Phase::Starting => {
                let waited = unit.spec.ready_timeout;
                self.orders.push(Order::Kill(name.clone()));
                if unit.hold_now() == HoldUse::Stands {
                    unit.tried_without_hold = true;
                    unit.then = Then::StartAgain;
                    self.enter(now, name, Phase::Stopping);
                } else {
                    let why = format!("it was not ready after {} s", waited.as_secs_f64());
                    self.enter(now, name, failed(why));
                }
            }
            _ => {}
        }
    }

    fn start_if_its_turn(&mut self, now: Duration, name: &ServiceName) {
        let Some(unit) = self.units.get(name) else {
            return;
        };
        let ready_to_go = unit.phase == Phase::Waiting
            && !unit.running
            && !self.stopping
            && unit
                .spec
                .needs
                .iter()
                .all(|need| self.units.get(need).is_none_or(Unit::serves_dependents));
        if !ready_to_go {
            return;
        }
        self.orders.push(Order::Start(name.clone(), unit.hold_now()));
        self.enter(now, name, Phase::Starting);
        if let Some(unit) = self.units.get_mut(name) {
            unit.running = true;
            // A task takes as long as it takes: it shows what it does, and nobody can
            // tell a long migration from a stuck one.
            if unit.spec.kind == ServiceKind::Service {
                unit.deadline = Some(now + unit.spec.ready_timeout);
            }
        }
    }

    /// While the stack stops: a unit's turn has come when all that need it are still.
    fn stop_if_its_turn(&mut self, now: Duration, name: &ServiceName) {
        let needed = self
            .units
            .values()
            .any(|other| other.running && other.spec.needs.contains(name));
        let Some(unit) = self.units.get(name) else {
            return;
        };
        if !self.stopping || unit.phase == Phase::Stopping || needed {
            return;
        }
        if unit.running {
            self.begin_stop(now, name, Then::Stop);
        } else if !matches!(unit.phase, Phase::Stopped | Phase::Failed { .. } | Phase::Done) {
            self.enter(now, name, Phase::Stopped);
        }
    }

    fn begin_stop(&mut self, now: Duration, name: &ServiceName, then: Then) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        unit.then = then;
        let grace = unit.spec.stop_grace;
        self.orders.push(Order::Terminate(name.clone()));
        self.enter(now, name, Phase::Stopping);
        if let Some(unit) = self.units.get_mut(name) {
            unit.deadline = Some(now + grace);
        }
    }

    /// Stops everything. [`Haste::AtOnce`] may follow [`Haste::Orderly`].
    pub fn stop_all(&mut self, now: Duration, haste: Haste) {
        self.stopping = true;
        if haste == Haste::AtOnce {
            let running: Vec<ServiceName> = self
                .units
                .iter()
                .filter(|(_, unit)| unit.running)
                .map(|(name, _)| name.clone())
                .collect();
            for name in running {
                self.orders.push(Order::Kill(name.clone()));
                if let Some(unit) = self.units.get_mut(&name) {
                    unit.then = Then::Stop;
                }
                self.enter(now, &name, Phase::Stopping);
            }
        }
        self.tick(now);
    }

    /// Stops a unit and starts it again; one that does not run is started. Says whether
    /// there is such a unit.
    pub fn restart(&mut self, now: Duration, name: &ServiceName) -> bool {
        let Some(unit) = self.units.get_mut(name) else {
            return false;
        };
        unit.restarts_in_a_row = 0;
        unit.tried_without_hold = false;
        if unit.running {
            self.begin_stop(now, name, Then::StartAgain);
        } else {
            self.enter(now, name, Phase::Waiting);
        }
        self.tick(now);
        true
    }

    /// Stops a unit and leaves it stopped, until [`Supervisor::restart`]. Says whether there is such
    /// a unit.
    pub fn stop(&mut self, now: Duration, name: &ServiceName) -> bool {
        let Some(unit) = self.units.get(name) else {
            return false;
        };
        match unit.phase {
            Phase::Stopped | Phase::Done | Phase::Failed { .. } if !unit.running => {}
            _ if unit.running => self.begin_stop(now, name, Then::Stop),
            _ => self.enter(now, name, Phase::Stopped),
        }
        self.tick(now);
        true
    }

    /// Makes these the stack's units: what is gone is stopped, what is new is started,
    /// and those named in `changed` are started again.
    pub fn apply(&mut self, now: Duration, specs: Vec<UnitSpec>, changed: &[ServiceName]) {
        let gone: Vec<ServiceName> = self
            .units
            .keys()
            .filter(|name| !specs.iter().any(|spec| spec.name == **name))
            .cloned()
            .collect();
        for name in gone {
            if self.units.get(&name).is_some_and(|unit| unit.running) {
                self.begin_stop(now, &name, Then::Forget);
            } else {
                self.units.remove(&name);
                self.orders.push(Order::Changed(name));
            }
        }
        for spec in specs {
            match self.units.get_mut(&spec.name) {
                Some(unit) => unit.spec = spec,
                None => {
                    self.units.insert(spec.name.clone(), Unit::new(now, spec));
                }
            }
        }
        for name in changed {
            self.restart(now, name);
        }
        self.tick(now);
    }

    fn enter(&mut self, now: Duration, name: &ServiceName, phase: Phase) {
        if let Some(unit) = self.units.get_mut(name) {
            unit.phase = phase;
            unit.since = now;
            unit.deadline = None;
            self.orders.push(Order::Changed(name.clone()));
        }
    }
}

fn failed(why: String) -> Phase {
    Phase::Failed { why }
}
