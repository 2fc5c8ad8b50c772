//! A running stack: the one place where what happens becomes what is done.
//!
//! Everything that happens (a report of the guardian, a probe's finding, a request at the
//! control socket, a signal) comes as a message into one queue, and one thread takes them
//! one by one: no state is shared. It tells the [`Supervisor`], carries out the orders that
//! come back, and keeps the links told of where their providers are.
//!
//! - `start`: from a project file to a stack that is ready to run, or an error and nothing left.
//! - `launch`: orders of the supervisor: start, signal, kill, and the probes.
//! - `streams`: the standard streams of a service.
//! - `wire`: ports, environments, and what changes when the file does.
//! - `links`: what leads from a consumer to its provider.
//! - `far`: where that provider is.
//! - `lab`: the networks of the services, where each has one of its own.
//! - `play`: scenarios.
//! - `watch`: captures, and what was asked and answered.
//! - `calls`: requests at the control socket.

mod calls;
mod far;
mod files;
mod lab;
mod launch;
mod links;
mod play;
mod start;
mod streams;
mod watch;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use wharf_relay::Relay;

use crate::control::{Call, Refusal, Reply, Serving};
use crate::guardian::{Guardian, Report};
use crate::logs::{Logs, Stream};
use crate::plan::ServicePlan;
use crate::ports::Ports;
use crate::probe::Found;
use crate::project::{LinkName, Project, SegmentName, ServiceName};
use crate::rundir::{StackFiles, StackLock};
use crate::supervise::{Event, Exit, Haste, Supervisor, Suspect};

use lab::Lab;
pub use lab::{Carriage, Otherwise};
use launch::Live;
use links::{Link, Segment};
use play::Playing;
pub use start::{Config, Interactive, Source, StackError, Started};

/// So long at most does a stop wait for the guardian beyond the grace of its services.
const LONGEST_NAP: Duration = Duration::from_secs(1);

/// How servers say EADDRINUSE: the C library's text, its name, and its number on Linux as Python,
/// Rust and nginx write it.
const IN_USE: [&str; 6] = [
    "in use",
    "EADDRINUSE",
    "Errno 98",
    "os error 98",
    "(98:",
    "BindException",
];

/// What the engine is told.
enum Message {
    Guardian(Report),
    Probe { instance: String, found: Found },
    Call(Call),
    Stop(Haste),
    NamesResolve(bool),
    LabLost,
}

/// A stack that is set up and runs when [`Stack::run`] is called.
pub struct Stack {
    config: Config,
    identity: String,
    directory: PathBuf,
    name: String,
    branch: Option<String>,
    run_id: String,
    files: StackFiles,
    lock: StackLock,
    project: Project,
    plans: BTreeMap<ServiceName, ServicePlan>,
    ports: Ports,
    relay: Relay,
    lab: Option<Lab>,
    links: BTreeMap<LinkName, Link>,
    segments: BTreeMap<SegmentName, Segment>,
    playing: Option<Playing>,
    supervisor: Supervisor,
    guardian: Guardian,
    cgroup: Option<PathBuf>,
    live: BTreeMap<ServiceName, Live>,
    starts: u64,
    captures: u64,
    logs: Logs,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    epoch: Instant,
    first_start: FirstStart,
    settling: Vec<Sender<Reply>>,
    stopping: Vec<Sender<Reply>>,
    serving: Serving,
    names_resolve: bool,
    failure: Option<Refusal>,
    ended: Ended,
}

/// Until everything was up once, a failure ends the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstStart {
    UnderWay,
    Over,
}

/// How a stack came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was stopped.
    Stopped,
    /// It was made for one command, and that ended so.
    ByItself(Exit),
}

/// A handle by which a running stack is stopped or asked from another thread.
#[derive(Clone)]
pub struct Handle {
    sender: Sender<Message>,
}

impl Handle {
    /// Stops the stack.
    pub fn stop(&self, haste: Haste) {
        // If it has ended already there is nothing to stop.
        let _ = self.sender.send(Message::Stop(haste));
    }

    /// Asks the stack; `None` if it has ended.
    #[must_use]
    pub fn ask(&self, request: crate::control::Request) -> Option<Reply> {
        let (answer, answers) = std::sync::mpsc::channel();
        self.sender.send(Message::Call(Call { request, answer })).ok()?;
        answers.recv().ok()
    }
}

impl Stack {
    /// Its logs.
    #[must_use]
    pub fn logs(&self) -> Logs {
        self.logs.clone()
    }

