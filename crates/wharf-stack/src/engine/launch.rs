use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wharf_lab::Tools;

use super::streams::Streams;
use super::{Message, Stack};
use crate::guardian::{INSTANCE_VAR, Launch};
use crate::listens::Listens;
use crate::logs::Stream;
use crate::notify::NotifySocket;
use crate::probe::{self, Found, Watch, Within};
use crate::project::{ReadyCheck, ServiceKind, ServiceName, SocketPassing, StopSignal};
use crate::supervise::{Event, Exit, HoldUse, Order};
use crate::{cgroup, ports};

/// How long the rest of a service's output is waited for after its end.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// One start of one service, while it lasts.
pub(super) struct Live {
    pub(super) instance: String,
    pub(super) cgroup: Option<PathBuf>,
    /// Where it really listens, once it does.
    pub(super) listens: Listens,
    stop_probe: Arc<AtomicBool>,
    line_seen: Arc<AtomicBool>,
    notify: Option<NotifySocket>,
    readers: Vec<JoinHandle<()>>,
    /// The other end of its standard input: never closed while it lives.
    _stdin: OwnedFd,
}

impl Stack {
    pub(super) fn carry_out_orders(&mut self) {
        // Carrying out an order can give rise to others; each round ends some start or stop,
        // so that this comes to an end.
        loop {
            let orders = self.supervisor.take_orders();
            if orders.is_empty() {
                return;
            }
            for order in orders {
                self.carry_out(order);
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Start(name, hold) => {
                if let Err(why) = self.launch(&name, hold) {
                    self.supervisor
                        .handle(self.now(), &name, Event::SpawnFailed { why });
                }
            }
            Order::Terminate(name) => self.signal(&name),
            Order::Kill(name) => {
                if let Some(live) = self.live.get(&name) {
                    // If the guardian is gone, its end is already on the way to us.
                    let _ = self.guardian.kill(&live.instance);
                }
            }
            Order::RememberNoHold(name) => {
                let text = "it cannot bind over a held port: from now on it is started without the hold";
                self.logs.add(name.as_str(), Stream::Wharf, text);
                if let Err(error) = self.ports.remember_no_hold(&name) {
                    self.logs.add(name.as_str(), Stream::Wharf, error.to_string());
                }
            }
            Order::Changed(name) => self.tell_links_about(&name),
        }
    }

    fn signal(&mut self, name: &ServiceName) {
        let number = self
            .plans
            .get(name)
            .map_or(StopSignal::Term, |plan| plan.service.stop_signal)
            .number();
        if let Some(live) = self.live.get(name) {
            let _ = self.guardian.signal(&live.instance, number);
        }
    }

    fn launch(&mut self, name: &ServiceName, hold: HoldUse) -> Result<(), String> {
        let plan = self
            .plans
            .get(name)
            .ok_or("it is not in the project any more")?
            .clone();
        self.starts += 1;
        let instance = format!("{}:{}:{name}", self.run_id, self.starts);
        let enter = match &self.lab {
            Some(lab) => lab.enter(name, Tools::Ordinary)?,
            None => Vec::new(),
        };
        let sockets = self.sockets_for(name, plan.service.socket, hold)?;
        let streams = Streams::open(self.config.interactive, plan.user)
            .map_err(|error| format!("open its standard streams: {error}"))?;
        let group = self
            .cgroup
            .as_deref()
            .and_then(|parent| cgroup::make(parent, &format!("{}-{name}", self.starts)));
        let mut env = plan.env.clone();
        env.insert(INSTANCE_VAR.to_owned(), instance.clone());
        let notify = self.notify_for(name, &plan.service.ready)?;
        if let Some(socket) = &notify {
            env.insert("NOTIFY_SOCKET".to_owned(), socket.path().display().to_string());
        }
        let line_seen = Arc::new(AtomicBool::new(false));
        let awaited = match &plan.service.ready {
            ReadyCheck::Log(text) => Some(text.clone()),
            _ => None,
        };
        let outputs = [(Stream::Out, streams.stdout.0), (Stream::Err, streams.stderr.0)];
        let readers =
            outputs.map(|(stream, from)| self.read(name, stream, from, awaited.clone(), &line_seen));
        let launch = Launch {
            instance: instance.clone(),
            argv: plan.argv,
            enter,
            env,
            cwd: plan.cwd,
            user: plan.user,
            cgroup: group.clone(),
            terminal: streams.terminal,
            sockets: sockets.iter().map(|_| name.to_string()).collect(),
        };
        let theirs = [streams.stdin.1, streams.stdout.1, streams.stderr.1];
        self.guardian
            .launch(launch, &theirs, &sockets)
            .map_err(|error| error.to_string())?;
        let live = Live {
            instance,
            cgroup: group,
            listens: Listens::default(),
            stop_probe: Arc::default(),
            line_seen,
            notify,
            readers: readers.into_iter().flatten().collect(),
            _stdin: streams.stdin.0,
        };
        self.live.insert(name.clone(), live);
        Ok(())
    }

    /// Sees to the holds, and gives out the sockets to be passed.
    fn sockets_for(
        &mut self,
        name: &ServiceName,
        passing: SocketPassing,
        hold: HoldUse,
    ) -> Result<Vec<OwnedFd>, String> {
        let mut sockets = Vec::new();
        if self.lab.is_some() {
            // They lead into the lab, and the service has others.
            return Ok(sockets);
        }
        for port in self.ports.of_mut(name) {
            if passing == SocketPassing::Pass && port.name == ports::MAIN {
                let address = port.address;
                for listener in port.listen().map_err(|error| error.to_string())? {
                    let copy = listener
                        .try_clone()
                        .map_err(|error| format!("pass {address}: {error}"));
                    sockets.push(OwnedFd::from(copy?));
                }
                continue;
            }
            // Taken even where it is let go: that finds whoever sits on the port.
            port.take_hold().map_err(|error| error.to_string())?;
            if hold == HoldUse::LetGo {
                port.let_go();
            }
        }
        Ok(sockets)
    }

    fn notify_for(&self, name: &ServiceName, check: &ReadyCheck) -> Result<Option<NotifySocket>, String> {
        if *check != ReadyCheck::Notify {
            return Ok(None);
        }
        let path = self.files.notify_socket(self.starts);
        NotifySocket::bind(&path)
            .map(Some)
            .map_err(|error| format!("bind the socket {} for {name}: {error}", path.display()))
    }

    fn read(
        &self,
        name: &ServiceName,
        stream: Stream,
        from: OwnedFd,
        awaited: Option<String>,
        seen: &Arc<AtomicBool>,
    ) -> Option<JoinHandle<()>> {
        let (logs, service, seen) = (self.logs.clone(), name.to_string(), Arc::clone(seen));
        let reading = std::thread::Builder::new()
            .name(format!("log-{name}"))
            .spawn(move || {
                logs.read_stream(&service, stream, File::from(from), |line| {
                    if awaited.as_ref().is_some_and(|text| line.contains(text.as_str())) {
                        seen.store(true, Ordering::Relaxed);
                    }
                });
            });
        reading
            .inspect_err(|error| {
                self.logs.add(
                    name.as_str(),
                    Stream::Wharf,
                    format!("its output is lost: {error}"),
                );
            })
            .ok()
    }

    /// Waits until what a service that has ended said is in the log: its exit may be told before. The
    /// guardian has ended whatever held the other ends, so it is a matter of moments.
    pub(super) fn await_last_words(&self, name: &ServiceName) {
        let begun = Instant::now();
        let still_reading = || {
            self.live
                .get(name)
                .is_some_and(|live| live.readers.iter().any(|reader| !reader.is_finished()))
        };
        while still_reading() && begun.elapsed() < LAST_WORDS {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Begins to look for the sign that the service is ready.
    pub(super) fn begin_probe(&mut self, name: &ServiceName, pid: u32) {
        let (Some(plan), Some(live)) = (self.plans.get(name), self.live.get_mut(name)) else {
            return;
        };
        let Some(port) = self.ports.of(name).first() else {
            return; // a task: its exit is the sign
        };
        if plan.service.kind == ServiceKind::Task {
            return;
        }
        let watch = Watch {
            pid,
            cgroup: live.cgroup.as_deref().and_then(cgroup::id),
            expected: match &self.lab {
                Some(lab) => lab.layout.listen(name),
                None => port.address,
            },
            within: self.lab.as_ref().and_then(|lab| {
                let node = lab.layout.node(name)?;
                Some(Within {
                    network: lab.seen_by_others(),
                    node,
                    addresses: lab.layout.topology.addresses(node).collect(),
                    published: port.address,
                    enter: lab.enter(name, Tools::Ordinary).ok()?,
                })
            }),
            transport: plan.service.transport,
            check: plan.service.ready.clone(),
            notify: live.notify.take(),
            line_seen: Arc::clone(&live.line_seen),
            environment: plan.env.clone().into_iter().collect(),
            cwd: plan.cwd.clone(),
        };
        let (stop, sender, instance) = (
            Arc::clone(&live.stop_probe),
            self.sender.clone(),
            live.instance.clone(),
        );
        let probing = std::thread::Builder::new()
            .name(format!("probe-{name}"))
            .spawn(move || {
                if let Some(found) = probe::watch(&watch, &stop) {
                    let _ = sender.send(Message::Probe { instance, found });
                }
            });
        if let Err(error) = probing {
            self.logs.add(
                name.as_str(),
                Stream::Wharf,
                format!("its readiness is not seen: {error}"),
            );
        }
    }

    pub(super) fn hear_probe(&mut self, instance: &str, found: Found) {
        let Some(name) = self.service_of(instance) else {
            return;
        };
        let expected = match &self.lab {
            Some(lab) => Some(lab.layout.listen(&name)),
            None => self.ports.of(&name).first().map(|port| port.address),
        };
        let follows = match &self.lab {
            Some(_) => format!("in a lab nobody leads there: write port = … in [service.{name}]"),
            None => "links lead there".to_owned(),
        };
        let say = |text: String| self.logs.add(name.as_str(), Stream::Wharf, text);
        let listens = match found {
            Found::Ready(listens) => {
                say(format!("ready on {listens}"));
                listens
            }
            Found::Elsewhere(listens) => {
                let told = expected.map(|address| address.to_string()).unwrap_or_default();
                say(format!(
                    "it listens on {listens}, and not on {told} as it was told: {follows}"
                ));
                listens
            }
            Found::Foreign(owner) => {
                let told = expected.map(|address| address.to_string()).unwrap_or_default();
                say(format!("{told}, its port, is listened on by {owner}"));
                return;
            }
        };
        if let Some(live) = self.live.get_mut(&name) {
            live.listens = listens;
        }
        self.supervisor.handle(self.now(), &name, Event::Ready);
    }

    /// The service whose present start this is; none for an earlier one.
    pub(super) fn service_of(&self, instance: &str) -> Option<ServiceName> {
        self.live
            .iter()
            .find(|(_, live)| live.instance == instance)
            .map(|(name, _)| name.clone())
    }

    pub(super) fn has_exited(&mut self, name: &ServiceName, exit: Exit) {
        self.logs
            .add(name.as_str(), Stream::Wharf, format!("ended with {exit}"));
        self.forget_live(name);
        // Between this start and the next, nobody else shall get the port.
        for port in self.ports.of_mut(name) {
            if let Err(error) = port.take_hold() {
                self.logs.add(name.as_str(), Stream::Wharf, error.to_string());
            }
        }
    }

    pub(super) fn forget_live(&mut self, name: &ServiceName) {
        if let Some(live) = self.live.remove(name) {
            live.stop_probe.store(true, Ordering::Relaxed);
            if let Some(group) = &live.cgroup {
                cgroup::remove(group);
            }
        }
    }
}
