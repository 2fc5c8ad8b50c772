use std::collections::BTreeMap;
use std::io;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Instant;

use wharf_lease::{Checkout, Error as LeaseError, Key, Registry, RegistryConfig, StateDir};
use wharf_relay::Relay;

use super::lab::Carriage;
use super::{Ended, FirstStart, Message, Stack};
use crate::control::{Client, Refusal, Serving};
use crate::guardian::{Guardian, GuardianError};
use crate::logs::{Logs, Stream};
use crate::plan::PlanError;
use crate::ports::Ports;
use crate::project::{FILE_NAME, Project, ProjectError};
use crate::rundir::{ProcessMark, RunDir, RunDirError, RunRecord};
use crate::supervise::Supervisor;
use crate::{cgroup, identity};

/// Where a stack's project comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A project file.
    File(PathBuf),
    /// One made up for the occasion: `wharf run`, `wharf link`.
    Made {
        /// Its text, as a project file.
        text: String,
        /// The directory that it counts as being in.
        directory: PathBuf,
        /// What tells it apart from other stacks of that directory.
        tag: String,
    },
}

/// Whether services get a terminal as their standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interactive {
    /// Each gets a terminal of its own, since Wharf runs on one.
    Terminal,
    /// Each gets a pipe that never ends.
    Pipe,
}

/// What a stack is started with. Nothing else is taken from the process's surroundings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The program to execute again as guardian and shim.
    pub exe: PathBuf,
    /// Where leases and logs are kept.
    pub state: StateDir,
    /// How leases are chosen.
    pub leases: RegistryConfig,
    /// Where running stacks are found.
    pub run_dir: RunDir,
    /// The user's environment, which services inherit.
    pub environment: BTreeMap<String, String>,
    /// The door's port.
    pub door_port: u16,
    /// What standard input is to the services.
    pub interactive: Interactive,
    /// What carries the links between services.
    pub carriage: Carriage,
    /// The project.
    pub source: Source,
}

