//! From a project and its addresses to what is really started: argv, environment, folder.
//!
//! Pure but for what [`Surroundings`] reads for it: `.env` files and package scripts.
//!
//! Variables come in this order, a later one wins: the user's environment, `.env` files,
//! what Wharf injects (`PORT`, `HOST`, `NAME_URL`, …), `env` in the project file. So a
//! `PORT=3000` in a `.env` does not bring the collision back, and what was written into
//! wharf.toml is the last word.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::project::dotenv::{self, DotenvError};
use crate::project::frameworks;
use crate::project::substitute::{Scope, SubstituteError, Target, substitute};
use crate::project::{Command, EnvFiles, HoldChoice, Protocol, Service, ServiceKind, ServiceName};
use crate::supervise::{HoldUse, UnitSpec};

/// What makes a service impossible to start as it is written.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A placeholder in `run` or `env`.
    #[error("service {service}: {place}: {source}")]
    Placeholder {
        /// The service.
        service: ServiceName,
        /// Where it stands: `run`, or `env.NAME`.
        place: String,
        /// What is wrong.
        source: SubstituteError,
    },
    /// An environment file.
    #[error("service {service}: {}: {source}", path.display())]
    EnvFile {
        /// The service.
        service: ServiceName,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: DotenvError,
    },
    /// An environment file that was asked for and is not there.
    #[error("service {service}: read {}: {source}", path.display())]
    ReadEnvFile {
        /// The service.
        service: ServiceName,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The command does not exist.
    #[error("service {service}: run: there is no command `{program}`")]
    NoSuchCommand {
        /// The service.
        service: ServiceName,
        /// What was to be run.
        program: String,
    },
    /// The working directory does not exist.
    #[error("service {service}: cwd: there is no directory {}", path.display())]
    NoSuchDirectory {
        /// The service.
        service: ServiceName,
        /// The directory.
        path: PathBuf,
    },
    /// The user does not exist, or may not be become.
    #[error("service {service}: user: {why}")]
    User {
        /// The service.
        service: ServiceName,
        /// Why.
        why: String,
    },
    /// `socket = "pass"` behind a shell, which would keep the socket for itself.
    #[error("service {service}: socket = \"pass\" needs a command that is run without a shell")]
    PassThroughShell {
        /// The service.
        service: ServiceName,
    },
}

impl PlanError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            PlanError::NoSuchCommand { program, .. } => Some(format!(
                "is `{program}` installed, and on PATH? a relative path starts at the service's cwd"
            )),
            PlanError::PassThroughShell { .. } => {
                Some("write run as a list: run = [\"server\", \"--flag\"]".to_owned())
            }
            PlanError::ReadEnvFile { .. } => Some("make the file, or take it out of env_file".to_owned()),
            _ => None,
        }
    }
}

/// What is started for a service.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServicePlan {
    pub(crate) service: Service,
    pub(crate) argv: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: PathBuf,
    pub(crate) user: Option<crate::shim::RunAs>,
    pub(crate) hold: HoldUse,
}

impl ServicePlan {
    /// What the supervisor must know of it. `holdable`: whether it is known to bind over a hold.
    pub(crate) fn unit(&self) -> UnitSpec {
        let service = &self.service;
        UnitSpec {
            name: service.name.clone(),
            kind: service.kind,
            needs: service.units_needed().cloned().collect(),
            restart: service.restart,
            max_restarts: service.max_restarts,
            ready_timeout: service.ready_timeout,
            stop_grace: service.stop_grace,
            hold: self.hold,
        }
    }
}

/// What a plan is made from.
pub(crate) struct Surroundings<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) environment: &'a BTreeMap<String, String>,
    pub(crate) run_id: &'a str,
    pub(crate) stack: &'a str,
}

/// The addresses of one service: its own ports, and where it finds what it needs.
pub(crate) struct Addresses {
    pub(crate) own: SocketAddr,
    pub(crate) more: BTreeMap<String, SocketAddr>,
    pub(crate) needs: BTreeMap<ServiceName, (SocketAddr, Protocol)>,
    pub(crate) url: Option<String>,
    pub(crate) holdable: bool,
}

/// The argv of a command: its words where no shell is needed, else `sh -c`.
pub(crate) fn argv(command: &Command) -> Vec<String> {
    command.words().unwrap_or_else(|| match command {
        Command::Shell(line) => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
        Command::Argv(words) => words.clone(),
    })
}

