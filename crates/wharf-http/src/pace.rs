//! How far a body has come, and when it may go on.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::rules::{EndManner, Shape};

/// What passes at once at a slow rate: a step is not seen by a person, nor felt by a processor.
const STEP: Duration = Duration::from_millis(20);

/// A body's progress under a [`Shape`].
#[derive(Debug)]
pub(crate) struct Pace {
    shape: Shape,
    passed: u64,
    began: Option<Instant>,
}

/// What may pass now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes.
    Pass(usize),
    /// Nothing more, ever.
    End(EndManner),
}

impl Pace {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            passed: 0,
            began: None,
        }
    }

    /// Says how many of `available` bytes, of which there is at least one, may pass, and waits until they may. Each
    /// time is reckoned from the beginning, so that late wake-ups do not add up.
    pub(crate) async fn step(&mut self, available: usize) -> Step {
        let step = self.next(available);
        if let (Step::Pass(_), Some(rate)) = (step, self.shape.rate) {
            let began = *self.began.get_or_insert_with(Instant::now);
            let nanos = u128::from(self.passed) * 8_000_000_000 / u128::from(rate.bits());
            let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            if let Some(due) = began.checked_add(time) {
                sleep_until(due).await;
            }
        }
        step
    }

    fn next(&mut self, available: usize) -> Step {
        let mut bytes = available as u64;
        if let Some(end) = self.shape.end {
            let left = end.after.saturating_sub(self.passed);
            if left == 0 {
                return Step::End(end.manner);
            }
            bytes = bytes.min(left);
        }
        if let Some(rate) = self.shape.rate {
            bytes = bytes.min(rate.bytes_in(STEP).max(1));
        }
        self.passed += bytes;
        Step::Pass(usize::try_from(bytes).unwrap_or(available))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::End;
    use wharf_link::Rate;

    /// Lets a body of `length` bytes pass: how many did, in what time, and how it ended.
    async fn pass(shape: Shape, length: usize) -> (usize, Duration, Option<EndManner>) {
        let mut pace = Pace::new(shape);
        let began = Instant::now();
        let mut passed = 0;
        while passed < length {
            match pace.step(length - passed).await {
                Step::Pass(bytes) => passed += bytes,
                Step::End(manner) => return (passed, began.elapsed(), Some(manner)),
            }
        }
        (passed, began.elapsed(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_over_the_whole_body() {
        let shape = Shape {
            rate: Some(Rate::kbit(80)),
            end: None,
        };
        let (passed, time, end) = pass(shape, 25_000).await;
        assert_eq!((passed, end), (25_000, None));
        // 10,000 bytes a second; tokio's timers are exact to a millisecond.
        assert!((2_500..=2_501).contains(&time.as_millis()), "{time:?}");
        let slowest = Shape {
            rate: Rate::from_bits(8),
            end: None,
        };
        let (_, time, _) = pass(slowest, 5).await;
        assert_eq!(time.as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_ends_early_only_if_it_has_more() {
        for manner in [EndManner::Truncate, EndManner::Stall] {
            let shape = Shape {
                rate: None,
                end: Some(End { after: 10, manner }),
            };
            assert_eq!(pass(shape, 10).await, (10, Duration::ZERO, None));
            assert_eq!(pass(shape, 11).await, (10, Duration::ZERO, Some(manner)));
        }
    }
}
