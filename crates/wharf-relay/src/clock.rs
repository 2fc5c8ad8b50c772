//! The clock and the alarm: absolute deadlines on the monotonic clock.

pub(crate) use platform::{Clock, Watch};

/// Linux: a timerfd in the event loop, where a timeout of epoll, in whole milliseconds, is up to one late.
///
/// A processor that is idle takes its time to wake, some 20 µs, and 60 µs in a virtual machine. Where the
/// thread has nothing to do for long, the alarm is set earlier by what that takes, as has been seen of
/// late, and the rest is waited for awake. That costs at most 100 µs of each millisecond.
#[cfg(target_os = "linux")]
mod platform {
    use std::io;
    use std::num::NonZeroU64;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::time::Duration;

    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
        timerfd_create, timerfd_settime,
    };

    /// The same time, to be read by other threads.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Watch;

    impl Watch {
        #[expect(clippy::unused_self, reason = "elsewhere a watch knows when it was started")]
        pub(crate) fn now(self) -> Duration {
            let time = clock_gettime(ClockId::Monotonic);
            let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
            Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
        }
    }

    /// The most by which an alarm is set early.
    const MOST_LEAD: Duration = Duration::from_micros(100);

    /// Only what is further away than this is: whoever is busy wakes in time.
    const REST: Duration = Duration::from_millis(1);

    #[derive(Debug)]
    pub(crate) struct Clock {
        timer: OwnedFd,
        /// The deadline for which an alarm is set, and when it rings.
        armed: Option<(Duration, Duration)>,
        /// The deadline that is waited for awake.
        near: Option<Duration>,
        /// How late alarms ring: three of four no later.
        lead: Duration,
    }

    impl Clock {
        pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let mut source = SourceFd(&timer.as_raw_fd());
            registry.register(&mut source, token, Interest::READABLE)?;
            // A slack of 1 ns: this thread's deadlines are not put off to be bundled with others.
            let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
            Ok(Self {
                timer,
                armed: None,
                near: None,
                lead: Duration::ZERO,
            })
        }

        pub(crate) fn now(&self) -> Duration {
            self.watch().now()
        }

        pub(crate) fn watch(&self) -> Watch {
            Watch
        }

        /// Sees to it that the event loop wakes at `deadline`. The timeout to wait with, on top.
        pub(crate) fn arm(&mut self, deadline: Option<Duration>) -> Option<Duration> {
            // Without a deadline an alarm that is set stays set: a vain wake-up costs less.
            let deadline = deadline?;
            if self.near == Some(deadline) {
                return Some(Duration::ZERO);
            }
            if self.armed.is_some_and(|(armed, _)| armed == deadline) {
                return None;
            }
            let far = deadline > self.now() + REST;
            let rings = if far {
                deadline.saturating_sub(self.lead)
            } else {
                deadline
            };
            let zero = Timespec::default();
            let timer = Itimerspec {
                it_interval: zero,
                it_value: Timespec::try_from(rings).unwrap_or(zero),
            };
            match timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &timer) {
                Ok(_) => {
                    self.armed = Some((deadline, rings));
                    None
                }
                Err(_) => Some(deadline.saturating_sub(self.now())),
            }
        }

        /// The alarm has rung: the same deadline may be armed again.
        pub(crate) fn rang(&mut self) {
            let Some((deadline, rings)) = self.armed.take() else {
                return;
            };
            let now = self.now();
            self.near = (rings <= now && now < deadline).then_some(deadline);
            self.lead = follow(self.lead, now.saturating_sub(rings)).min(MOST_LEAD);
        }
    }

    /// Comes nearer to a value that three of four are below: three steps up for one that is above, one
    /// down for one that is not.
    fn follow(estimate: Duration, value: Duration) -> Duration {
        const STEP: Duration = Duration::from_micros(1);
        if value > estimate {
            estimate + STEP * 3
        } else {
            estimate.saturating_sub(STEP)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_estimate_settles_where_three_of_four_are_below() {
            let mut estimate = Duration::ZERO;
            for number in 0..40_000u64 {
                // 0 to 99 µs, each as often, in an order of no period.
                let value = Duration::from_micros(number * 7_919 % 100);
                estimate = follow(estimate, value);
            }
            let micros = estimate.as_micros();
            assert!((70..=80).contains(&micros), "{micros}");
        }
    }
}

/// Elsewhere: the timeout of the event loop, in whole milliseconds. Latency is up to 1 ms late.
#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;
    use std::time::{Duration, Instant};

    use mio::{Registry, Token};

    /// The same time, to be read by other threads.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Watch {
        start: Instant,
    }

    impl Watch {
        pub(crate) fn now(self) -> Duration {
            self.start.elapsed()
        }
    }

    #[derive(Debug)]
    pub(crate) struct Clock {
        start: Instant,
    }

    impl Clock {
        pub(crate) fn new(_: &Registry, _: Token) -> io::Result<Self> {
            Ok(Self {
                start: Instant::now(),
            })
        }

        pub(crate) fn now(&self) -> Duration {
            self.watch().now()
        }

        pub(crate) fn watch(&self) -> Watch {
            Watch { start: self.start }
        }

        pub(crate) fn arm(&mut self, deadline: Option<Duration>) -> Option<Duration> {
            deadline.map(|deadline| deadline.saturating_sub(self.now()))
        }

        pub(crate) fn rang(&mut self) {}
    }
}
