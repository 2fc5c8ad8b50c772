//! Connections that other threads carry (`crate::hand`), and how they come home.

use mio::Token;

use super::{Engine, OF_CLIENT, OF_PROVIDER};
use crate::connection::{DOWN, Progress, UP};
use crate::hand::Guest;
use crate::key::Key;

impl Engine {
    /// Hands a connection to a thread that carries bulk, if nothing is in its way and there is such a
    /// thread. Whether it is gone.
    pub(super) fn hand_over(&mut self, key: Key) -> bool {
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        let Some(Some(link)) = self.links.get_mut(connection.link as usize) else {
            return false;
        };
        if !(link.is_plain() && connection.is_plain()) {
            return false;
        }
        let Some(hand) = self.hands.least_busy() else {
            return false;
        };
        connection.unwatch(self.poll.registry());
        self.pipes.part_with(connection.pipes());
        let tallies = link.tallies_of(hand);
        link.counts.away += 1;
        let connection = connection.leave(hand);
        let guest = Guest {
            home: key,
            connection,
            tallies,
        };
        self.hands.give(hand, guest);
        true
    }

    /// Calls all connections of a link home, before anything of the link changes.
    pub(super) fn call_home(&mut self, link: u32) {
        let mut hands = Vec::new();
        self.connections.keys(|connection| {
            if let (true, Progress::Away(hand)) = (connection.link == link, &connection.progress) {
                hands.push(*hand);
            }
            false
        });
        hands.sort_unstable();
        hands.dedup();
        for hand in hands {
            for guest in self.hands.take_back(hand, link) {
                self.welcome(guest);
            }
        }
        // Those that are not among them have ended, and that was said before.
        self.note_gone();
    }

    fn welcome(&mut self, guest: Guest) {
        let Guest { home: key, .. } = guest;
        let Some(place) = self.connections.get_mut(key) else {
            return;
        };
        *place = guest.connection;
        if let Some(Some(link)) = self.links.get_mut(place.link as usize) {
            link.counts.away -= 1;
        }
        self.pipes.adopt(place.pipes());
        let index = key.index as usize;
        let token = |direction| Token(index << 2 | if direction == UP { OF_CLIENT } else { OF_PROVIDER });
        match place.watch(self.poll.registry(), token) {
            Ok(()) => self.unfinished.extend([(key, UP), (key, DOWN)]),
            Err(_) => self.abort(key),
        }
    }

    /// Forgets connections that have ended elsewhere.
    pub(super) fn note_gone(&mut self) {
        while let Some(key) = self.hands.next_gone() {
            let link = self.connections.get_mut(key).map(|connection| connection.link);
            if let Some(link) = link.and_then(|link| self.link_mut(link)) {
                link.counts.away -= 1;
            }
            self.close(key);
        }
    }
}
