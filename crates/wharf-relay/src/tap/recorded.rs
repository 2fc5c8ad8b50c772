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
    /// From when enough has been said to tell under which port.
    Soon {
        beginning: Beginning,
        since: Timestamp,
        first: Option<Box<First>>,
    },
    Yes(Conversation),
}

/// What was said first, kept until it tells the protocol: a sender may write a line in many pieces.
#[derive(Debug)]
pub(super) struct First {
    observer: Observer,
    said: Vec<(Direction, Timestamp, Vec<u8>)>,
    bytes: usize,
}

/// What became of the first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoundOut {
    /// They tell nothing yet, and are kept.
    NotYet,
    /// The protocol is known now, or these bytes will not tell it.
    AsFarAsCanBe,
}

impl Recorded {
    pub(super) fn soon(beginning: Beginning, since: Timestamp) -> Self {
        Self::Soon {
            beginning,
            since,
            first: None,
        }
    }

    pub(super) fn is_yet_to_begin(&self) -> bool {
        matches!(self, Self::Soon { .. })
    }

    /// Tells the capture what the first bytes tell. What tells nothing yet is kept, and is in the
    /// conversation when it begins.
    pub(super) fn find_out(
        &mut self,
        capture: &mut Capture,
        direction: Direction,
        now: Timestamp,
        bytes: &[u8],
    ) -> FoundOut {
        let Self::Soon { beginning, first, .. } = self else {
            return FoundOut::AsFarAsCanBe;
        };
        let first = first.get_or_insert_with(|| {
            Box::new(First {
                observer: match beginning {
                    Beginning::Seen => Observer::new(0, Options::default()),
                    Beginning::Unseen => Observer::midway(0, Options::default()),
                },
                said: Vec::new(),
                bytes: 0,
            })
        });
        let telling = bytes.get(..TELLING).unwrap_or(bytes);
        first.observer.saw(direction, now, telling, &mut |_| {});
        if let Some(protocol) = first.observer.protocol() {
            capture.knows(protocol);
            return FoundOut::AsFarAsCanBe;
        }
        if first.observer.is_done() || first.bytes + bytes.len() > TELLING {
            return FoundOut::AsFarAsCanBe;
        }
        first.bytes += bytes.len();
        first.said.push((direction, now, bytes.to_vec()));
        FoundOut::NotYet
    }

    /// The conversation, which begins now if it has not: with the handshake if that was seen, and with
    /// what was kept.
    pub(super) fn begin(&mut self, capture: &mut Capture, ends: Ends) -> Option<&mut Conversation> {
        if let Self::Soon {
            beginning,
            since,
            first,
        } = self
        {
            let listener = capture.shown(ends.listener);
            let mut conversation = Conversation::new(ends.client, listener, ends.number);
            if *beginning == Beginning::Seen {
                let mut comment = format!("connection {} to {}", ends.number, ends.listener);
                conversation.open(|packet| {
                    capture.packet(*since, &comment, packet);
                    comment.clear();
                });
            }
            for (direction, time, bytes) in first.take().into_iter().flat_map(|first| first.said) {
                conversation.data(direction, &bytes, |packet| capture.packet(time, "", packet));
            }
            *self = Self::Yes(conversation);
        }
        match self {
            Self::Yes(conversation) => Some(conversation),
            Self::No | Self::Soon { .. } => None,
        }
    }
}
