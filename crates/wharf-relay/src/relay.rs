//! The handle: what other threads ask of the relay's thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

use mio::Waker;
use wharf_capture::News;
use wharf_link::{Conditions, Probability};

use crate::datagram::DatagramSpec;
use crate::engine::Engine;
use crate::error::Error;
use crate::limits;
use crate::spec::{Cut, CutDirection, LinkId, LinkSpec, Provider, SegmentId, SegmentSpec};
use crate::stage::Stage;
use crate::stats::{LinkStats, SegmentStats};
use crate::tap::{CaptureFigures, CaptureSpec, Observe, Stopped};

/// What the relay's thread is asked to do, between two rounds of events.
pub(crate) type Job = Box<dyn FnOnce(&mut Engine) + Send>;

/// Carries links, on a thread of its own. When it is dropped its links end: listeners and
/// connections are closed.
///
/// Every call returns after it has taken effect.
#[derive(Debug)]
pub struct Relay {
    jobs: Option<Sender<Job>>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts the thread, and raises the soft limit of open files to the hard one.
    pub fn start() -> Result<Self, Error> {
        limits::raise();
        let (jobs, inbox) = channel::<Job>();
        let (started, outcome) = sync_channel(1);
        let run = move || start_thread(inbox, &started);
        let thread = std::thread::Builder::new()
            .name("wharf-relay".to_owned())
            .spawn(run)
            .map_err(|source| Error::Start {
                operation: "spawn a thread",
                source,
            })?;
        let waker = outcome.recv().map_err(|_| Error::Stopped)??;
        Ok(Self {
            jobs: Some(jobs),
            waker,
            thread: Some(thread),
        })
    }

    /// Adds a link. Its listeners listen from now on, unless the provider is down.
    pub fn add(&self, spec: LinkSpec) -> Result<LinkId, Error> {
        self.ask(move |engine| engine.add(spec))?
    }

    /// Adds a link for UDP datagrams. Its sockets take them from now on, unless the provider is down.
    pub fn add_datagrams(&self, spec: DatagramSpec) -> Result<LinkId, Error> {
        self.ask(move |engine| engine.add_datagrams(spec))?
    }

    /// Says what has become of a link's provider. Parked connections are carried when it is ready,
    /// and reset when it is down. Live ones are left alone: their own ends will tell.
    pub fn set_provider(&self, id: LinkId, provider: Provider) -> Result<(), Error> {
        self.ask(move |engine| engine.set_provider(id, provider))?
    }

    /// Changes a link's conditions, also for connections that live and bytes that come later.
    pub fn set_conditions(&self, id: LinkId, up: Conditions, down: Conditions) -> Result<(), Error> {
        self.ask(move |engine| engine.set_conditions(id, [up, down]))?
    }

    /// Sets what each connection of a link passes on its own, before the link's conditions: also
    /// those that live, at once. A stage that stays, by its id, keeps its state and takes its new
    /// parameters; what a stage held that goes is handed on in its order.
    pub fn set_stages(&self, id: LinkId, up: Vec<Stage>, down: Vec<Stage>) -> Result<(), Error> {
        self.ask(move |engine| engine.set_stages(id, [up, down]))?
    }

    /// How many of a link's connections meet the loss of its conditions, up and down; the others meet
    /// none. Which they are follows from the seed and their numbers. All do, if nothing is said.
    pub fn set_loss_share(&self, id: LinkId, up: Probability, down: Probability) -> Result<(), Error> {
        self.ask(move |engine| engine.set_loss_share(id, [up, down]))?
    }

    /// Adds a segment, for links that come later to run over.
    pub fn add_segment(&self, spec: SegmentSpec) -> Result<SegmentId, Error> {
        self.ask(move |engine| engine.add_segment(spec))
    }

    /// Changes a segment's conditions, for all that comes later.
    pub fn set_segment_conditions(
        &self,
        id: SegmentId,
        up: Conditions,
        down: Conditions,
    ) -> Result<(), Error> {
        self.ask(move |engine| engine.set_segment_conditions(id, [up, down]))?
    }

    /// Cuts a segment: a black hole for all links over it. A second cut replaces the first.
    pub fn cut_segment(&self, id: SegmentId, direction: CutDirection) -> Result<(), Error> {
        self.ask(move |engine| engine.cut_segment(id, Some(direction)))?
    }

