//! How far the recording of one connection in a capture has come.

use std::net::SocketAddr;

use wharf_capture::observe::{Observer, Options};
use wharf_capture::synth::Conversation;
use wharf_capture::{Direction, Timestamp};

use super::Beginning;
use super::capture::Capture;

/// How many bytes tell a protocol.
const TELLING: usize = 4_096;

/// Who speaks on a connection, and its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) number: u64,
    pub(super) client: SocketAddr,
    pub(super) listener: SocketAddr,
}

/// Whether a connection is recorded.
#[derive(Debug)]
pub(super) enum Recorded {
    No,
    /// From when somebody says something, since that may tell under which port.
    Soon {
        beginning: Beginning,
        since: Timestamp,
    },
    Yes(Conversation),
}

impl Recorded {
    pub(super) fn is_yet_to_begin(&self) -> bool {
        matches!(self, Self::Soon { .. })
    }

    /// Tells the capture what the first bytes tell.
    pub(super) fn find_out(&self, capture: &mut Capture, direction: Direction, bytes: &[u8]) {
        let Self::Soon { beginning, .. } = self else {
            return;
        };
        let mut observer = match beginning {
            Beginning::Seen => Observer::new(0, Options::default()),
            Beginning::Unseen => Observer::midway(0, Options::default()),
        };
        let bytes = bytes.get(..TELLING).unwrap_or(bytes);
        observer.saw(direction, Timestamp::default(), bytes, &mut |_| {});
        if let Some(protocol) = observer.protocol() {
            capture.knows(protocol);
        }
    }

    /// The conversation, which begins now if it has not, with the handshake if that was seen.
    pub(super) fn begin(&mut self, capture: &mut Capture, ends: Ends) -> Option<&mut Conversation> {
        if let &mut Self::Soon { beginning, since } = self {
            let listener = capture.shown(ends.listener);
            let mut conversation = Conversation::new(ends.client, listener, ends.number);
            if beginning == Beginning::Seen {
                let mut comment = format!("connection {} to {}", ends.number, ends.listener);
                conversation.open(|packet| {
                    capture.packet(since, &comment, packet);
                    comment.clear();
                });
            }
            *self = Self::Yes(conversation);
        }
        match self {
            Self::Yes(conversation) => Some(conversation),
            Self::No | Self::Soon { .. } => None,
        }
    }
}
