//! The door's thread: waits for its turn, serves, passes the door on.

use std::fs::File;
use std::future::pending;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::thread;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::handover::{self, Handed, Heir, Post};
use crate::lock::{self, Lock};
use crate::seat::Seat;
use crate::serving::Serving;
use crate::sockets::Holds;
use crate::status::Status;
use crate::{DoorConfig, DoorError, ExitReport, OwnerNote, Role};

/// What can happen to a door.
#[derive(Debug)]
pub(crate) enum Event {
    /// The owner has died, and the kernel gave us its lock.
    Won(Lock),
    /// The user wants to go.
    Exit {
        drain: Duration,
        reply: std_mpsc::Sender<ExitReport>,
    },
}

pub(crate) struct Engine {
    runtime: Runtime,
    room: Room,
}

/// All that the event loop works with.
struct Room {
    config: DoorConfig,
    status: Arc<Status>,
    events: mpsc::Sender<Event>,
    inbox: mpsc::Receiver<Event>,
    /// Talks with owners that want to pass the door on.
    talks: JoinSet<io::Result<Handed>>,
}

/// What a waiter has: the bound sockets, and the post at which an exiting owner finds it.
struct Waiting {
    holds: Holds,
    post: Option<(UnixListener, Post)>,
}

enum State {
    Waiting(Waiting),
    Serving(Serving),
    Failed,
}

impl Engine {
    pub(crate) fn new(
        config: DoorConfig,
        status: Arc<Status>,
        events: mpsc::Sender<Event>,
        inbox: mpsc::Receiver<Event>,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let room = Room {
            config,
            status,
            events,
            inbox,
            talks: JoinSet::new(),
        };
        Ok(Self { runtime, room })
    }

    /// Runs until the exit. Says by `started` when the first role is known.
    pub(crate) fn run(
        mut self,
        seat: Result<Seat, (Holds, File)>,
        started: &std_mpsc::Sender<Result<(), DoorError>>,
    ) {
        let reply = self.runtime.block_on(async {
            let begun = match seat {
                Ok(seat) => self.room.serve(seat),
                Err((holds, file)) => self.room.wait(holds, file),
            };
            let state = match begun {
                Ok(state) => state,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return None;
                }
            };
            let _ = started.send(Ok(()));
            self.room.live(state).await
        });
        // First all that is left is cut, then the lock (in the report's keeping until here) goes.
        drop(self.runtime);
        if let Some((reply, report, lock)) = reply {
            drop(lock);
            let _ = reply.send(report);
        }
    }
}

type Farewell = (std_mpsc::Sender<ExitReport>, ExitReport, Option<Lock>);

impl Room {
    async fn live(&mut self, mut state: State) -> Option<Farewell> {
        loop {
            tokio::select! {
                event = self.inbox.recv() => match (event?, state) {
                    (Event::Exit { drain, reply }, last) => {
                        let (report, lock) = self.leave(last, drain).await;
                        return Some((reply, report, lock));
                    }
                    (Event::Won(lock), State::Waiting(waiting)) => state = self.succeed(lock, waiting),
                    // Dropped, and so free for the next: it is not our turn any more.
                    (Event::Won(_), other) => state = other,
                },
                Some(talk) = self.talks.join_next() => {
                    if let (Ok(Ok(handed)), State::Waiting(_)) = (talk, &state) {
                        state = self.inherit(handed);
                    }
                }
                stream = visitor(&state) => self.talk(stream),
            }
        }
    }

    /// Sleeps in the lock on a thread of its own. It cannot be woken otherwise: if this door is passed on or goes
    /// before, the thread stays until the lock comes to it, finds nobody, and lets go.
    fn wait(&self, holds: Holds, file: File) -> Result<State, DoorError> {
        let events = self.events.clone();
        thread::Builder::new()
            .name("wharf-door-lock".to_owned())
            .spawn(move || {
                if let Some(lock) = lock::wait(file) {
                    let _ = events.blocking_send(Event::Won(lock));
                }
            })
            .map_err(DoorError::Thread)?;
        let run_dir = &self.config.run_dir;
        let post = Post::open(run_dir).and_then(|post| {
            let listener = UnixListener::from_std(post.listener.try_clone()?)?;
            Ok((listener, post))
        });
        let waiting = Waiting {
            holds,
            // Without a post (a path longer than 107 bytes, say) this door still takes over at a death.
            post: post.ok(),
        };
        self.status.set(Role::Waiting);
        Ok(State::Waiting(waiting))
    }