    /// Heals a segment's cut: what was held goes on.
    pub fn heal_segment(&self, id: SegmentId) -> Result<(), Error> {
        self.ask(move |engine| engine.cut_segment(id, None))?
    }

    /// The conditions of a segment: towards providers, and back.
    pub fn segment_conditions(&self, id: SegmentId) -> Result<[Conditions; 2], Error> {
        self.ask(move |engine| engine.segment_conditions(id))?
    }

    /// The figures of a segment.
    pub fn segment_stats(&self, id: SegmentId) -> Result<SegmentStats, Error> {
        self.ask(move |engine| engine.segment_stats(id))?
    }

    /// Removes a segment that no link runs over (any more).
    pub fn remove_segment(&self, id: SegmentId) -> Result<(), Error> {
        self.ask(move |engine| engine.remove_segment(id))?
    }

    /// Cuts a link. A second cut replaces the first.
    pub fn cut(&self, id: LinkId, cut: Cut) -> Result<(), Error> {
        self.ask(move |engine| engine.cut(id, cut))?
    }

    /// Heals a cut: what was there before is there again. A link that is not cut stays as it is.
    pub fn heal(&self, id: LinkId) -> Result<(), Error> {
        self.ask(move |engine| engine.heal(id))?
    }

    /// The conditions of a link: towards the provider, and back.
    pub fn conditions(&self, id: LinkId) -> Result<[Conditions; 2], Error> {
        self.ask(move |engine| engine.conditions(id))?
    }

    /// The figures of a link.
    pub fn stats(&self, id: LinkId) -> Result<LinkStats, Error> {
        self.ask(move |engine| engine.stats(id))?
    }

    /// The figures of all links.
    pub fn all_stats(&self) -> Result<Vec<(LinkId, LinkStats)>, Error> {
        self.ask(Engine::all_stats)
    }

    /// Begins to write what passes on a link into a file, also of connections that live. A capture of
    /// the link that is under way ends.
    pub fn capture(&self, id: LinkId, spec: CaptureSpec) -> Result<(), Error> {
        self.ask(move |engine| engine.capture(id, spec))?
    }

    /// Ends the capture of a link, and returns when all of it is in the file. `None`: there was none.
    pub fn stop_capture(&self, id: LinkId) -> Result<Option<CaptureFigures>, Error> {
        let stopped = self.ask(move |engine| engine.stop_capture(id))??;
        stopped.map(Stopped::wait).transpose()
    }

    /// How far the capture of a link has come. `None`: there is none.
    pub fn captured(&self, id: LinkId) -> Result<Option<CaptureFigures>, Error> {
        self.ask(move |engine| engine.captured(id))?
    }

    /// Begins or ends to observe the connections of a link, also those that live. Exchanges that were
    /// seen stay. A link for datagrams has none.
    pub fn observe(&self, id: LinkId, observe: Observe) -> Result<(), Error> {
        self.ask(move |engine| engine.observe(id, observe))?
    }

    /// The exchanges of a link since the last answer, of which [`next`](News::next) is handed in; at
    /// first 0. Only the last are kept.
    pub fn exchanges(&self, id: LinkId, since: u64) -> Result<News, Error> {
        self.ask(move |engine| engine.exchanges(id, since))?
    }

    /// Ends a link: its listeners are closed, its connections reset.
    pub fn remove(&self, id: LinkId) -> Result<(), Error> {
        self.ask(move |engine| engine.remove(id))?
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = sync_channel(1);
        let job = move |engine: &mut Engine| {
            // Whoever asked waits, or has panicked.
            let _ = answer.send(question(engine));
        };
        let jobs = self.jobs.as_ref().ok_or(Error::Stopped)?;
        jobs.send(Box::new(job)).map_err(|_| Error::Stopped)?;
        self.waker.wake().map_err(|_| Error::Stopped)?;
        answered.recv().map_err(|_| Error::Stopped)
    }
}

fn start_thread(inbox: Receiver<Job>, started: &std::sync::mpsc::SyncSender<Result<Arc<Waker>, Error>>) {
    match Engine::new(inbox) {
        Ok((engine, waker)) => {
            if started.send(Ok(waker)).is_ok() {
                engine.run();
            }
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The thread ends when nobody can ask it any more.
        self.jobs = None;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
