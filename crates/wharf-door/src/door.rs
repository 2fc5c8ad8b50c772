//! Starting a door, and holding it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::engine::{Engine, Event};
use crate::seat::Seat;
use crate::sockets::Holds;
use crate::status::Status;
use crate::{Counters, DoorConfig, DoorError, ExitReport, OwnerNote, Role, lock};

/// A door: start it, and it serves or waits for its turn.
#[derive(Debug)]
pub struct Door;

/// A door that has been started. Dropping it is an [`exit`](Self::exit) without time for draining.
#[derive(Debug)]
pub struct DoorHandle {
    status: Arc<Status>,
    run_dir: PathBuf,
    events: mpsc::Sender<Event>,
    drain: Duration,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Starts a door. If nobody serves, this one serves when `start` returns; else it waits.
    pub fn start(mut config: DoorConfig) -> Result<DoorHandle, DoorError> {
        check_run_dir(&config.run_dir)?;
        let status = Arc::new(Status::new());
        // The holds before the lock: descriptors are closed in order of their number, so that at a sudden death the
        // listeners are gone before the lock is free.
        let holds = Holds::take(config.port);
        let file = lock::open(&config.run_dir)?;
        let seat_or_file = match lock::try_take(file, &config.run_dir)? {
            Ok(lock) => Ok(Seat::take(
                lock,
                holds,
                config.who_has.as_deref(),
                &mut config.fallback,
            )?),
            Err(file) => Err((holds, file)),
        };
        let (events, inbox) = mpsc::channel(16);
        let run_dir = config.run_dir.clone();
        let drain = config.limits.drain;
        let engine =
            Engine::new(config, Arc::clone(&status), events.clone(), inbox).map_err(DoorError::Thread)?;
        let (started, wait) = std_mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("wharf-door".to_owned())
            .spawn(move || engine.run(seat_or_file, &started))
            .map_err(DoorError::Thread)?;
        let handle = DoorHandle {
            status,
            run_dir,
            events,
            drain,
            thread: Some(thread),
        };
        match wait.recv() {
            Ok(result) => result.map(|()| handle),
            Err(_) => Err(DoorError::Thread(std::io::Error::other("it ended at once"))),
        }
    }
}

impl DoorHandle {
    /// The part this door plays now.
    pub fn role(&self) -> Role {
        self.status.role()
    }

    /// Waits, at most for `patience`, until the role is as `wanted`.
    pub fn wait_until(&self, patience: Duration, wanted: impl Fn(&Role) -> bool) -> bool {
        self.status.wait_until(patience, wanted)
    }

    /// Who serves the door, and where: this process or another.
    pub fn owner(&self) -> Option<OwnerNote> {
        OwnerNote::read(&self.run_dir)
    }

    /// What has been counted.
    pub fn counters(&self) -> Counters {
        self.status.tally.read()
    }

    /// Passes the listeners to a waiter, if there is one, answers what is in flight, and goes. Bounded by
    /// [`Limits::drain`](crate::Limits) and a few seconds for waiters that do not answer.
    pub fn exit(mut self) -> ExitReport {
        let drain = self.drain;
        self.leave(drain)
    }

    fn leave(&mut self, drain: Duration) -> ExitReport {
        let Some(thread) = self.thread.take() else {
            return ExitReport::default();
        };
        let (reply, report) = std_mpsc::channel();
        // If the engine is gone there is nobody to tell, and nothing to report.
        let _ = self.events.blocking_send(Event::Exit { drain, reply });
        let report = report.recv().unwrap_or_default();
        let _ = thread.join();
        self.status.set(Role::Gone);
        report
    }
}

impl Drop for DoorHandle {
    fn drop(&mut self) {
        self.leave(Duration::ZERO);
    }
}

/// Whoever can write to the run directory can take the door's place: it must be ours alone.
fn check_run_dir(run_dir: &Path) -> Result<(), DoorError> {
    let about = fs::metadata(run_dir).map_err(DoorError::file("stat", run_dir))?;
    let problem = if !about.is_dir() {
        "it is not a directory"
    } else if about.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to another user"
    } else if about.permissions().mode() & 0o077 != 0 {
        "others can enter it (chmod 700)"
    } else {
        return Ok(());
    };
    Err(DoorError::RunDir {
        path: run_dir.to_owned(),
        problem,
    })
}
