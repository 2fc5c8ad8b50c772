//! Why a process is there: deduced from its ancestors, its cgroup and its session.

use std::collections::BTreeSet;

use crate::{Container, Holder, NOT_ASKED, ProcessFacts, Reason, Seen, Snapshot, forwarders, programs};

impl Snapshot {
    /// Deduces for each process why it is there. To be called again once more is known: Wharf's own
    /// stacks, above all.
    pub fn find_reasons(&mut self) {
        let reasons: Vec<Reason> = self
            .processes
            .items()
            .iter()
            .map(|process| self.reason(process))
            .collect();
        if let Seen::Known(processes) = &mut self.processes {
            for (process, reason) in processes.iter_mut().zip(reasons) {
                process.reason = Seen::Known(reason);
            }
        }
    }

    /// Joins containers with the processes in them, and namespaces with containers; adds those
    /// that no engine told of.
    pub fn join_containers(&mut self) {
        let own = self.own_container().map(str::to_owned);
        let mut found: Vec<Container> = match &self.containers {
            Seen::Known(containers) => containers.clone(),
            Seen::Unknown(_) => Vec::new(),
        };
        for process in self.processes.items() {
            let Some(id) = process.container.as_ref().filter(|id| Some(*id) != own.as_ref()) else {
                continue;
            };
            let index = found.iter().position(|container| container.id == *id);
            let index = index.unwrap_or_else(|| {
                found.push(Container {
                    id: id.clone(),
                    engine: "unknown (seen by cgroup)".to_owned(),
                    ..Container::default()
                });
                found.len() - 1
            });
            if let Some(container) = found.get_mut(index) {
                container.pids.push(process.pid);
                if process.netns.is_known() {
                    container.netns = process.netns.clone();
                }
            }
        }
        if let Seen::Known(namespaces) = &mut self.namespaces {
            for namespace in namespaces {
                let container = found
                    .iter()
                    .find(|container| container.netns == Seen::Known(namespace.inode));
                namespace.container = container.map(|container| container.id.clone());
            }
        }
        // Where no engine answered and no cgroup names one, it stays unknown.
        if self.containers.is_known() || !found.is_empty() {
            self.containers = Seen::Known(found);
        }
    }

    /// Makes [`Holder::Pids`] into [`Holder::AtLeast`] where an ancestor of an owner, in its session, may
    /// not be looked into: a server that binds as root and works as another user shares its socket so,
    /// and only the worker is seen. The login that a session began with does not count, and neither does
    /// a first process that leads no session: it starts all there is, and all that begins no session of
    /// its own bears its number, 0.
    pub fn doubt_owners(&mut self) {
        let is_closed = |pid: &u32| {
            let line = self.ancestry(*pid);
            let session = line.first().map(|process| process.session);
            let mut above = line.into_iter().skip(1);
            above.any(|process| {
                let why = process.environment.why_unknown();
                Some(process.session) == session
                    && (process.pid, process.session) != (1, 0)
                    && why.is_some_and(|why| why != NOT_ASKED)
            })
        };
        let tables = [&self.tcp, &self.udp];
        let owners = tables.into_iter().flat_map(|table| table.items());
        let pids: BTreeSet<u32> = owners.flat_map(|socket| socket.owner.pids()).copied().collect();
        let closed: BTreeSet<u32> = pids.into_iter().filter(is_closed).collect();
        for table in [&mut self.tcp, &mut self.udp] {
            let Seen::Known(sockets) = table else { continue };
            for socket in sockets {
                if let Holder::Pids(pids) = &mut socket.owner
                    && pids.iter().any(|pid| closed.contains(pid))
                {
                    socket.owner = Holder::AtLeast(std::mem::take(pids));
                }
            }
        }
    }

    /// The container that the viewer is in: all that is seen is in it, too.
    fn own_container(&self) -> Option<&str> {
        let viewer = self.process(*self.viewer.pid.known()?)?;
        viewer.container.as_deref()
    }

    fn reason(&self, process: &ProcessFacts) -> Reason {
        let line = self.ancestry(process.pid);
        if let Some(reason) = self.stack_of(&line) {
            return reason;
        }
        if let Some(id) = &process.container
            && self.own_container() != Some(id)
        {
            let known = self
                .containers
                .items()
                .iter()
                .find(|container| container.id == *id);
            return Reason::Container {
                id: id.clone(),
                engine: known.map(|container| container.engine.clone()),
            };
        }
        if let Some(reason) = forwarders::reason(process) {
            return reason;
        }
        if let Some(by) = process.traced_by {
            let program = self.process(by).map_or("", |tracer| programs::name(tracer));
            return Reason::Debugger {
                program: program.to_owned(),
                by,
            };
        }
        if process.pid == 1 || process.parent == 0 || programs::is_kernel_thread(process) {
            return Reason::Init;
        }
        let found = self.by_ancestors(process, line.get(1..).unwrap_or_default());
        // An editor that nothing else explains is its own reason: it listens for its extensions, and
        // for the ports that it forwards from containers and other machines.
        let explains = |unit: &str| !unit.ends_with(".scope");
        match (&found, programs::ide(process)) {
            (Reason::Unit { unit, .. }, Some(_)) if explains(unit) => found,
            (Reason::Unit { .. } | Reason::Init | Reason::Orphan { .. } | Reason::Other, Some(name)) => {
                Reason::Ide {
                    name: name.to_owned(),
                    by: process.pid,
                }
            }
            _ => found,
        }
    }

