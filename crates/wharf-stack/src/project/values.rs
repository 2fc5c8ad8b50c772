//! What the values of a project file mean, once read: types that cannot hold a bad one.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A port that can be listened on: never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Port(NonZeroU16);

impl Port {
    /// The port of this number, unless it is 0.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        NonZeroU16::new(number).map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A command: a line for the shell, or the words themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `run = "npm run dev"`: a line for `sh -c`.
    Shell(String),
    /// `run = ["npm", "run", "dev"]`: never empty, and no shell.
    Argv(Vec<String>),
}

impl Command {
    /// The words, if no shell is needed to know them.
    ///
    /// A line counts as such if it has nothing in it that a shell would act on: only words,
    /// blanks, quotes and backslashes. Then it may be run directly, which spares a process
    /// between Wharf and the service.
    #[must_use]
    pub fn words(&self) -> Option<Vec<String>> {
        match self {
            Self::Argv(argv) => Some(argv.clone()),
            Self::Shell(line) => plain_words(line),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Argv(argv) => f.write_str(&shell_words::join(argv)),
        }
    }
}

/// Splits a line that asks nothing of a shell; `None` for one that does.
fn plain_words(line: &str) -> Option<Vec<String>> {
    // `!`, `{` and `}` are words of the grammar only when they stand alone; a tilde or a hash
    // only at a word's beginning, but a shell decides that, not we.
    const ACTS: &str = "|&;<>()$`*?[]#~!{}\n";
    let mut quote = None;
    let mut escaped = false;
    for character in line.chars() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => escaped = true,
            (Some(_), '$' | '`') => return None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, _) if ACTS.contains(character) => return None,
            (None, _) => {}
        }
    }
    let words = shell_words::split(line).ok()?;
    let first = words.first()?;
    // `PORT=1 server` sets a variable; `exec`, `cd` and their like exist in a shell only.
    let built_in = matches!(
        first.as_str(),
        "." | ":"
            | "cd"
            | "eval"
            | "exec"
            | "exit"
            | "export"
            | "set"
            | "source"
            | "ulimit"
            | "umask"
            | "unset"
            | "wait"
            | "if"
            | "for"
            | "while"
            | "until"
            | "case"
    );
    (!built_in && !first.contains('=')).then_some(words)
}

/// What a unit is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    /// Runs until it is stopped; those that need it wait until it is ready.
    #[default]
    Service,
    /// Runs once; those that need it wait until it has exited with 0.
    Task,
}

/// What happens when a service exits by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Start it again, unless it exited with 0.
    #[default]
    OnFailure,
    /// Start it again, whatever its exit.
    Always,
    /// Leave it.
    Never,
}

/// Where a service listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Address {
    /// On `127.0.0.1` and `[::1]`.
    #[default]
    Loopback,
    /// On a loopback address of its own, 127.x.y.z, so that it may keep its standard port.
    Own,
}

/// Whether a service is given its listening socket, or makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SocketPassing {
    /// It binds and listens by itself.
    #[default]
    None,
    /// It takes the socket over, by LISTEN_FDS.
    Pass,
}

/// Whether a service's port is held by a bound socket while the service starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HoldChoice {
    /// Nothing was written: held, unless the service is known or found not to bear it.
    #[default]
    Auto,
    /// `hold = true`: held, whatever was learnt.
    Always,
    /// `hold = false`: never.
    Never,
}

/// When a service counts as ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadyCheck {
    /// A socket of its process tree listens on its port.
    #[default]
    Listen,
    /// It says so: `READY=1` to `NOTIFY_SOCKET` (sd_notify(3)).
    Notify,
    /// A connection to its port is accepted.
    Connect,
    /// A GET of this path is answered with a status below 400.
    Http(String),
    /// A line of its output contains this text.
    Log(String),
    /// This command exits with 0.
    Command(Command),
}

/// The application protocol of a service, as the scheme of a URL: `http`, `postgresql`, `redis`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(String);

/// What is usual on which port, as IANA's registry and habit have it.
const USUAL: [(u16, &str); 16] = [
    (8080, "http"),
    (443, "https"),
    (8443, "https"),
    (1433, "sqlserver"),
    (1883, "mqtt"),
    (3306, "mysql"),
    (4222, "nats"),
    (5432, "postgresql"),
    (5672, "amqp"),
    (6379, "redis"),
    (9092, "kafka"),
    (11211, "memcached"),
    (27017, "mongodb"),
    (25, "smtp"),
    (587, "smtp"),
    (1025, "smtp"),
];

