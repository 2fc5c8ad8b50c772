//! Whose process is at the other end?

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use wharf_host::sockets::{PeerUid, peer_uid};

use crate::Exposure;

/// Decides about a peer by the connection's two addresses (ours, theirs), before a byte of it is read.
#[derive(Clone)]
pub struct PeerCheck(Arc<dyn Fn(SocketAddr, SocketAddr) -> PeerVerdict + Send + Sync>);

/// What a [`PeerCheck`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerVerdict {
    /// It may ask.
    Admit,
    /// It may not: it is another user's.
    Refuse,
    /// It cannot be known whose it is, and so it may not either. Most often it has closed its end again, as those do
    /// who only look whether somebody listens.
    Unknown,
}

impl PeerCheck {
    /// A check of another kind.
    pub fn new(check: impl Fn(SocketAddr, SocketAddr) -> PeerVerdict + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    /// Admits this user's processes, and refuses what is not known. Under [`Exposure::AsWritten`] peers on other
    /// machines are admitted too: whose they are cannot be known, and that they may come has been asked for.
    #[must_use]
    pub fn same_user(exposure: Exposure) -> Self {
        Self::new(move |local, peer| {
            let elsewhere = !peer.ip().to_canonical().is_loopback() && peer.ip() != local.ip();
            match peer_uid(local, peer) {
                uid if uid.is_own() => PeerVerdict::Admit,
                PeerUid::Unknown if elsewhere && exposure == Exposure::AsWritten => PeerVerdict::Admit,
                PeerUid::Known(_) => PeerVerdict::Refuse,
                PeerUid::Unknown => PeerVerdict::Unknown,
            }
        })
    }

    pub(crate) fn verdict(&self, local: SocketAddr, peer: SocketAddr) -> PeerVerdict {
        (self.0)(local, peer)
    }
}

impl fmt::Debug for PeerCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCheck").finish_non_exhaustive()
    }
}
