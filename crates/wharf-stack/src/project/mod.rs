//! The project file, `wharf.toml`: from its text to a [`Project`] in which nothing is wrong.
//!
//! ```toml
//! [service.web]
//! run = "npm run dev"
//! needs = ["api"]
//!
//! [service.api]
//! run = "cargo run -p api"
//!
//! [link."web -> api"]
//! profile = "4g"
//! ```
//!
//! Reading goes in two steps. `written` takes the text as tables and keys: what TOML and the schema
//! can say is refused there. `check` then gives them their meaning: names become [`ServiceName`]s,
//! times become [`Duration`]s, needs are looked up, and cycles are refused with the cycle named.
//! Each refusal is a [`ProjectError`] that points at the line and the column, and names the nearest
//! thing that was probably meant.
//!
//! A need on a service or an external *is* a link; a task has no port, so a need on a task is only
//! an order. The door is a consumer like any other. [`Project::links`] lists them all, each with the
//! conditions of its two directions.
//!
//! Around the file stand its helpers: [`substitute`] fills `{port}` and its like into commands,
//! [`dotenv`] reads `.env` files, and [`frameworks`] knows the flags of programs that ignore `PORT`.
//!
//! Nothing here reads a file, a clock or the environment: the caller does, and hands the text in.

mod at;
mod carriage;
mod check;
mod conditioned;
mod conditions;
pub mod dotenv;
mod error;
pub mod frameworks;
mod links;
mod name;
mod order;
mod places;
mod scenarios;
mod schema;
mod service;
pub mod substitute;
mod suggest;
mod values;
mod written;

use std::path::{Path, PathBuf};
use std::time::Duration;

use wharf_link::Seed;

use crate::scenario::Scenario;
pub use carriage::{Observation, TlsOrigin, TlsRoots, Transport};
pub use error::ProjectError;
pub use links::{LinkDef, ProviderKind, SegmentDef};
pub use name::{
    CLIENT, Consumer, DOOR, LABEL_MAX, Label, LinkName, NameError, PortName, ScenarioName, SegmentName,
    ServiceName, StackName,
};
pub use places::MACHINE;
pub use schema::schema;
pub use values::{
    Address, Command, EnvFiles, ExternalAddress, HoldChoice, Port, Protocol, ReadyCheck, RestartPolicy,
    ServiceKind, SocketPassing, StopSignal,
};

/// The seed of a stack whose file names none: the same stack meets the same chance each time.
pub const SEED: Seed = Seed(62893);

/// The usual name of a project file.
pub const FILE_NAME: &str = "wharf.toml";

/// A project file in which everything was found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The stack's name.
    pub name: StackName,
    /// The file it was read from.
    pub path: PathBuf,
    /// Its services and tasks, in the order of the file.
    pub services: Vec<Service>,
    /// Its externals, in the order of the file.
    pub externals: Vec<External>,
    /// The seed of all chance in it; each link derives its own from it and its name.
    pub seed: Seed,
    /// The segments that links pass by `via`, in the order of the file.
    pub segments: Vec<SegmentDef>,
    /// The network that its services are hosts of, where the file says so: that needs a lab.
    pub network: Option<wharf_topology::Topology>,
    /// Its scenarios, in the order of the file.
    pub scenarios: Vec<Scenario>,
    links: Vec<LinkDef>,
    start_order: Vec<Vec<ServiceName>>,
}