    /// By what started it: the nearest ancestor that explains it.
    fn by_ancestors(&self, process: &ProcessFacts, line: &[&ProcessFacts]) -> Reason {
        for (index, ancestor) in line.iter().enumerate() {
            let above = line.get(index + 1..).unwrap_or_default();
            if let Some(reason) = self.by_ancestor(ancestor, above) {
                return reason;
            }
        }
        self.by_unit(process)
    }

    fn by_ancestor(&self, ancestor: &ProcessFacts, above: &[&ProcessFacts]) -> Option<Reason> {
        let by = ancestor.pid;
        if let Some((tool, script)) = programs::script(ancestor) {
            let within = match self.by_ancestors(ancestor, above) {
                // `npm` in `sh` in `npm`: the nearest is told of, and what the outermost is in.
                Reason::PackageScript { within, .. } => within,
                Reason::Init | Reason::Other => None,
                other => Some(Box::new(other)),
            };
            return Some(Reason::PackageScript {
                tool,
                script,
                by,
                within,
            });
        }
        if programs::is_debugger(ancestor) {
            let program = programs::name(ancestor).to_owned();
            return Some(Reason::Debugger { program, by });
        }
        if let Some(name) = programs::agent(ancestor) {
            let name = name.to_owned();
            return Some(Reason::Agent { name, by });
        }
        if programs::is_typed_into(ancestor) {
            return Some(Reason::Shell {
                shell: programs::name(ancestor).trim_start_matches('-').to_owned(),
                by,
                terminal: ancestor.terminal.clone(),
                within: above
                    .iter()
                    .find_map(|outer| programs::terminal(outer))
                    .map(str::to_owned),
            });
        }
        if let Some(name) = programs::ide(ancestor) {
            let name = name.to_owned();
            return Some(Reason::Ide { name, by });
        }
        if programs::is_cron(ancestor) {
            let program = programs::name(ancestor).to_owned();
            return Some(Reason::Cron { program, by });
        }
        programs::is_supervisor(ancestor).then(|| Reason::Supervisor {
            program: programs::name(ancestor).to_owned(),
            by,
        })
    }

    /// Nothing above explains it: it is a unit, or what started it is gone.
    fn by_unit(&self, process: &ProcessFacts) -> Reason {
        if let Some(unit) = &process.unit {
            let is_session = unit.name.starts_with("session-") || unit.name == "init.scope";
            if !is_session && !unit.name.starts_with("user@") {
                return Reason::Unit {
                    unit: unit.name.clone(),
                    manager: unit.manager,
                };
            }
        }
        let led = [process.session, process.group];
        let dead = led.into_iter().find(|&leader| {
            leader != 0 && leader != process.pid && self.process(leader).is_none() && self.knows_all()
        });
        // A child is in its parent's session, unless it leads one: in another, the parent is a new one.
        let parent = self.process(process.parent);
        let is_stranger = parent.is_some_and(|parent| {
            process.session != 0 && process.session != process.pid && process.session != parent.session
        });
        // In a container the first process is the program that was asked for, often a shell: what is in
        // its own session it has started, and nothing else can have left it there.
        let shares_firsts = |first: &ProcessFacts| first.session == process.session;
        if process.parent == 1 && parent.is_some_and(shares_firsts) {
            return Reason::Init;
        }
        let adopted = process.parent == 1 || is_stranger || parent.is_some_and(programs::adopts);
        // A daemon leads its own session, without a terminal; what was left behind has another's.
        if adopted && (dead.is_some() || process.session != process.pid) {
            return Reason::Orphan { dead_session: dead };
        }
        if adopted { Reason::Init } else { Reason::Other }
    }

    /// Whether every process is in the snapshot, as far as one can tell: the leader of the viewer's
    /// own session is no one's ancestor for sure, so the viewer itself is looked for.
    fn knows_all(&self) -> bool {
        let viewer = self.viewer.pid.known();
        viewer.is_some_and(|&pid| self.process(pid).is_some())
    }

    /// The stack of ours that runs one of `line`.
    fn stack_of(&self, line: &[&ProcessFacts]) -> Option<Reason> {
        let ours = self.ours.known();
        for process in line {
            for stack in ours.into_iter().flat_map(|ours| &ours.stacks) {
                let service = stack
                    .services
                    .iter()
                    .find(|service| service.pid == Some(process.pid));
                if service.is_some() || stack.pid == Some(process.pid) {
                    return Some(Reason::Stack {
                        stack: stack.name.clone(),
                        part: service.map(|service| service.name.clone()),
                        run: Some(stack.run.clone()).filter(|run| !run.is_empty()),
                    });
                }
            }
        }
        // Without the list of stacks, what a service was started with tells.
        let environment = line.first()?.environment.items();
        let value = |name: &str| {
            let found = environment.iter().find(|variable| variable.name == name);
            found.map(|variable| variable.value.clone())
        };
        Some(Reason::Stack {
            stack: value("WHARF_STACK")?,
            part: value("WHARF_SERVICE"),
            run: value("WHARF_RUN_ID"),
        })
    }
}