impl Surroundings<'_> {
    /// Plans one service.
    pub(crate) fn plan(&self, service: &Service, addresses: &Addresses) -> Result<ServicePlan, PlanError> {
        let name = &service.name;
        let cwd = match &service.cwd {
            Some(cwd) => self.directory.join(cwd),
            None => self.directory.to_owned(),
        };
        if !cwd.is_dir() {
            return Err(PlanError::NoSuchDirectory {
                service: name.clone(),
                path: cwd,
            });
        }
        let scope = scope(name, addresses);
        let fill = |place: &str, text: &str| {
            substitute(text, &scope).map_err(|source| PlanError::Placeholder {
                service: name.clone(),
                place: place.to_owned(),
                source,
            })
        };
        let command = match &service.run {
            Command::Shell(line) => Command::Shell(fill("run", line)?),
            Command::Argv(words) => Command::Argv(
                words
                    .iter()
                    .map(|word| fill("run", word))
                    .collect::<Result<_, _>>()?,
            ),
        };
        let mut env = self.environment.clone();
        // What a shell says of itself is not true of the service.
        env.insert("PWD".to_owned(), cwd.display().to_string());
        for shells_own in ["OLDPWD", "_"] {
            env.remove(shells_own);
        }
        env.extend(self.env_files(service, &cwd)?);
        env.extend(self.injected(service, addresses));
        let scripts = |name: &str| package_script(name, &cwd);
        let applied = frameworks::apply(&command, &scripts, service.kind, addresses.own);
        env.extend(applied.env);
        for (variable, value) in &service.env {
            env.insert(variable.clone(), fill(&format!("env.{variable}"), value)?);
        }
        let argv = argv(&applied.command);
        self.check(service, &argv, &cwd, &env)?;
        let known_to_bear_it = addresses.holdable && applied.reuse_address;
        let hold = match service.hold {
            _ if service.kind == ServiceKind::Task => HoldUse::LetGo,
            HoldChoice::Never => HoldUse::LetGo,
            HoldChoice::Auto if !known_to_bear_it => HoldUse::LetGo,
            HoldChoice::Auto | HoldChoice::Always => HoldUse::Stands,
        };
        Ok(ServicePlan {
            user: self.user(service)?,
            service: service.clone(),
            argv,
            env,
            cwd,
            hold,
        })
    }

    fn check(
        &self,
        service: &Service,
        argv: &[String],
        cwd: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<(), PlanError> {
        let passes = service.socket == crate::project::SocketPassing::Pass;
        if passes && service.run.words().is_none() {
            return Err(PlanError::PassThroughShell {
                service: service.name.clone(),
            });
        }
        let program = argv.first().map_or("", String::as_str);
        if find_program(program, cwd, env.get("PATH").map(String::as_str)) {
            Ok(())
        } else {
            Err(PlanError::NoSuchCommand {
                service: service.name.clone(),
                program: program.to_owned(),
            })
        }
    }

    fn env_files(&self, service: &Service, cwd: &Path) -> Result<BTreeMap<String, String>, PlanError> {
        let mut variables = BTreeMap::new();
        let (paths, required) = match &service.env_files {
            EnvFiles::Default => {
                // The project's first, so that a folder of it has the last word.
                let mut paths = vec![self.directory.join(".env"), cwd.join(".env")];
                paths.dedup();
                (paths, false)
            }
            EnvFiles::Listed(files) => (files.iter().map(|file| self.directory.join(file)).collect(), true),
        };
        for path in paths {
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => {
                    return Err(PlanError::ReadEnvFile {
                        service: service.name.clone(),
                        path,
                        source,
                    });
                }
            };
            let parsed = dotenv::parse(&text, self.environment).map_err(|source| PlanError::EnvFile {
                service: service.name.clone(),
                path,
                source,
            })?;
            variables.extend(parsed);
        }
        Ok(variables)
    }

    /// What every service is told: its own address, and the *links* to its needs.
    fn injected(&self, service: &Service, addresses: &Addresses) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let mut set = |variable: String, value: String| {
            env.insert(variable, value);
        };
        set(crate::guardian::RUN_ID_VAR.to_owned(), self.run_id.to_owned());
        set("WHARF_STACK".to_owned(), self.stack.to_owned());
        set("WHARF_SERVICE".to_owned(), service.name.to_string());
        if let Some(url) = &addresses.url {
            set("WHARF_URL".to_owned(), url.clone());
        }
        if service.kind == ServiceKind::Service {
            set("PORT".to_owned(), addresses.own.port().to_string());
            set("HOST".to_owned(), addresses.own.ip().to_string());
            for (name, address) in &addresses.more {
                let suffix = name.to_uppercase().replace('-', "_");
                set(format!("PORT_{suffix}"), address.port().to_string());
            }
        }
        for (need, (address, protocol)) in &addresses.needs {
            let prefix = need.env_name();
            set(format!("{prefix}_HOST"), address.ip().to_string());
            set(format!("{prefix}_PORT"), address.port().to_string());
            set(format!("{prefix}_ADDR"), address.to_string());
            set(format!("{prefix}_URL"), format!("{protocol}://{address}"));
        }
        env
    }

    fn user(&self, service: &Service) -> Result<Option<crate::shim::RunAs>, PlanError> {
        let Some(name) = &service.user else {
            return Ok(None);
        };
        let failed = |why: String| PlanError::User {
            service: service.name.clone(),
            why,
        };
        let found = crate::users::find(name).map_err(|error| failed(error.to_string()))?;
        let user = found.ok_or_else(|| failed(format!("there is no user `{name}`")))?;
        let own = rustix::process::getuid();
        if user.uid == own.as_raw() {
            return Ok(None);
        }
        if !own.is_root() {
            return Err(failed(format!("only root may become `{name}`")));
        }
        Ok(Some(user))
    }
}

fn scope(name: &ServiceName, addresses: &Addresses) -> Scope {
    let target = |(address, protocol): &(SocketAddr, Protocol)| Target {
        address: *address,
        url: format!("{protocol}://{address}"),
    };
    Scope {
        name: name.to_string(),
        address: addresses.own,
        url: addresses.url.clone(),
        ports: addresses
            .more
            .iter()
            .map(|(name, address)| (name.clone(), address.port()))
            .collect(),
        needs: addresses
            .needs
            .iter()
            .map(|(need, at)| (need.to_string(), target(at)))
            .collect(),
    }
}

/// The text of a script of the package.json in this folder.
fn package_script(script: &str, cwd: &Path) -> Option<String> {
    let text = std::fs::read_to_string(cwd.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    package.get("scripts")?.get(script)?.as_str().map(str::to_owned)
}

/// Whether `execvp` would find the program.
fn find_program(program: &str, cwd: &Path, path: Option<&str>) -> bool {
    let is_executable = |file: &Path| {
        use std::os::unix::fs::PermissionsExt;
        file.metadata()
            .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_executable(&cwd.join(program));
    }
    // The search path of execvp(3) where there is none.
    std::env::split_paths(path.unwrap_or("/bin:/usr/bin"))
        .any(|directory| is_executable(&cwd.join(directory).join(program)))
}
