//! Which machine is due next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Fewer entries than this are not looked through for stale ones.
const ROOM: usize = 1024;

/// The times at which machines want to be polled, the earliest first.
#[derive(Debug)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Duration, usize)>>,
    /// The time of each machine that stands in the heap and counts. Others there are stale.
    noted: Vec<Option<Duration>>,
}

impl Timers {
    pub(super) fn new(machines: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            noted: vec![None; machines],
        }
    }

    /// A machine wants to be polled at this time, or not at all.
    pub(super) fn note(&mut self, machine: usize, at: Option<Duration>) {
        let noted = &mut self.noted[machine];
        if *noted != at {
            *noted = at;
            if let Some(at) = at {
                self.heap.push(Reverse((at, machine)));
            }
            if self.heap.len() > self.noted.len() * 4 + ROOM {
                self.tidy();
            }
        }
    }

    /// Forgets what is stale: one that is put off again and again to a far time would fill the memory.
    fn tidy(&mut self) {
        let noted = self.noted.iter().enumerate();
        self.heap = noted
            .filter_map(|(machine, at)| at.map(|at| Reverse((at, machine))))
            .collect();
    }

    /// The next time. It may be a stale one, at which nothing happens.
    pub(super) fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The machine that is due first, no later than now.
    pub(super) fn pop(&mut self, now: Duration) -> Option<(Duration, usize)> {
        while self.next().is_some_and(|at| at <= now) {
            let Reverse((at, machine)) = self.heap.pop()?;
            if self.noted[machine] == Some(at) {
                self.noted[machine] = None;
                return Some((at, machine));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_what_was_put_off_only_then() {
        let ms = Duration::from_millis;
        let mut timers = Timers::new(3);
        timers.note(0, Some(ms(30)));
        timers.note(1, Some(ms(20)));
        timers.note(2, Some(ms(10)));
        timers.note(2, Some(ms(40)));
        timers.note(1, None);
        assert_eq!(timers.pop(ms(25)), None);
        assert_eq!(timers.pop(ms(35)), Some((ms(30), 0)));
        assert_eq!(timers.pop(ms(35)), None);
        assert_eq!(timers.next(), Some(ms(40)));
        // The same time twice is one.
        timers.note(2, Some(ms(10)));
        timers.note(2, Some(ms(40)));
        assert_eq!(timers.pop(ms(50)), Some((ms(40), 2)));
        assert_eq!(timers.pop(ms(50)), None);
    }

    #[test]
    fn what_is_put_off_for_ever_takes_no_memory() {
        let ms = Duration::from_millis;
        let mut timers = Timers::new(2);
        timers.note(1, Some(ms(5)));
        for _ in 0..100_000 {
            timers.note(0, Some(ms(900)));
            timers.note(0, Some(ms(1000)));
        }
        assert!(timers.heap.len() <= 8 + ROOM, "{}", timers.heap.len());
        assert_eq!(timers.pop(ms(2000)), Some((ms(5), 1)));
        assert_eq!(timers.pop(ms(2000)), Some((ms(1000), 0)));
    }
}