    fn succeed(&mut self, lock: Lock, waiting: Waiting) -> State {
        let seat = Seat::take(
            lock,
            waiting.holds,
            self.config.who_has.as_deref(),
            &mut self.config.fallback,
        );
        match seat {
            Ok(seat) => self.serve_or_fail(seat),
            Err(error) => self.fail(&error),
        }
    }

    fn serve_or_fail(&self, seat: Seat) -> State {
        self.serve(seat).unwrap_or_else(|error| self.fail(&error))
    }

    fn serve(&self, seat: Seat) -> Result<State, DoorError> {
        let role = seat.role(self.config.port);
        let lost = seat.lost.iter().map(ToString::to_string).collect();
        let note = OwnerNote::of_this_process(seat.addresses(), lost);
        let serving = Serving::start(seat, &self.config, &self.status).map_err(DoorError::Thread)?;
        let written = note.write(&self.config.run_dir);
        self.status.set(role);
        written.map_err(DoorError::file("write", self.config.run_dir.join("door.owner")))?;
        Ok(State::Serving(serving))
    }

    fn fail(&self, error: &DoorError) -> State {
        self.status.set(Role::Failed {
            why: error.to_string(),
        });
        State::Failed
    }

    fn inherit(&self, handed: Handed) -> State {
        self.serve_or_fail(Seat::inherit(handed, self.config.port))
    }

    /// An owner has come to our post: talk with it, away from the event loop.
    fn talk(&mut self, stream: tokio::net::UnixStream) {
        if let Ok(stream) = stream.into_std() {
            self.talks.spawn_blocking(move || handover::receive(stream));
        }
    }

    async fn leave(&mut self, state: State, drain: Duration) -> (ExitReport, Option<Lock>) {
        let serving = match state {
            State::Serving(serving) => Some(serving),
            State::Waiting(waiting) => self.inherit_before_leaving(waiting).await,
            State::Failed => None,
        };
        let Some(mut serving) = serving else {
            return (ExitReport::default(), None);
        };
        let heir = self.find_heir(&serving).await;
        serving.stop_accepting(heir.is_some()).await;
        let passed_to = heir.and_then(Heir::commit);
        if passed_to.is_none() {
            OwnerNote::remove(&self.config.run_dir);
        }
        let (cut, lock) = serving.drain(drain).await;
        (ExitReport { passed_to, cut }, Some(lock))
    }

    /// An owner may be passing the door to us at this moment: what it has given up must not be lost.
    async fn inherit_before_leaving(&mut self, waiting: Waiting) -> Option<Serving> {
        drop(waiting);
        let mut last = None;
        while let Some(talk) = self.talks.join_next().await {
            if let Ok(Ok(handed)) = talk {
                last = Some(self.inherit(handed));
            }
        }
        match last {
            Some(State::Serving(serving)) => Some(serving),
            _ => None,
        }
    }

    async fn find_heir(&self, serving: &Serving) -> Option<Heir> {
        let run_dir = self.config.run_dir.clone();
        let note = serving.seat.note(self.config.port);
        let lock = serving.seat.lock.as_fd().try_clone_to_owned().ok()?;
        let listeners: Option<Vec<_>> = serving
            .seat
            .listeners
            .iter()
            .map(|listener| listener.try_clone().ok())
            .collect();
        let listeners = listeners?;
        // The door serves on while they talk.
        tokio::task::spawn_blocking(move || {
            handover::offer(&run_dir, &listeners, lock.as_fd(), note.as_bytes())
        })
        .await
        .ok()
        .flatten()
    }
}

async fn visitor(state: &State) -> tokio::net::UnixStream {
    let State::Waiting(Waiting {
        post: Some((listener, _)),
        ..
    }) = state
    else {
        return pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Out of descriptors, most likely: that does not pass by trying at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
