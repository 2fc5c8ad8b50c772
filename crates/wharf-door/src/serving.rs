//! Accepting connections, and the way out.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection::{self, Visit};
use crate::lock::Lock;
use crate::seat::Seat;
use crate::status::{Status, Tally};
use crate::{DoorConfig, Limits, PeerCheck, PeerVerdict, Routes};

/// When accept fails (no descriptors left), it fails again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The queue that is emptied before a listener is closed cannot be longer (`somaxconn` is 4096).
const LONGEST_QUEUE: usize = 8192;

/// A door that serves.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) seat: Seat,
    desk: Arc<Desk>,
    accepting: JoinSet<()>,
}

/// What all connections share.
pub(crate) struct Desk {
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) limits: Limits,
    pub(crate) status: Arc<Status>,
    /// Whether the door is on its way out.
    pub(crate) leaving: watch::Sender<bool>,
    /// Connections that an exit waits for.
    pub(crate) busy: watch::Sender<usize>,
    peer_check: Option<PeerCheck>,
    room: Arc<Semaphore>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Serving {
    pub(crate) fn start(seat: Seat, config: &DoorConfig, status: &Arc<Status>) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            routes: Arc::clone(&config.routes),
            limits: config.limits.clone(),
            status: Arc::clone(status),
            leaving: watch::Sender::new(false),
            busy: watch::Sender::new(0),
            peer_check: config.peer_check.clone(),
            room: Arc::new(Semaphore::new(config.limits.connections)),
        });
        let mut accepting = JoinSet::new();
        for listener in &seat.listeners {
            let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
            accepting.spawn(accept(listener, Arc::clone(&desk)));
        }
        Ok(Self {
            seat,
            desk,
            accepting,
        })
    }

    /// Accepts nothing more. Closing a listener resets the connections in its queue, so unless another process has
    /// the same listener, the queue is emptied first.
    pub(crate) async fn stop_accepting(&mut self, passed_on: bool) {
        self.accepting.shutdown().await;
        for listener in self.seat.listeners.drain(..) {
            if !passed_on {
                empty(&listener, &self.desk);
            }
        }
    }

    /// Answers what is in flight, and says how many connections are left then.
    pub(crate) async fn drain(self, patience: Duration) -> (usize, Lock) {
        self.desk.leaving.send_replace(true);
        let mut busy = self.desk.busy.subscribe();
        // Either all are done or the time is up: what is left is counted next.
        let _ = timeout(patience, busy.wait_for(|busy| *busy == 0)).await;
        let left = self.desk.limits.connections - self.desk.room.available_permits();
        (left, self.seat.lock)
    }
}

async fn accept(listener: tokio::net::TcpListener, desk: Arc<Desk>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => desk.greet(stream, peer),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn empty(listener: &TcpListener, desk: &Arc<Desk>) {
    for _ in 0..LONGEST_QUEUE {
        match listener.accept() {
            Ok((stream, peer)) => {
                let stream = stream
                    .set_nonblocking(true)
                    .and_then(|()| TcpStream::from_std(stream));
                if let Ok(stream) = stream {
                    desk.greet(stream, peer);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => return,
        }
    }
}

impl Desk {
    /// A connection at the door: let in, or closed before a byte of it is read.
    fn greet(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let Ok(local) = stream.local_addr() else {
            return;
        };
        let tally = &self.status.tally;
        let Some(permit) = self.permit() else {
            Tally::one_more(&tally.shed);
            return;
        };
        if let Some(check) = &self.peer_check
            && check(local, peer) == PeerVerdict::Refuse
        {
            Tally::one_more(&tally.strangers);
            return;
        }
        Tally::one_more(&tally.connections);
        // Best effort: without it, small answers wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        let visit = Visit::new(Arc::clone(self), local, peer, permit);
        tokio::spawn(connection::serve(stream, visit));
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }
}