impl Protocol {
    /// The protocol of this URL scheme (RFC 3986, section 3.1), or `None` if it is none.
    #[must_use]
    pub fn new(scheme: &str) -> Option<Self> {
        let mut characters = scheme.chars();
        let first = characters.next()?;
        let rest = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '+' | '-' | '.');
        (first.is_ascii_lowercase() && characters.all(rest)).then(|| Self(scheme.to_owned()))
    }

    /// Datagrams of which nothing more is known.
    #[must_use]
    pub fn udp() -> Self {
        Self("udp".to_owned())
    }

    /// What the near side of a link speaks that begins TLS itself.
    #[must_use]
    pub fn in_clear(self) -> Self {
        match self.0.as_str() {
            "https" => Self::http(),
            "rediss" => Self("redis".to_owned()),
            _ => self,
        }
    }

    /// Plain HTTP.
    #[must_use]
    pub fn http() -> Self {
        Self("http".to_owned())
    }

    /// What is usual on a port, as IANA's registry and habit have it; HTTP where nothing is.
    #[must_use]
    pub fn usual_on(port: u16) -> Self {
        let usual = USUAL.iter().find(|(usual, _)| *usual == port);
        Self(usual.map_or("http", |(_, scheme)| scheme).to_owned())
    }

    /// The port on which it is usual among those that need no privilege.
    #[must_use]
    pub fn usual_port(&self) -> Option<u16> {
        let mut usual = USUAL.iter().filter(|(port, _)| *port >= 1024);
        usual.find(|(_, scheme)| *scheme == self.0).map(|(port, _)| *port)
    }

    /// The URL's scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.0
    }

    /// Whether the door can carry it.
    #[must_use]
    pub fn is_http(&self) -> bool {
        self.0 == "http"
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where the environment files of a service are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EnvFiles {
    /// Nothing was written: `.env` in the project's folder and in the service's, as far as they are
    /// there.
    #[default]
    Default,
    /// These, in this order; a later one wins, and each must exist.
    Listed(Vec<String>),
}

/// The address of an external.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalAddress {
    /// An IP address and a port.
    Socket(SocketAddr),
    /// A name, to be resolved when the stack starts, and a port.
    Named(String, Port),
}

impl ExternalAddress {
    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Socket(address) => address.port(),
            Self::Named(_, port) => port.get(),
        }
    }
}

impl fmt::Display for ExternalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(address) => fmt::Display::fmt(address, f),
            Self::Named(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// A signal that asks a service to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StopSignal {
    /// Termination: what most servers shut down in order upon.
    #[default]
    #[serde(rename = "SIGTERM")]
    Term,
    /// Interrupt, as by Ctrl-C. PostgreSQL's fast shutdown.
    #[serde(rename = "SIGINT")]
    Int,
    /// Quit.
    #[serde(rename = "SIGQUIT")]
    Quit,
    /// Hang-up.
    #[serde(rename = "SIGHUP")]
    Hup,
    /// User signal 1.
    #[serde(rename = "SIGUSR1")]
    Usr1,
    /// User signal 2.
    #[serde(rename = "SIGUSR2")]
    Usr2,
    /// Window change: Apache's graceful stop.
    #[serde(rename = "SIGWINCH")]
    Winch,
    /// Kill, at once.
    #[serde(rename = "SIGKILL")]
    Kill,
}

impl StopSignal {
    /// Its number on Linux (signal(7)).
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Hup => 1,
            Self::Int => 2,
            Self::Quit => 3,
            Self::Kill => 9,
            Self::Usr1 => 10,
            Self::Usr2 => 12,
            Self::Term => 15,
            Self::Winch => 28,
        }
    }

    /// Its name, as in signal(7).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Hup => "SIGHUP",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
            Self::Winch => "SIGWINCH",
            Self::Kill => "SIGKILL",
        }
    }
}

/// Reads a time such as `500ms`, `10s`, `1.5m` or `2h`.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "" => return Err(format!("`{text}` has no unit: write `{text}s` for seconds")),
        other => return Err(format!("`{other}` is no unit of time: use ms, s, m or h")),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * factor).ok())
        .ok_or_else(|| format!("`{text}` is no time: write it as in `500ms` or `10s`"))
}
