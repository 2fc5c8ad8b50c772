//! The clock and the alarm: absolute deadlines on the monotonic clock.

pub(crate) use platform::{Clock, Watch};

/// Linux: a timerfd in the event loop, 18 µs late at the median where a timeout of epoll, in whole
/// milliseconds, is up to one late.
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

    #[derive(Debug)]
    pub(crate) struct Clock {
        timer: OwnedFd,
        armed: Option<Duration>,
    }

    impl Clock {
        pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let mut source = SourceFd(&timer.as_raw_fd());
            registry.register(&mut source, token, Interest::READABLE)?;
            // A slack of 1 ns: this thread's deadlines are not put off to be bundled with others.
            let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
            let armed = None;
            Ok(Self { timer, armed })
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
            let time = deadline.filter(|_| self.armed != deadline)?;
            let zero = Timespec::default();
            let timer = Itimerspec {
                it_interval: zero,
                it_value: Timespec::try_from(time).unwrap_or(zero),
            };
            match timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &timer) {
                Ok(_) => {
                    self.armed = deadline;
                    None
                }
                Err(_) => Some(time.saturating_sub(self.now())),
            }
        }

        /// A deadline has passed: the same one may be armed again.
        pub(crate) fn rang(&mut self) {
            self.armed = None;
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