/// A service or a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// A service or a task.
    pub kind: ServiceKind,
    /// Its command, placeholders not yet replaced.
    pub run: Command,
    /// What it needs, in the order of the file.
    pub needs: Vec<Need>,
    /// The folder it runs in, as written: relative to the project file's.
    pub cwd: Option<PathBuf>,
    /// Its variables, in the order of the file, placeholders not yet replaced.
    pub env: Vec<(String, String)>,
    /// Its environment files, relative to the project file's folder.
    pub env_files: EnvFiles,
    /// A fixed port; a lease where there is none.
    pub port: Option<Port>,
    /// Its further ports.
    pub ports: Vec<PortName>,
    /// Where it listens.
    pub address: Address,
    /// When it is ready.
    pub ready: ReadyCheck,
    /// How long it may take until then.
    pub ready_timeout: Duration,
    /// What to do when it exits by itself.
    pub restart: RestartPolicy,
    /// How many restarts in a row before it counts as failed.
    pub max_restarts: u32,
    /// How long it may take to stop before SIGKILL.
    pub stop_grace: Duration,
    /// What asks it to stop.
    pub stop_signal: StopSignal,
    /// Whether it is handed its listening socket.
    pub socket: SocketPassing,
    /// The user it runs as.
    pub user: Option<String>,
    /// Whether the door leads to it.
    pub door: bool,
    /// Whether its port is held until it listens.
    pub hold: HoldChoice,
    /// What it speaks.
    pub protocol: Protocol,
    /// What carries it.
    pub transport: Transport,
}

impl Service {
    /// The services and tasks that must be ready or done before it starts.
    pub fn units_needed(&self) -> impl Iterator<Item = &ServiceName> {
        self.needs
            .iter()
            .filter(|need| need.kind != NeedKind::External)
            .map(|need| &need.name)
    }

    /// The providers that it is linked to: the services and externals it needs.
    pub fn providers(&self) -> impl Iterator<Item = &ServiceName> {
        self.needs
            .iter()
            .filter(|need| need.kind != NeedKind::Task)
            .map(|need| &need.name)
    }
}

/// One entry of `needs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What is needed.
    pub name: ServiceName,
    /// What that is.
    pub kind: NeedKind,
}

/// What a need is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeedKind {
    /// A service: it must be ready first, and is reached over a link.
    Service,
    /// A task: it must be done first.
    Task,
    /// An external: reached over a link.
    External,
}

/// A thing outside the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Its name.
    pub name: ServiceName,
    /// Where it is.
    pub address: ExternalAddress,
    /// What it speaks; in clear, where links to it begin TLS.
    pub protocol: Protocol,
    /// What carries it.
    pub transport: Transport,
    /// The TLS that links to it begin.
    pub tls: Option<TlsOrigin>,
}

impl Project {
    /// Reads the text of a project file. `path` is where it stands: it is named in errors, and its
    /// folder names the stack if the file does not.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProjectError> {
        Self::parse_beside(text, path, path.parent().unwrap_or(Path::new("")))
    }

    /// As [`Project::parse`], but where the file does not name the stack, this folder does.
    pub fn parse_beside(text: &str, path: &Path, namesake: &Path) -> Result<Self, ProjectError> {
        check::project(text, path, namesake).map_err(|fault| ProjectError::new(fault, text, path))
    }

    /// The service or task of this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name.as_str() == name)
    }

    /// The external of this name.
    #[must_use]
    pub fn external(&self, name: &str) -> Option<&External> {
        self.externals
            .iter()
            .find(|external| external.name.as_str() == name)
    }

    /// The services and tasks in waves: each needs only units of the waves before it.
    #[must_use]
    pub fn start_order(&self) -> &[Vec<ServiceName>] {
        &self.start_order
    }

    /// The links: for each consumer one to each provider it needs, and one from the door to each
    /// service that it leads to.
    #[must_use]
    pub fn links(&self) -> &[LinkDef] {
        &self.links
    }

    /// What carries traffic to a service or an external.
    #[must_use]
    pub fn transport(&self, provider: &ServiceName) -> Transport {
        links::transport(provider, &self.services, &self.externals)
    }

    /// The name of a service or an external nearest to one that is not there.
    #[must_use]
    pub fn nearest_name(&self, typed: &str) -> Option<&str> {
        let services = self.services.iter().map(|service| service.name.as_str());
        let externals = self.externals.iter().map(|external| external.name.as_str());
        suggest::nearest(typed, services.chain(externals))
    }
}