/// Why a stack could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The project file could not be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not right.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A file that conditions name cannot be used.
    #[error("conditions of {of}: {source}")]
    Conditions {
        /// The link or segment.
        of: String,
        /// What is wrong.
        source: wharf_link::SettingsError,
    },
    /// A link for datagrams could not be bound.
    #[error("bind {address} for datagrams: {source}")]
    Datagrams {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// What stands before a provider could not be started.
    #[error("link {link}: {source}")]
    Stage {
        /// The link.
        link: String,
        /// Why.
        source: wharf_http::StageError,
    },
    /// A service cannot be started as it is written.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The file has nodes, and there is no lab.
    #[error("{}: it has nodes, and those need a lab", .0.display())]
    NeedsLab(PathBuf),
    /// It is no network.
    #[error(transparent)]
    Layout(#[from] crate::layout::LayoutError),
    /// No lab can be made.
    #[error(transparent)]
    Lab(Box<wharf_lab::LabError>),
    /// What a lab does not have.
    #[error("{of}: {what}: not in a lab, in which packets pass")]
    NotInLab {
        /// The link, segment or service.
        of: String,
        /// What.
        what: &'static str,
    },
    /// Hosts cannot come and go.
    #[error("the file says another network now, and a lab that runs cannot become another")]
    AnotherLab,
    /// A link cannot have what the file says.
    #[error(transparent)]
    Refused(Refusal),
    /// The end of the lab could not be watched for.
    #[error("watch the lab: {0}")]
    Watch(io::Error),
    /// A port.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The run directory.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The guardian.
    #[error(transparent)]
    Guardian(#[from] GuardianError),
    /// The relay.
    #[error(transparent)]
    Relay(#[from] wharf_relay::Error),
    /// An external's name.
    #[error("resolve {name}, the external {external}: {source}")]
    Resolve {
        /// The external.
        external: String,
        /// Its address as written.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The control socket.
    #[error("open the control socket {}: {source}", path.display())]
    Control {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl StackError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            StackError::Read { path, source } if source.kind() == io::ErrorKind::NotFound => Some(format!(
                "make one with `wharf init`, or name one: `wharf up DIR/{FILE_NAME}` (looked for {})",
                path.display()
            )),
            StackError::NeedsLab(_) => Some("start it with `wharf up --lab`".to_owned()),
            StackError::Lab(error) => error.hint().map(str::to_owned),
            StackError::Layout(crate::layout::LayoutError::NamedAsMachine) => {
                Some("give the service another name".to_owned())
            }
            StackError::NotInLab { .. } => Some("`wharf up` without --lab has that".to_owned()),
            StackError::Refused(refusal) => refusal.hint.clone(),
            StackError::AnotherLab => Some("`wharf down`, then `wharf up --lab`".to_owned()),
            // Its own text shows the place and the hint.
            StackError::Project(_) => None,
            StackError::Plan(error) => error.hint(),
            StackError::Lease(LeaseError::InUse { key, .. }) => {
                let port = match key.port.as_str() {
                    Key::MAIN => String::new(),
                    port => format!(" --port {port}"),
                };
                let service = shell_words::quote(&key.service);
                Some(format!(
                    "stop that program, or give the lease up: `wharf release {service}{port}`"
                ))
            }
            StackError::RunDir(_) | StackError::Control { .. } => {
                Some("set XDG_RUNTIME_DIR or WHARF_STATE_DIR to a directory that you may write".to_owned())
            }
            _ => None,
        }
    }
}

/// What [`Stack::start`] came to.
pub enum Started {
    /// The stack is set up.
    Here(Box<Stack>),
    /// It runs already, in another process, which answers here.
    Elsewhere(Client),
}

/// The project, the directory it is in, and the stack's identity.
pub(super) fn read(source: &Source) -> Result<(Project, PathBuf, String), StackError> {
    match source {
        Source::File(path) => {
            let failed = |source| StackError::Read {
                path: path.clone(),
                source,
            };
            let path = path.canonicalize().map_err(failed)?;
            let text = std::fs::read_to_string(&path).map_err(failed)?;
            let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
            Ok((
                Project::parse_beside(&text, &path, &identity::namesake(&directory))?,
                directory,
                path.display().to_string(),
            ))
        }
        Source::Made { text, directory, tag } => {
            let failed = |source| StackError::Read {
                path: directory.clone(),
                source,
            };
            let directory = directory.canonicalize().map_err(failed)?;
            let project = Project::parse(text, &directory.join(FILE_NAME))?;
            let identity = format!("{}#{tag}", directory.display());
            Ok((project, directory, identity))
        }
    }
}

impl Source {
    /// Reads its project.
    ///
    /// # Errors
    /// If the file cannot be read or is not right.
    pub fn project(&self) -> Result<Project, StackError> {
        read(self).map(|(project, ..)| project)
    }

    /// The identity of the stack, without reading its project.
    ///
    /// # Errors
    /// If the file or directory is not there.
    pub fn identity(&self) -> Result<String, StackError> {
        let (path, tag) = match self {
            Source::File(path) => (path, None),
            Source::Made { directory, tag, .. } => (directory, Some(tag)),
        };
        let canonical = path.canonicalize().map_err(|source| StackError::Read {
            path: path.clone(),
            source,
        })?;
        Ok(match tag {
            None => canonical.display().to_string(),
            Some(tag) => format!("{}#{tag}", canonical.display()),
        })
    }
}

impl Stack {
    /// Sets a stack up: reads and checks its project, leases its ports, listens for its
    /// links, and starts its guardian. No service runs yet.
    ///
    /// # Errors
    /// If anything of it cannot be had. Then nothing is left behind.
    pub fn start(config: Config) -> Result<Started, StackError> {
        let _ended = config.run_dir.sweep();
        let (project, directory, identity) = read(&config.source)?;
        let files = config.run_dir.files(&identity);
        let Some(lock) = files.lock()? else {
            return Ok(Started::Elsewhere(Client::new(&files.socket())));
        };
        files.end_last_run();
        let registry = Registry::open(&config.state, config.leases)?;
        let branch = identity::branch_label(&directory);
        let name = stack_name(&registry, &project, &identity, branch.as_deref())?;
        let checkout = checkout(&config.source, &directory)?;
        let (sender, messages) = channel();
        let run_id = new_run_id();
        let logs_dir = files.log_directory(&config.state);
        let logs = Logs::new(Some(logs_dir));
        let from_guardian = sender.clone();
        // Before the guardian is there: what it may leave must come to us.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        let guardian = Guardian::start(&config.exe, &run_id, move |report| {
            let _ = from_guardian.send(Message::Guardian(report));
        })?;
        let cgroup = cgroup::own_group().and_then(|parent| cgroup::make(&parent, &format!("wharf-{run_id}")));
        let mut stack = Stack {
            identity,
            directory,
            name,
            branch,
            run_id,
            lock,
            plans: BTreeMap::new(),
            ports: Ports::new(registry, checkout),
            relay: Relay::start()?,
            lab: None,
            links: BTreeMap::new(),
            segments: BTreeMap::new(),
            playing: None,
            supervisor: Supervisor::default(),
            guardian,
            cgroup,
            live: BTreeMap::new(),
            starts: 0,
            captures: 0,
            logs,
            messages,
            sender,
            epoch: Instant::now(),
            first_start: FirstStart::UnderWay,
            settling: Vec::new(),
            stopping: Vec::new(),
            serving: Serving::default(),
            names_resolve: true,
            failure: None,
            ended: Ended::Stopped,
            files,
            project: project.clone(),
            config,
        };
        match stack.open(project) {
            Ok(()) => Ok(Started::Here(Box::new(stack))),
            Err(error) => {
                // What was opened is closed again; the error is what the user must see.
                let _ = stack.end();
                Err(error)
            }
        }
    }

    fn open(&mut self, project: Project) -> Result<(), StackError> {
        self.write_record()?;
        self.apply(project)?;
        if self.name != self.project.name.as_str() {
            let text = format!(
                "another stack is named {}: this one is {}",
                self.project.name, self.name
            );
            self.logs.add("wharf", Stream::Wharf, text);
        }
        let path = self.files.socket();
        let sender = self.sender.clone();
        self.serving = crate::control::listen(&path, self.logs.clone(), move |call| {
            sender.send(Message::Call(call)).is_ok()
        })
        .map_err(|source| StackError::Control { path, source })?;
        self.ask_whether_names_resolve();
        Ok(())
    }

    fn write_record(&self) -> Result<(), StackError> {
        let mark = |pid| ProcessMark::of(pid).unwrap_or(ProcessMark { pid, start_time: 0 });
        self.files.write_record(&RunRecord {
            stack: self.name.clone(),
            identity: self.identity.clone(),
            run_id: self.run_id.clone(),
            wharf: mark(std::process::id()),
            guardian: mark(self.guardian.pid()),
            cgroups: self.cgroup.iter().cloned().collect(),
        })?;
        Ok(())
    }

    /// Some systems resolve `*.localhost` (RFC 6761, section 6.3) and some do not. Asked in
    /// a thread of its own: a resolver may take seconds to say no.
    fn ask_whether_names_resolve(&self) {
        let sender = self.sender.clone();
        let host = identity::host_name("web", None, &self.name);
        let asked = std::thread::Builder::new()
            .name("names".to_owned())
            .spawn(move || {
                let resolves = (host.as_str(), 80)
                    .to_socket_addrs()
                    .is_ok_and(|mut addresses| addresses.any(|address| address.ip().is_loopback()));
                let _ = sender.send(Message::NamesResolve(resolves));
            });
        // No thread to be had: then it is not said; nothing else depends on it.
        drop(asked);
    }
}

fn stack_name(
    registry: &Registry,
    project: &Project,
    identity: &str,
    branch: Option<&str>,
) -> Result<String, StackError> {
    // In a linked worktree the branch tells the stacks apart: each may bear the plain name.
    let wanted = match branch {
        Some(branch) => format!("{branch}.{}", project.name),
        None => project.name.to_string(),
    };
    let had = registry.stack_name(Path::new(identity), &wanted)?;
    Ok(match branch {
        Some(branch) => had.strip_prefix(&format!("{branch}.")).unwrap_or(&had).to_owned(),
        None => had,
    })
}

/// The key of the stack's leases: its directory; for a file of an unusual name the file.
fn checkout(source: &Source, directory: &Path) -> Result<Checkout, LeaseError> {
    match source {
        Source::File(path) if path.file_name().is_some_and(|name| name != FILE_NAME) => {
            Checkout::at(&directory.join(path.file_name().unwrap_or_default()))
        }
        _ => Checkout::at(directory),
    }
}

/// 128 random bits: not a secret, but never the same twice.
fn new_run_id() -> String {
    let mut bytes = [0_u8; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    if filled != Ok(bytes.len()) {
        let seed = format!("{}-{:?}", std::process::id(), Instant::now());
        return identity::label(&seed);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