    /// A handle to it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle {
            sender: self.sender.clone(),
        }
    }

    /// The directory for the door's files.
    #[must_use]
    pub fn run_dir(&self) -> &std::path::Path {
        self.config.run_dir.path()
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Runs the stack until it is stopped. Nothing of it is left when this returns.
    ///
    /// # Errors
    /// If a service could not be brought up at first, or the guardian was lost.
    pub fn run(mut self) -> Result<Ended, Refusal> {
        self.supervisor.tick(self.now());
        loop {
            self.carry_out_orders();
            self.end_with_its_command();
            self.settle();
            if self.supervisor.is_stopping() && self.supervisor.is_still() {
                break;
            }
            let wakeups = [self.supervisor.next_wakeup(), self.next_of_scenario()];
            let next = wakeups.into_iter().flatten().min();
            let nap = next.map_or(LONGEST_NAP, |at| at.saturating_sub(self.now()).min(LONGEST_NAP));
            match self.messages.recv_timeout(nap) {
                Ok(message) => self.hear(message),
                Err(RecvTimeoutError::Timeout) => self.supervisor.tick(self.now()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.play_on();
        }
        self.end()
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Guardian(report) => self.hear_guardian(report),
            Message::Probe { instance, found } => self.hear_probe(&instance, found),
            Message::Call(call) => self.answer(call),
            Message::Stop(haste) => self.stop(haste),
            Message::LabLost => self.lab_was_lost(),
            Message::NamesResolve(resolve) => {
                self.names_resolve = resolve;
                if !resolve {
                    let text = "*.localhost does not resolve here but in browsers: direct URLs are shown too";
                    self.logs.add("wharf", Stream::Wharf, text);
                }
            }
        }
    }

    fn stop(&mut self, haste: Haste) {
        if haste == Haste::Orderly && !self.supervisor.is_still() {
            let text = "stopping in order; a second signal stops at once";
            self.logs.add("wharf", Stream::Wharf, text);
        }
        self.first_start = FirstStart::Over;
        self.supervisor.stop_all(self.now(), haste);
    }

    fn hear_guardian(&mut self, report: Report) {
        let (instance, event) = match report {
            Report::Launched { instance, pid } => (instance, Event::Spawned { pid }),
            Report::NotLaunched { instance, why } => (instance, Event::SpawnFailed { why }),
            Report::Exited { instance, exit } => return self.hear_exit(&instance, exit),
            Report::Lost => return self.guardian_was_lost(),
        };
        let Some(service) = self.service_of(&instance) else {
            return;
        };
        match &event {
            Event::Spawned { pid } => self.begin_probe(&service, *pid),
            Event::SpawnFailed { .. } => self.forget_live(&service),
            Event::Ready | Event::Exited(..) => {}
        }
        self.supervisor.handle(self.now(), &service, event);
    }

    fn hear_exit(&mut self, instance: &str, exit: Exit) {
        let Some(service) = self.service_of(instance) else {
            return;
        };
        self.await_last_words(&service);
        let suspect = self.suspect(&service);
        self.has_exited(&service, exit);
        self.supervisor
            .handle(self.now(), &service, Event::Exited(exit, suspect));
    }

    /// Whether a service that ended may have been unable to bind over the hold: it says that an
    /// address is in use.
    fn suspect(&self, service: &ServiceName) -> Suspect {
        let words = self.last_words(service);
        let points_at_it = |line: &String| IN_USE.iter().any(|sign| line.contains(sign));
        if words.iter().any(points_at_it) {
            Suspect::Hold
        } else {
            Suspect::Nothing
        }
    }

    /// Nothing guards the services any more: they are ended, and the stack with them. This
    /// process is a subreaper too, so what the guardian left has come to it.
    fn guardian_was_lost(&mut self) {
        if self.supervisor.is_stopping() && self.supervisor.is_still() {
            return;
        }
        self.failure = Some(Refusal {
            error: "the guardian process was killed: the stack's services were ended".to_owned(),
            hint: Some("start the stack again with `wharf up`".to_owned()),
        });
        // Those of the services are beneath it, and cgroup.kill takes them along.
        if let Some(cgroup) = &self.cgroup {
            crate::cgroup::kill(cgroup);
        }
        let _left = crate::guardian::family::end_descendants(std::process::id());
        let now = self.now();
        self.supervisor.stop_all(now, Haste::AtOnce);
        let names: Vec<ServiceName> = self.live.keys().cloned().collect();
        for name in names {
            self.forget_live(&name);
            self.supervisor
                .handle(now, &name, Event::Exited(Exit::Unknown, Suspect::Nothing));
        }
    }

    /// A stack that was made for one command is over when that has ended.
    fn end_with_its_command(&mut self) {
        let made = matches!(self.config.source, Source::Made { .. });
        if made && self.supervisor.is_over() && !self.supervisor.is_stopping() {
            let mut exits = self
                .plans
                .keys()
                .filter_map(|name| self.supervisor.view(name)?.last_exit);
            self.ended = exits.next().map_or(Ended::Stopped, Ended::ByItself);
            self.stop(Haste::Orderly);
        }
    }

    /// Answers those who wait for the stack to settle, and ends a first start that failed.
    fn settle(&mut self) {
        let failed = self.first_start == FirstStart::UnderWay
            && self.ended == Ended::Stopped
            && self.supervisor.failures().next().is_some();
        if failed {
            self.failure = Some(self.describe_failures());
            let said = self.failure.clone();
            for waiting in self.settling.drain(..) {
                if let Some(refusal) = said.clone() {
                    let _ = waiting.send(Reply::Refused(refusal));
                }
            }
            self.stop(Haste::Orderly);
            self.carry_out_orders();
            return;
        }
        if !self.supervisor.is_settled() || self.supervisor.is_stopping() {
            return;
        }
        if self.first_start == FirstStart::UnderWay {
            self.first_start = FirstStart::Over;
            let mut text = format!("up in {:.2} s", self.now().as_secs_f64());
            if self.has_chance() {
                text.push_str(&format!("; seed {}", self.project.seed));
            }
            self.logs.add("wharf", Stream::Wharf, text);
            // Of a stack without services, the links' addresses are all there is to know.
            for (name, link) in self.links.iter().filter(|_| self.project.services.is_empty()) {
                let text = format!("{name}: connect to {}", link.address);
                self.logs.add("wharf", Stream::Wharf, text);
            }
        }
        let refusal = self
            .supervisor
            .failures()
            .next()
            .is_some()
            .then(|| self.describe_failures());
        for waiting in self.settling.drain(..) {
            let _ = waiting.send(match refusal.clone() {
                Some(refusal) => Reply::Refused(refusal),
                None => Reply::Done { said: Vec::new() },
            });
        }
    }

    /// Whether some link or segment does what chance says.
    fn has_chance(&self) -> bool {
        let links = self.links.values().flat_map(|link| [&link.up, &link.down]);
        let segments = self
            .segments
            .values()
            .flat_map(|segment| [&segment.up, &segment.down]);
        let mut conditions = links.chain(segments);
        conditions.any(|conditions| !conditions.is_clear())
            || self.links.values().any(|link| !link.rules.is_empty())
    }

    fn describe_failures(&self) -> Refusal {
        let mut error = String::new();
        let mut hint = None;
        for (name, why) in self.supervisor.failures() {
            if !error.is_empty() {
                error.push('\n');
            }
            error.push_str(&format!("service {name}: {why}"));
            let words = self.last_words(name);
            if !words.is_empty() {
                error.push_str("; its last lines:");
                for line in words {
                    error.push_str(&format!("\n  | {line}"));
                }
            }
            hint.get_or_insert_with(|| self.failure_hint(name));
        }
        Refusal { error, hint }
    }

    fn last_words(&self, name: &ServiceName) -> Vec<String> {
        self.logs
            .last(Some(name.as_str()), 40)
            .into_iter()
            .filter(|line| line.stream != Stream::Wharf)
            .map(|line| line.text)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .take(12)
            .rev()
            .collect()
    }

    fn failure_hint(&self, name: &ServiceName) -> String {
        let Some(plan) = self.plans.get(name) else {
            return format!("`wharf logs {name}` has its whole output");
        };
        // A script may be long: its first line tells it.
        let command = plan.argv.join(" ");
        let first = command.lines().next().unwrap_or_default();
        let more = if first.len() < command.len() { " …" } else { "" };
        let told = match self.ports.of(name).first() {
            Some(port) => format!(", and told to listen on {}", port.address),
            None => String::new(),
        };
        format!(
            "it was started as `{first}{more}` in {}{told}",
            plan.cwd.display()
        )
    }

    fn end(mut self) -> Result<Ended, Refusal> {
        self.guardian.finish();
        // The services have left it: it goes with its last holder.
        self.lab = None;
        if let Some(cgroup) = &self.cgroup {
            crate::cgroup::remove(cgroup);
        }
        self.files.remove();
        self.logs.close();
        // Let go before anybody is told: the next `wharf up` may follow at once.
        drop(self.lock);
        let last = self.failure.clone();
        let why = last.clone().unwrap_or_else(Refusal::stopping);
        for waiting in self.settling.drain(..) {
            let _ = waiting.send(Reply::Refused(why.clone()));
        }
        for waiting in self.stopping.drain(..) {
            let _ = waiting.send(Reply::stopped());
        }
        // Whoever still asks finds by this that nobody answers any more, and is told why.
        self.serving.leave_word(why);
        drop((self.messages, self.playing));
        self.serving.await_last_words();
        match last {
            Some(refusal) => Err(refusal),
            None => Ok(self.ended),
        }
    }
}
