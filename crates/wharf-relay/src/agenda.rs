//! What is due when, to the nanosecond.

use std::collections::BTreeSet;
use std::time::Duration;

/// Things with at most one deadline each, served in the order of their deadlines. Nothing is looked
/// at that is not due, however many things there are.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    entries: BTreeSet<(Duration, T)>,
}

/// The deadline that a thing has in an [`Agenda`]: the thing keeps it, so that it can be moved.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Slot(Option<Duration>);

impl<T: Ord + Copy> Agenda<T> {
    pub(crate) fn new() -> Self {
        Self {
            entries: BTreeSet::new(),
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.entries.first().map(|&(due, _)| due)
    }

    /// Puts a thing at its deadline, or takes it off.
    pub(crate) fn put(&mut self, what: T, slot: &mut Slot, due: Option<Duration>) {
        if slot.0 == due {
            return;
        }
        if let Some(before) = slot.0 {
            self.entries.remove(&(before, what));
        }
        if let Some(due) = due {
            self.entries.insert((due, what));
        }
        slot.0 = due;
    }

    /// The first thing that is due, and when it was. Its slot is to be cleared.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<(Duration, T)> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop_first()
    }
}

impl Slot {
    /// Its entry has been popped.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_has_one_deadline() {
        let at = Duration::from_millis;
        let mut agenda = Agenda::new();
        let (mut a, mut b) = (Slot::default(), Slot::default());
        agenda.put('a', &mut a, Some(at(5)));
        agenda.put('b', &mut b, Some(at(3)));
        agenda.put('b', &mut b, Some(at(9)));
        assert_eq!(agenda.pop(at(4)), None);
        assert_eq!(agenda.pop(at(10)), Some((at(5), 'a')));
        a.clear();
        agenda.put('b', &mut b, None);
        agenda.put('a', &mut a, Some(at(1)));
        assert_eq!(agenda.pop(at(10)), Some((at(1), 'a')));
        assert_eq!(agenda.next(), None);
    }
}
