//! What all connections of a stage share, and how each begins.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use wharf_link::Seed;

use crate::dial::{DialError, Target};
use crate::rules::RuleSet;
use crate::stage::held;
use crate::stats::Tally;
use crate::tls::Speech;
use crate::wire::Wire;
use crate::{Carries, Limits, PeerCheck, PeerVerdict, StageConfig, h1, h2, raw};

/// When accept fails (no descriptors left), it fails again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How each HTTP/2 connection of a client begins (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) struct Desk {
    pub(crate) rules: Mutex<Arc<RuleSet>>,
    pub(crate) target: Mutex<Arc<Target>>,
    pub(crate) tally: Tally,
    pub(crate) limits: Limits,
    carries: Carries,
    peer_check: Option<PeerCheck>,
    room: Arc<Semaphore>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    pub(crate) fn new(config: StageConfig, target: Target, seed: Seed) -> Self {
        Self {
            rules: Mutex::new(Arc::new(RuleSet::new(config.rules, seed))),
            target: Mutex::new(Arc::new(target)),
            tally: Tally::default(),
            limits: config.limits,
            carries: config.carries,
            peer_check: config.peer_check,
            room: Arc::new(Semaphore::new(config.limits.connections)),
        }
    }

    pub(crate) fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&held(&self.rules))
    }

    pub(crate) fn target(&self) -> Arc<Target> {
        Arc::clone(&held(&self.target))
    }

    pub(crate) async fn dial(&self, speech: Speech) -> Result<Wire, DialError> {
        let target = self.target();
        target.dial(speech, self.limits.dial, &self.tally).await
    }

    /// Accepts until the stage ends.
    pub(crate) async fn serve(self: &Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.greet(stream, peer),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn greet(self: &Arc<Self>, stream: TcpStream, peer: std::net::SocketAddr) {
        let local = stream.local_addr();
        // Best effort: without it small messages wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        // From here on a connection that is dropped is reset.
        let wire = Wire::clear(stream);
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            return Tally::one_more(&self.tally.shed);
        };
        if let Some(check) = &self.peer_check
            && local.is_ok_and(|local| check(local, peer) == PeerVerdict::Refuse)
        {
            return Tally::one_more(&self.tally.strangers);
        }
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            Tally::one_more(&desk.tally.total_connections);
            Tally::one_more(&desk.tally.connections);
            Box::pin(desk.carry(wire)).await;
            Tally::one_less(&desk.tally.connections);
            drop(permit);
        });
    }

    /// Carries one connection to its end. How it ends, its two wires say.
    async fn carry(self: &Arc<Self>, mut client: Wire) {
        if self.carries == Carries::Raw {
            return raw::carry(client, self).await;
        }
        let Some((speech, first)) = sniff(&mut client).await else {
            return;
        };
        client.unread(first.freeze());
        match speech {
            Speech::Http2 => h2::carry(client, self).await,
            _ => h1::carry(client, self).await,
        }
    }
}

/// Reads until it is known what the client speaks. Until then a connection waits as long as its client does, as
/// it would at its provider. `None`: it is gone, without a word.
async fn sniff(client: &mut Wire) -> Option<(Speech, BytesMut)> {
    let mut first = BytesMut::with_capacity(PREFACE.len());
    while PREFACE.starts_with(&first) {
        if first.len() == PREFACE.len() {
            return Some((Speech::Http2, first));
        }
        let mut rest = (&mut *client).take((PREFACE.len() - first.len()) as u64);
        match rest.read_buf(&mut first).await {
            Err(_) => return None,
            Ok(0) => break,
            Ok(_) => {}
        }
    }
    Some((Speech::Http1, first))
}
