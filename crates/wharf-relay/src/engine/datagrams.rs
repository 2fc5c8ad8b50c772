//! Where the links for datagrams meet the event loop. They have numbers from the same sequence as
//! those for connections; all else is theirs (`crate::datagram`).

use mio::Token;

use super::Engine;
use super::serve::Work;
use crate::datagram::{Around, DatagramSpec, Datagrams};
use crate::error::Error;
use crate::spec::LinkId;

/// The first tokens that end in two zeros are the waker's and the timer's.
const FIRST: usize = 2;

/// The token of a socket for datagrams, by its number among them.
pub(crate) fn datagram_token(number: usize) -> Token {
    Token((number + FIRST) << 2)
}

impl Engine {
    pub(crate) fn add_datagrams(&mut self, spec: DatagramSpec) -> Result<LinkId, Error> {
        if let Some(&unknown) = spec.via.iter().find(|&&id| self.segment(id).is_none()) {
            return Err(Error::NoSuchSegment(unknown));
        }
        let id = LinkId(u32::try_from(self.links.len()).unwrap_or(u32::MAX));
        // Its number is taken, and no link for connections has it.
        self.links.push(None);
        let (datagrams, around) = self.datagrams();
        datagrams.add(id, spec, around)?;
        Ok(id)
    }

    /// The links for datagrams, and what they need of the event loop.
    pub(super) fn datagrams(&mut self) -> (&mut Datagrams, Around<'_>) {
        let around = Around {
            registry: self.poll.registry(),
            clock: &self.clock,
            taps: &self.taps,
        };
        (&mut self.datagrams, around)
    }

    /// The same, if that is what a link is for.
    pub(super) fn datagrams_of(&mut self, id: LinkId) -> Option<(&mut Datagrams, Around<'_>)> {
        self.datagrams.has(id).then(|| self.datagrams())
    }

    /// A socket for datagrams may have some.
    pub(super) fn on_datagrams(&mut self, Token(token): Token) {
        let (datagrams, around) = self.datagrams();
        let source = (token >> 2).checked_sub(FIRST);
        if let Some(source) = source.and_then(|number| datagrams.source(number)) {
            datagrams.receive(source, around);
            self.note_datagrams();
        }
    }

    /// Delivers what is due.
    pub(super) fn serve_datagrams(&mut self) {
        let (datagrams, around) = self.datagrams();
        datagrams.serve(around);
        self.note_datagrams();
    }

    /// Takes to segments what goes on over them, and remembers when the next is due.
    pub(super) fn note_datagrams(&mut self) {
        while let Some(crossing) = self.datagrams.next_crossing() {
            self.cross_segment(crossing);
        }
        let next = self.datagrams.next();
        self.agenda.put(Work::Datagrams, &mut self.datagrams_slot, next);
    }
}
