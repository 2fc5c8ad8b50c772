//! The supervisor in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use wharf_stack::project::{RestartPolicy, ServiceKind, ServiceName};
use wharf_stack::supervise::{Event, Exit, Haste, HoldUse, Order, Phase, Supervisor, Suspect, UnitSpec};

fn name(text: &str) -> ServiceName {
    text.parse().expect("a name")
}

fn unit(text: &str, needs: &[&str]) -> UnitSpec {
    UnitSpec {
        name: name(text),
        kind: ServiceKind::Service,
        needs: needs.iter().map(|need| name(need)).collect(),
        restart: RestartPolicy::OnFailure,
        max_restarts: 3,
        ready_timeout: Duration::from_secs(60),
        stop_grace: Duration::from_secs(10),
        hold: HoldUse::LetGo,
    }
}

/// A supervisor and its clock. Orders are told as words: `start web`, `kill web`.
struct World {
    supervisor: Supervisor,
    now: Duration,
}

impl World {
    fn new(units: Vec<UnitSpec>) -> Self {
        let now = Duration::ZERO;
        let mut supervisor = Supervisor::new(now, units);
        supervisor.tick(now);
        World { supervisor, now }
    }

    fn orders(&mut self) -> Vec<String> {
        let orders = self.supervisor.take_orders();
        let told = orders.into_iter().filter_map(|order| match order {
            Order::Start(name, HoldUse::Stands) => Some(format!("start {name} over its hold")),
            Order::Start(name, HoldUse::LetGo) => Some(format!("start {name}")),
            Order::Terminate(name) => Some(format!("terminate {name}")),
            Order::Kill(name) => Some(format!("kill {name}")),
            Order::RememberNoHold(name) => Some(format!("remember {name}")),
            Order::Changed(_) => None,
        });
        told.collect()
    }

    fn tell(&mut self, unit: &str, event: Event) -> Vec<String> {
        self.supervisor.handle(self.now, &name(unit), event);
        self.orders()
    }

    fn after(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.supervisor.tick(self.now);
        self.orders()
    }

    fn phase(&self, unit: &str) -> Phase {
        self.supervisor.view(&name(unit)).expect("a unit").phase
    }
}

const SECOND: Duration = Duration::from_secs(1);
const DIED: Event = Event::Exited(Exit::Signal(9), Suspect::Nothing);

fn exited(code: i32) -> Event {
    Event::Exited(Exit::Code(code), Suspect::Nothing)
}

#[test]
fn units_start_when_what_they_need_is_ready() {
    let mut world = World::new(vec![unit("web", &["api"]), unit("api", &["db"]), unit("db", &[])]);
    assert_eq!(world.orders(), ["start db"]);
    assert_eq!(world.tell("db", Event::Ready), ["start api"]);
    assert!(!world.supervisor.is_settled());
    assert_eq!(world.tell("api", Event::Ready), ["start web"]);
    assert!(world.tell("web", Event::Ready).is_empty());
    assert!(world.supervisor.is_settled());
}

#[test]
fn a_task_is_done_by_exit_0_and_nothing_else() {
    let task = UnitSpec {
        kind: ServiceKind::Task,
        ..unit("migrate", &[])
    };
    let mut world = World::new(vec![task.clone(), unit("web", &["migrate"])]);
    assert_eq!(world.orders(), ["start migrate"]);
    assert!(
        world.tell("migrate", Event::Ready).is_empty(),
        "that a task listens says nothing"
    );
    assert_eq!(world.tell("migrate", exited(0)), ["start web"]);
    let mut world = World::new(vec![task, unit("web", &["migrate"])]);
    world.orders();
    assert!(world.tell("migrate", exited(1)).is_empty());
    assert!(matches!(world.phase("migrate"), Phase::Failed { .. }));
    assert!(world.supervisor.is_settled(), "web waits in vain");
}

#[test]
fn one_unit_is_stopped_alone_and_stays_so_until_it_is_restarted() {
    let mut world = World::new(vec![unit("web", &["api"]), unit("api", &[])]);
    world.orders();
    world.tell("api", Event::Ready);
    world.tell("web", Event::Ready);
    assert!(world.supervisor.stop(world.now, &name("api")));
    assert_eq!(world.orders(), ["terminate api"], "what needs it goes on");
    assert_eq!(world.after(10 * SECOND), ["kill api"]);
    assert!(world.tell("api", DIED).is_empty());
    assert_eq!(world.phase("api"), Phase::Stopped);
    assert!(world.after(60 * SECOND).is_empty());
    world.supervisor.restart(world.now, &name("api"));
    assert_eq!(world.orders(), ["start api"]);
    assert!(!world.supervisor.stop(world.now, &name("db")), "there is none");
}

