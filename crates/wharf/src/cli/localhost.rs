//! The arguments of the commands about this machine's localhost.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use wharf_advice::Target;
use wharf_link::Latency;

/// Facts of another machine, or of another time.
#[derive(Debug, Default, Args)]
pub(crate) struct FromFile {
    /// Judge the machine of this file, which `wharf snapshot` wrote; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) snapshot: Option<PathBuf>,
}

/// `wharf ls`.
#[derive(Debug, Default, Args)]
pub(crate) struct Ls {
    /// UDP as well
    #[arg(long)]
    pub(crate) udp: bool,
    /// UDP as well, and the listeners of other network namespaces
    #[arg(long, short)]
    pub(crate) all: bool,
    /// Ask each what it speaks: adds titles and frameworks, and takes up to half a second
    #[arg(long, conflicts_with = "snapshot")]
    pub(crate) probe: bool,
    /// As JSON: `wharf schema ls`
    #[arg(long)]
    pub(crate) json: bool,
    /// Live, until q
    #[arg(long, short, conflicts_with_all = ["json", "snapshot", "probe"])]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) from: FromFile,
}

/// `wharf explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 somebody is there and nothing is wrong, 10 there are warnings, 11 nobody is there, 12 the \
owner is hidden. After `-- COMMAND`: the command's own.")]
pub(crate) struct Explain {
    /// A port, address, URL, process or name: 3000, 127.0.0.1:80, pid:812, redis
    #[arg(required_unless_present_any = ["rules", "command"], value_name = "TARGET")]
    pub(crate) targets: Vec<Target>,
    /// Connect to nothing: facts only
    #[arg(long, conflicts_with = "probe")]
    pub(crate) no_probe: bool,
    /// Connect also to what may take harm from it: debuggers with one place, MySQL, other users' services
    #[arg(long)]
    pub(crate) probe: bool,
    /// As JSON: `wharf schema explain`
    #[arg(long)]
    pub(crate) json: bool,
    /// One line for each target
    #[arg(long, conflicts_with = "json")]
    pub(crate) short: bool,
    /// List the situations that are known
    #[arg(long, conflicts_with_all = ["targets", "command"])]
    pub(crate) rules: bool,
    #[command(flatten)]
    pub(crate) from: FromFile,
    /// Run this command, and explain it if it fails for a reason of ports or names
    #[arg(last = true, conflicts_with_all = ["targets", "snapshot", "short"])]
    pub(crate) command: Vec<String>,
}

/// `wharf doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all is well, 10 there are warnings or problems.")]
pub(crate) struct Doctor {
    /// As JSON: `wharf schema doctor`
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) from: FromFile,
}

/// `wharf stop`.
#[derive(Debug, Args)]
#[command(after_help = "\
It is stopped the way it wants to be: by its stack, its systemd unit or its container, else by SIGTERM. If \
that does not help in time, you are asked before SIGKILL; without a terminal there is none, and the exit \
code is 1. Other exit codes: 0 it is stopped, 11 nobody listens there, 12 the owner is hidden.")]
pub(crate) struct Stop {
    /// A port, address, URL, process or name: 3000, 127.0.0.1:80, pid:812, redis
    pub(crate) target: Target,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Ask nothing: yes to whatever would be asked, SIGKILL too
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// How long to wait for it to end
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Latency,
    /// Plan for the machine of this file
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub(crate) snapshot: Option<PathBuf>,
}

/// `wharf wait`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 it came true, 1 it did not in time.")]
pub(crate) struct Wait {
    /// A port, address, URL or name of a service: 3000, localhost:3000, web
    pub(crate) target: Target,
    /// What to wait for
    #[arg(long, value_enum, default_value_t = Until::Listen)]
    pub(crate) until: Until,
    /// For how long
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) timeout: Latency,
}

/// What `wharf wait` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// Somebody listens there
    Listen,
    /// A connection is taken; for an http URL, a request is answered, and not with 5xx
    Answer,
    /// Nobody holds the port
    Free,
}

/// What `wharf schema` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// wharf.toml
    #[default]
    Project,
    /// `wharf explain --json`
    Explain,
    /// `wharf ls --json`
    Ls,
    /// `wharf doctor --json`
    Doctor,
    /// `wharf snapshot`
    Snapshot,
}
