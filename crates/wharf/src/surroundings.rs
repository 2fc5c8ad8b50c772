//! What the program takes from its surroundings, read once: environment, folder, own path.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use wharf_facts::PortRange;
use wharf_lease::{LeaseRange, RegistryConfig, StateDir};
use wharf_stack::project::FILE_NAME;
use wharf_stack::rundir::RunDir;
use wharf_stack::{Carriage, Config, Interactive, Source};

use crate::report::{Code, Report};
use crate::vars;

/// The port that the door is known by.
const DOOR_PORT: u16 = 62893;

/// The surroundings of one command.
pub(crate) struct Surroundings {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) cwd: PathBuf,
    pub(crate) state: StateDir,
    pub(crate) run_dir: RunDir,
    pub(crate) leases: RegistryConfig,
    pub(crate) door_port: u16,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The state directory, where files outlive a stack.
pub(crate) fn state_dir() -> Result<StateDir, Report> {
    StateDir::of_user(|name| std::env::var_os(name)).map_err(Report::from)
}

/// How leases are chosen.
pub(crate) fn lease_config() -> Result<RegistryConfig, Report> {
    let mut config = RegistryConfig::default();
    if let Some(text) = variable(vars::LEASE_RANGE) {
        let bad = |error| {
            Report::new(
                Code::BadInput,
                format!("read {}={text}: {error}", vars::LEASE_RANGE),
            )
        };
        config.range = LeaseRange::Exactly(text.parse::<PortRange>().map_err(bad)?);
    }
    Ok(config)
}

pub(crate) fn current_dir() -> Result<PathBuf, Report> {
    std::env::current_dir()
        .map_err(|error| Report::new(Code::BadInput, format!("find the current directory: {error}")))
}

impl Surroundings {
    pub(crate) fn read() -> Result<Self, Report> {
        let state = state_dir()?;
        let run_dir = match (variable(vars::STATE_DIR), variable(vars::XDG_RUNTIME_DIR)) {
            // A state directory of one's own is a world of its own: its stacks are not found
            // by those of the user's usual one.
            (Some(_), _) | (None, None) => state.path().join("run"),
            (None, Some(runtime)) => Path::new(&runtime).join("wharf"),
        };
        let door_port = match variable(vars::DOOR_PORT) {
            None => DOOR_PORT,
            Some(text) => text.parse().map_err(|error| {
                Report::new(
                    Code::BadInput,
                    format!("read {}={text}: {error}", vars::DOOR_PORT),
                )
            })?,
        };
        Ok(Surroundings {
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            cwd: current_dir()?,
            run_dir: RunDir::at(&run_dir)?,
            state,
            leases: lease_config()?,
            door_port,
        })
    }

    /// What a stack of this source is started with.
    pub(crate) fn config(&self, source: Source) -> Result<Config, Report> {
        let exe = std::env::current_exe()
            .map_err(|error| Report::new(Code::Unusable, format!("find the wharf program: {error}")))?;
        let on_terminal = std::io::stdin().is_terminal();
        Ok(Config {
            exe,
            state: self.state.clone(),
            leases: self.leases,
            run_dir: self.run_dir.clone(),
            environment: self.environment.clone(),
            door_port: self.door_port,
            interactive: if on_terminal {
                Interactive::Terminal
            } else {
                Interactive::Pipe
            },
            carriage: Carriage::Relays,
            source,
        })
    }

    /// The project file nearest to the current directory, upwards.
    pub(crate) fn nearest_file(&self) -> Option<PathBuf> {
        self.cwd
            .ancestors()
            .map(|directory| directory.join(FILE_NAME))
            .find(|file| file.is_file())
    }

    /// The project file that was named, or the nearest, or the one that should be here.
    pub(crate) fn file(&self, named: Option<&Path>) -> PathBuf {
        match named {
            Some(path) if path.is_dir() => path.join(FILE_NAME),
            Some(path) => path.to_owned(),
            None => self.nearest_file().unwrap_or_else(|| self.cwd.join(FILE_NAME)),
        }
    }
}