#[test]
fn restarts_back_off_and_give_up_and_health_forgives() {
    let mut world = World::new(vec![unit("web", &[])]);
    world.orders();
    world.tell("web", Event::Ready);
    for pause in [500, 1000, 2000] {
        assert!(world.tell("web", DIED).is_empty());
        assert_eq!(world.phase("web"), Phase::BackingOff);
        assert!(world.after(Duration::from_millis(pause - 1)).is_empty());
        assert_eq!(world.after(Duration::from_millis(1)), ["start web"]);
        world.tell("web", Event::Ready);
    }
    world.after(30 * SECOND);
    assert!(world.tell("web", DIED).is_empty());
    assert_eq!(
        world.after(Duration::from_millis(500)),
        ["start web"],
        "30 s of health are a new beginning"
    );
    for _ in 0..2 {
        world.tell("web", DIED);
        world.after(10 * SECOND);
    }
    world.tell("web", DIED);
    assert!(matches!(world.phase("web"), Phase::Failed { why } if why.contains("after 3 restarts")));
}

#[test]
fn policies_decide_about_an_exit() {
    for (policy, exit, phase) in [
        (RestartPolicy::OnFailure, Exit::Code(0), Phase::Stopped),
        (RestartPolicy::OnFailure, Exit::Code(1), Phase::BackingOff),
        (RestartPolicy::Always, Exit::Code(0), Phase::BackingOff),
        (RestartPolicy::Never, Exit::Code(0), Phase::Stopped),
    ] {
        let mut world = World::new(vec![UnitSpec {
            restart: policy,
            ..unit("web", &[])
        }]);
        world.orders();
        world.tell("web", Event::Ready);
        world.tell("web", Event::Exited(exit, Suspect::Nothing));
        assert_eq!(world.phase("web"), phase, "{policy:?} {exit}");
    }
}

#[test]
fn a_first_start_that_fails_is_tried_once_without_the_hold() {
    let held = UnitSpec {
        hold: HoldUse::Stands,
        ..unit("web", &[])
    };
    let mut world = World::new(vec![held.clone()]);
    assert_eq!(world.orders(), ["start web over its hold"]);
    let in_use = Event::Exited(Exit::Code(1), Suspect::Hold);
    assert_eq!(world.tell("web", in_use), ["start web"]);
    assert_eq!(world.tell("web", Event::Ready), ["remember web"]);
    let mut world = World::new(vec![held.clone()]);
    world.orders();
    assert!(
        world.tell("web", exited(1)).is_empty(),
        "nothing points at the hold"
    );
    assert!(matches!(world.phase("web"), Phase::Failed { .. }));
    let mut world = World::new(vec![held]);
    world.orders();
    // It lives and does not listen: that is the hold's doing as well, it may be.
    assert_eq!(world.after(60 * SECOND), ["kill web"]);
    assert_eq!(world.tell("web", DIED), ["start web"]);
    assert!(world.tell("web", exited(1)).is_empty());
    assert!(matches!(world.phase("web"), Phase::Failed { .. }));
}

#[test]
fn a_stop_goes_against_the_order_of_needs_and_ends_in_a_kill() {
    let mut world = World::new(vec![unit("web", &["api"]), unit("api", &[])]);
    world.orders();
    world.tell("api", Event::Ready);
    world.tell("web", Event::Ready);
    world.supervisor.stop_all(world.now, Haste::Orderly);
    assert_eq!(world.orders(), ["terminate web"]);
    assert!(world.after(9 * SECOND).is_empty());
    assert_eq!(world.after(SECOND), ["kill web"]);
    assert_eq!(world.tell("web", DIED), ["terminate api"]);
    world.supervisor.stop_all(world.now, Haste::AtOnce);
    assert_eq!(world.orders(), ["kill api"]);
    world.tell("api", DIED);
    assert!(world.supervisor.is_still());
}

proptest! {
    /// Whatever happens, in whatever order: no unit is started twice at a time or before its
    /// needs, and a stop comes to an end.
    #[test]
    fn whatever_happens(steps in prop::collection::vec((0..3_usize, 0..7_u8, 0..40_u64), 0..200)) {
        let names = ["web", "api", "db"];
        let needs: BTreeMap<&str, &[&str]> = [("web", &["api"][..]), ("api", &["db"][..]), ("db", &[][..])].into();
        let mut world = World::new(names.iter().map(|name| unit(name, needs[name])).collect());
        let mut running = BTreeSet::new();
        let obey = |orders: Vec<String>, running: &mut BTreeSet<String>| {
            for order in orders {
                if let Some(started) = order.strip_prefix("start ") {
                    assert!(running.insert(started.to_owned()), "{started} runs already");
                }
            }
        };
        let orders = world.orders();
        obey(orders, &mut running);
        for (which, what, seconds) in steps {
            let which = names[which];
            let orders = match what {
                0 if running.contains(which) => world.tell(which, Event::Ready),
                1 if running.remove(which) => world.tell(which, exited(0)),
                2 if running.remove(which) => world.tell(which, DIED),
                3 => { world.supervisor.restart(world.now, &name(which)); world.orders() }
                4 if running.contains(which) => world.tell(which, Event::Spawned { pid: 1 }),
                5 => { world.supervisor.stop(world.now, &name(which)); world.orders() }
                _ => world.after(Duration::from_secs(seconds)),
            };
            obey(orders, &mut running);
        }
        world.supervisor.stop_all(world.now, Haste::Orderly);
        world.orders();
        for _ in 0..10 {
            for which in names {
                if running.remove(which) {
                    let orders = world.tell(which, DIED);
                    obey(orders, &mut running);
                }
            }
        }
        prop_assert!(world.supervisor.is_still() && running.is_empty());
    }
}
