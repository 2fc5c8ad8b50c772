//! The door changes hands, by death and in order, while clients ask without retry.
//!
//! The doors are processes of their own: this test program once more, as [`door_process`].

use std::io::{BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use wharf_door::{Door, DoorConfig, OwnerNote, RunDirRoutes};

use crate::support::backend::{Backend, hear};
use crate::support::load::{Client, Failed, Habit};
use crate::support::{Site, await_that};

const ROLE: &str = "WHARF_DOOR_TEST_PROCESS";
const WAITERS: usize = 3;
const KILLS: usize = 20;
const EXITS: usize = 5;
/// From when on after a kill each request must be answered.
const RECOVERY: Duration = Duration::from_secs(1);

/// Not a test but what the tests start: a door that lives until it is killed, is told to exit by a line, or loses
/// its standard input (so that it never outlives the test).
#[test]
fn door_process() {
    let Ok(place) = std::env::var(ROLE) else {
        return;
    };
    let (port, run_dir) = place.split_once(' ').expect("a port and a directory");
    let mut config = DoorConfig::new(run_dir, std::sync::Arc::new(RunDirRoutes::new(run_dir)));
    config.port = port.parse().expect("a port");
    // A client may be kept from the processor for long; a quiet connection must outlast that.
    config.limits.quiet_grace = Duration::from_secs(5);
    config.limits.drain = Duration::from_secs(20);
    let door = Door::start(config).expect("start the door");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).expect("read");
    if read > 0 {
        let report = door.exit();
        assert_eq!(report.cut, 0, "{report:?}");
    }
    std::process::exit(0);
}

/// A door's process; killed and reaped when this is dropped.
struct DoorProcess {
    child: Child,
    orders: Option<ChildStdin>,
}

impl DoorProcess {
    fn start(site: &Site) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(["--exact", "takeover::door_process", "--nocapture"])
            .env(ROLE, format!("{} {}", site.port.number, site.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("start a door's process");
        let orders = child.stdin.take();
        Self { child, orders }
    }

    fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("reap");
    }

    fn order_exit(&mut self) {
        let mut orders = self.orders.take().expect("not ordered before");
        orders.write_all(b"exit\n").expect("order");
    }

    fn assert_ended_well(mut self) {
        let status = self.child.wait().expect("reap");
        assert!(status.success(), "{status}");
    }
}

impl Drop for DoorProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Doors, clients on both families, and a service.
struct Scene {
    doors: Vec<DoorProcess>,
    clients: Vec<Client>,
    site: Site,
    _service: Backend,
}

impl Scene {
    fn new(habits: &[(&'static str, Habit)]) -> Self {
        let service = Backend::start(|stream| {
            let mut reader = BufReader::new(stream);
            while let Some(heard) = hear(&mut reader) {
                if heard.line.contains("/slow") {
                    std::thread::sleep(Duration::from_millis(200));
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
                if reader.get_mut().write_all(answer).is_err() {
                    return;
                }
            }
        });
        let mut site = Site::new();
        site.register("shop", &[("web.shop.localhost", service.address)]);
        let mut scene = Self {
            doors: Vec::new(),
            clients: Vec::new(),
            site,
            _service: service,
        };
        scene.fill_up();
        for address in [scene.site.v4(), scene.site.v6()] {
            for (path, habit) in habits {
                scene.clients.push(Client::start(address, path, *habit));
            }
        }
        scene.await_answers();
        scene
    }

    /// Starts doors until one serves and the others wait.
    fn fill_up(&mut self) {
        while self.doors.len() < 1 + WAITERS {
            self.doors.push(DoorProcess::start(&self.site));
        }
        await_that("all doors are ready", || {
            self.owner().is_some() && self.posts() == WAITERS
        });
    }

    fn posts(&self) -> usize {
        let entries = std::fs::read_dir(self.site.path()).expect("read");
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(".sock"))
            .filter(|entry| {
                // A killed waiter's stays; the living are counted.
                let name = entry.file_name().to_string_lossy().into_owned();
                self.doors
                    .iter()
                    .any(|door| name == format!("door-{}.sock", door.child.id()))
            })
            .count()
    }

    /// Which of the doors serves.
    fn owner(&self) -> Option<usize> {
        let note = OwnerNote::read(self.site.path())?;
        self.doors.iter().position(|door| door.child.id() == note.pid)
    }

    fn take_owner(&mut self) -> DoorProcess {
        let owner = self.owner().expect("an owner");
        self.doors.swap_remove(owner)
    }

    /// Each client gets a few more answers.
    fn await_answers(&self) {
        let before: Vec<_> = self.clients.iter().map(Client::answered).collect();
        await_that("each client is answered", || {
            let mut pairs = self.clients.iter().zip(&before);
            pairs.all(|(client, before)| client.answered() >= before + 5)
        });
    }

    fn failed(&self) -> Vec<Failed> {
        self.clients.iter().flat_map(Client::failed).collect()
    }
}

fn list<'a>(failed: impl IntoIterator<Item = &'a Failed>) -> String {
    let lines = failed.into_iter().map(ToString::to_string);
    lines.take(10).collect::<Vec<_>>().join("\n")
}

#[test]
fn twenty_deaths_lose_nothing_that_begins_a_second_later() {
    let mut scene = Scene::new(&[("/", Habit::Fresh)]);
    let mut kills = Vec::new();
    for _ in 0..KILLS {
        let owner = scene.take_owner();
        kills.push(Instant::now());
        owner.kill();
        let recovered = *kills.last().expect("one") + RECOVERY;
        scene.fill_up();
        std::thread::sleep(recovered.saturating_duration_since(Instant::now()));
        scene.await_answers();
    }
    let failed = scene.failed();
    let excused = |failed: &Failed| {
        let in_flight = |kill: &Instant| failed.begun <= *kill + RECOVERY && failed.ended >= *kill;
        kills.iter().any(in_flight)
    };
    let inexcusable: Vec<_> = failed.iter().filter(|failed| !excused(failed)).collect();
    assert!(inexcusable.is_empty(), "{}", list(inexcusable));
}

#[test]
fn exits_in_order_lose_nothing() {
    let mut scene = Scene::new(&[("/", Habit::Fresh), ("/slow", Habit::Fresh), ("/", Habit::Kept)]);
    for _ in 0..EXITS {
        let mut owner = scene.take_owner();
        owner.order_exit();
        await_that("another serves", || scene.owner().is_some());
        scene.await_answers();
        owner.assert_ended_well();
        scene.fill_up();
    }
    let failed = scene.failed();
    assert!(failed.is_empty(), "{}", list(&failed));
}

/// The heir may be leaving just as it inherits: then it passes the door on at once.
#[test]
fn exits_of_two_at_once_lose_nothing() {
    let mut scene = Scene::new(&[("/", Habit::Fresh)]);
    for _ in 0..EXITS {
        let mut leaving = vec![scene.take_owner(), scene.doors.remove(0)];
        for door in &mut leaving {
            door.order_exit();
        }
        await_that("another serves", || scene.owner().is_some());
        scene.await_answers();
        for door in leaving {
            door.assert_ended_well();
        }
        scene.fill_up();
    }
    let failed = scene.failed();
    assert!(failed.is_empty(), "{}", list(&failed));
}
