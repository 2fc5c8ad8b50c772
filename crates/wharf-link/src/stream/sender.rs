//! The near end: what may be sent, what is lost, and when that is known.

use std::time::Duration;

use super::acknowledgement::Ack;
use super::congestion::{Control, Delivered, Sample};
use super::rtt::Rtt;
use super::scoreboard::Scoreboard;
use super::segment::{Cargo, LONGEST_TRAIN, MSS, Segment, Supply};
use super::{Counters, DEFAULT_WINDOW, Settings, TailProbe};

/// What the sender is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// A mark has reduced the window (RFC 3168).
    Reduced,
    /// Holes are being filled (RFC 6675).
    Recovery,
    /// A timeout has come, and all is sent again (RFC 5681, 3.1).
    Loss,
}

/// What has become of the probe of the tail (RFC 8985, 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    Idle,
    Due,
    /// It is under way, with this number.
    Sent(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alarm {
    Timeout,
    Probe,
    /// What was doubtful is lost by now.
    Doubt,
}

/// How much of the window was used in this round, and in the one before.
#[derive(Debug, Clone, Default)]
struct Usage {
    round_end: u64,
    most: [usize; 2],
    limited: [bool; 2],
}

impl Usage {
    fn limited(&self) -> bool {
        self.limited.iter().any(|&limited| limited)
    }

    fn most(&self) -> f64 {
        self.most.iter().fold(0, |most, &each| most.max(each)) as f64
    }
}

#[derive(Debug, Clone)]
pub(super) struct Sender {
    board: Scoreboard,
    control: Control,
    rtt: Rtt,
    phase: Phase,
    /// Recovery, reduction and loss end when all before this is acknowledged.
    recover: u64,
    /// The first of what was lost is sent again whatever the window (RFC 6675, 5, step 4.3).
    forced: bool,
    tail_probe: TailProbe,
    probe: Probe,
    alarm: Option<(Duration, Alarm)>,
    /// When the first segment became another, or its timer began anew for another reason.
    progress: Duration,
    last_sent: Duration,
    usage: Usage,
    /// The round trip of the latest transmission that has been delivered.
    latest_round_trip: Duration,
    /// When what is doubtful will be lost.
    doubtful: Option<Duration>,
    delivered: u64,
    delivered_at: Duration,
    window: u64,
    most: usize,
    /// The most bytes that are sent as one.
    longest: u32,
    /// Whether the sender had less to send than it might have.
    starved: bool,
    counters: Counters,
}

/// The receive window in bytes and in segments. Small segments count as whole ones, as a receiver's
/// memory has it.
fn window(settings: Settings) -> (u64, usize) {
    /// Bounds the memory of a stream: some ten megabytes.
    const MOST: u64 = 256 << 20;
    let bytes = settings.window.unwrap_or(DEFAULT_WINDOW).bytes();
    let bytes = bytes.clamp(u64::from(MSS), MOST);
    let segments = usize::try_from(bytes / u64::from(MSS)).unwrap_or(usize::MAX);
    (bytes, segments)
}

impl Sender {
    pub(super) fn new(settings: Settings, round_trip: Duration, initial: Option<f64>) -> Self {
        let (window, most) = window(settings);
        let mut rtt = Rtt::default();
        rtt.sample(round_trip);
        Self {
            board: Scoreboard::default(),
            control: Control::new(settings.congestion, most as f64, initial),
            rtt,
            phase: Phase::Open,
            recover: 0,
            forced: false,
            tail_probe: settings.tail_probe,
            probe: Probe::Idle,
            alarm: None,
            progress: Duration::ZERO,
            last_sent: Duration::ZERO,
            usage: Usage::default(),
            latest_round_trip: round_trip,
            doubtful: None,
            delivered: 0,
            delivered_at: Duration::ZERO,
            window,
            most,
            longest: MSS,
            starved: false,
            counters: Counters::default(),
        }
    }

    pub(super) fn set(&mut self, settings: Settings) {
        (self.window, self.most) = window(settings);
        self.tail_probe = settings.tail_probe;
        self.control.change(settings.congestion, self.most as f64);
    }

    pub(super) fn set_longest(&mut self, bytes: u32) {
        self.longest = bytes.clamp(MSS, LONGEST_TRAIN);
    }

    pub(super) fn window(&self) -> usize {
        self.control.window()
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.board.bytes()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.board.len() == 0
    }

    /// Whether acknowledgements matter even to one who has nothing to send.
    pub(super) fn is_repairing(&self) -> bool {
        self.phase != Phase::Open || self.board.sacked() > 0 || self.board.has_lost()
    }

    pub(super) fn alarm(&self) -> Option<Duration> {
        self.alarm.map(|(at, _)| at)
    }

    /// What may be sent as things stand.
    pub(super) fn cargo(&mut self, supply: Supply) -> Option<Cargo> {
        let open = self.board.pipe() < self.control.window();
        self.starved = open && supply == Supply::Empty;
        if let Some(len) = self.board.first_lost()
            && (open || self.forced)
        {
            return Some(Cargo::Again(len));
        }
        if self.probe == Probe::Due {
            match self.board.last() {
                Some(last) => return Some(Cargo::Again(last.len)),
                None => self.probe = Probe::Idle,
            }
        }
        if supply == Supply::Empty {
            return None;
        }
        let room = self.window.saturating_sub(self.board.bytes());
        let worthwhile = u64::from(MSS).min(self.window / 2).max(1);
        if self.board.segments() >= self.most || room < worthwhile {
            return None;
        }
        if !open {
            self.usage.limited[0] = true;
            return None;
        }
        // As many segments as either window has room for.
        let free = self.control.window() - self.board.pipe();
        let free = free.min(self.most - self.board.segments()) as u64;
        let most = room.min(u64::from(self.longest)).min(free * u64::from(MSS));
        Some(Cargo::New(u32::try_from(most).unwrap_or(MSS)))
    }

    /// New bytes are on the link.
    pub(super) fn sent(&mut self, at: Duration, len: u32) -> Segment {
        let at = at.max(self.last_sent);
        if self.is_idle() {
            let idle = at.saturating_sub(self.last_sent.max(self.progress));
            let timeout = self.rtt.timeout();
            if idle > timeout && self.board.end() > 0 {
                self.control.restart(idle, timeout);
            }
            self.progress = at;
        }
        let delivered = self.stamp(at);
        let (index, number) = self.board.send(at, len, delivered);
        self.has_sent(at);
        Segment { index, number, len }
    }

    /// What was lost, or the probe, is on the link.
    pub(super) fn sent_again(&mut self, at: Duration) -> Option<Segment> {
        let at = at.max(self.last_sent);
        let delivered = self.stamp(at);
        let (index, number, len) = match self.board.first_lost() {
            Some(_) => {
                self.forced = false;
                self.board.send_lost(at, delivered)?
            }
            None => {
                let (index, number, len) = self.board.send_last(at, delivered)?;
                self.probe = Probe::Sent(number);
                self.counters.probes += 1;
                self.progress = at;
                (index, number, len)
            }
        };
        self.counters.again += 1;
        self.has_sent(at);
        Some(Segment { index, number, len })
    }

    /// How far delivery had come when a segment was sent. A pause does not count.
    fn stamp(&mut self, at: Duration) -> (u64, Duration) {
        if self.board.pipe() == 0 {
            self.delivered_at = at;
        }
        (self.delivered, self.delivered_at)
    }

    fn has_sent(&mut self, at: Duration) {
        self.last_sent = at;
        self.counters.sent += 1;
        self.usage.most[0] = self.usage.most[0].max(self.board.pipe());
        self.arm();
    }

    /// Sets the one alarm, as Linux has one timer for all.
    fn arm(&mut self) {
        let Some(head) = self.board.first() else {
            self.alarm = None;
            return;
        };
        let timeout = head.sent.max(self.progress).saturating_add(self.rtt.timeout());
        let quiet = self.phase == Phase::Open && self.board.sacked() == 0 && !self.board.has_lost();
        self.alarm = Some(match self.doubtful {
            Some(doubtful) if doubtful < timeout => (doubtful, Alarm::Doubt),
            None if quiet && self.probe == Probe::Idle && self.tail_probe == TailProbe::On => {
                let wait = self.rtt.probe_timeout(self.board.len() == 1);
                let since = self.last_sent.max(self.progress);
                (since.saturating_add(wait).min(timeout), Alarm::Probe)
            }
            _ => (timeout, Alarm::Timeout),
        });
    }

    /// The alarm rings.
    pub(super) fn ring(&mut self) {
        let Some((at, alarm)) = self.alarm.take() else {
            return;
        };
        match alarm {
            Alarm::Probe => {
                self.probe = Probe::Due;
                self.progress = at;
                self.arm();
            }
            Alarm::Doubt => {
                self.judge(at);
                self.arm();
            }
            Alarm::Timeout => {
                match self.phase {
                    Phase::Loss => self.control.collapse_again(),
                    _ => self.control.collapse(),
                }
                self.counters.timeouts += 1;
                self.rtt.back_off();
                self.board.lose_all();
                self.phase = Phase::Loss;
                self.recover = self.board.end();
                self.probe = Probe::Idle;
                self.forced = false;
                self.doubtful = None;
                self.progress = at;
                // Armed again when something is sent again.
            }
        }
    }

    pub(super) fn acknowledged(&mut self, ack: &Ack) {
        let at = ack.at;
        let entry = self.board.get(ack.index).copied();
        let fresh = entry.filter(|entry| entry.number == ack.number);
        let round_trip = fresh.map(|entry| at.saturating_sub(entry.sent));
        if let Some(round_trip) = round_trip {
            self.rtt.sample(round_trip);
            self.latest_round_trip = round_trip;
        }
        let limited = self.usage.limited() || self.phase == Phase::Loss;
        let most_under_way = self.usage.most();
        let news = self.board.acknowledge(ack.next, ack.index, ack.number);
        self.delivered += u64::from(news.delivered);
        if news.delivered > 0 {
            self.delivered_at = at;
        }
        if news.advanced {
            self.progress = at;
            if ack.next >= self.usage.round_end {
                self.usage.round_end = self.board.end();
                self.usage.most = [self.board.pipe(), self.usage.most[0]];
                self.usage.limited = [false, self.usage.limited[0]];
            }
        }
        self.end_probe(ack, news.delivered > 0);
        if ack.marked && self.phase == Phase::Open {
            self.reduce();
            self.phase = Phase::Reduced;
            self.recover = self.board.end();
        } else if self.phase != Phase::Open && ack.next >= self.recover {
            self.phase = Phase::Open;
            self.forced = false;
        }
        self.judge(at);
        let sample = fresh.zip(round_trip).map(|(entry, round_trip)| {
            let (before, since) = entry.delivered;
            let interval = at.saturating_sub(since).max(round_trip);
            Sample {
                round_trip,
                rate: (self.delivered - before) as f64 / interval.as_secs_f64().max(1e-6),
                delivered_before: before,
                delivered: self.delivered,
                full: !self.starved,
            }
        });
        self.control.delivered(&Delivered {
            at,
            segments: f64::from(news.delivered),
            limited,
            recovering: matches!(self.phase, Phase::Recovery | Phase::Reduced),
            most_under_way,
            smoothed: self.rtt.smoothed(),
            sample,
        });
        self.arm();
    }

    /// What the answer to a probe tells: had the tail been lost and nothing else, the window is
    /// reduced, as for any loss (RFC 8985, 7.4).
    fn end_probe(&mut self, ack: &Ack, delivered: bool) {
        match self.probe {
            Probe::Sent(number) if number == ack.number => {
                if delivered && self.board.len() == 0 && self.phase == Phase::Open {
                    self.reduce();
                }
                self.probe = Probe::Idle;
            }
            Probe::Due if delivered => self.probe = Probe::Idle,
            _ => {}
        }
    }

    fn reduce(&mut self) {
        self.control.reduce();
        self.counters.reductions += 1;
    }

    /// Finds out what is lost (RFC 6675's IsLost(); for what has fewer than three delivered behind it,
    /// and for what was sent again, RACK, RFC 8985).
    fn judge(&mut self, now: Duration) {
        let certain = self.board.is_certain() || matches!(self.phase, Phase::Recovery | Phase::Loss);
        let patience = self.latest_round_trip + self.rtt.least() / 4;
        let (lost, doubtful) = self
            .board
            .judge(|sent| !certain && sent.saturating_add(patience) > now);
        self.doubtful = doubtful.map(|sent| sent.saturating_add(patience));
        if lost == 0 || matches!(self.phase, Phase::Recovery | Phase::Loss) {
            return;
        }
        if self.phase == Phase::Open {
            self.reduce();
        }
        self.phase = Phase::Recovery;
        self.recover = self.board.end();
        self.forced = true;
        self.progress = now;
    }
}
