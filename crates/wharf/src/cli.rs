//! The command line: each command and flag defined once, for parser and help.

mod lab;
mod links;
mod localhost;
mod topology;
mod toxiproxy;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use lab::{Also, CAPTURE_POINTS, CapturePoint, Inside, LabArgs};
pub(crate) use links::{
    Capture, ConditionFlags, CutArgs, Direction, HttpArgs, LinkArgs, Play, Requests, Set, Trace,
};
pub(crate) use localhost::{Doctor, Explain, Ls, SchemaOf, Stop, Until, Wait};
pub(crate) use topology::TopologyArgs;
pub(crate) use toxiproxy::{Toxiproxy, arguments};

/// localhost, with a real network in it
#[derive(Debug, Parser)]
#[command(name = "wharf", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Everything that wharf does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the services of a project, or apply what changed in its file
    Up(Up),
    /// Stop a running stack
    Down {
        #[command(flatten)]
        which: Which,
    },
    /// Show the services of the running stacks
    Ps {
        #[command(flatten)]
        which: Which,
        /// Every stack of this user
        #[arg(long, short)]
        all: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what the services said
    Logs(LogsArgs),
    /// Stop a service and start it again
    Restart {
        /// The service
        service: String,
        #[command(flatten)]
        which: Which,
    },
    /// Run a command with the environment of a service
    Exec {
        /// The service
        service: String,
        #[command(flatten)]
        which: Which,
        /// The command
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Print the environment of a service
    Env {
        /// The service
        service: String,
        #[command(flatten)]
        which: Which,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the URL of a service
    Url {
        /// The service
        service: String,
        /// The loopback address, for where names do not resolve
        #[arg(long)]
        direct: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Run one command as a service, without a project file
    Run(Run),
    /// Write a wharf.toml from what is found here
    Init {
        /// Print it, and write nothing
        #[arg(long)]
        print: bool,
    },
    /// Print a JSON Schema: of wharf.toml, or of what a command prints with --json
    Schema {
        /// Of what
        #[arg(value_enum, default_value_t)]
        of: SchemaOf,
    },
    /// Show who listens on this machine: what `wharf` alone does
    Ls(Ls),
    /// Say what is on a port, why, what a connection would meet, and what is wrong
    Explain(Explain),
    /// Look at this machine's localhost as a whole: names, families, ports, limits
    Doctor(Doctor),
    /// Stop whatever listens there, the way it wants to be stopped
    Stop(Stop),
    /// Wait until somebody listens, answers or is gone: for scripts
    Wait(Wait),
    /// Write the facts of this machine as JSON, for `--snapshot` and for colleagues
    Snapshot,
    /// Show the links and segments of a stack, with live figures
    Links {
        #[command(flatten)]
        which: Which,
        /// The links as JSON; segments are in `wharf ps --json`
        #[arg(long)]
        json: bool,
        /// Again each second, until Ctrl-C
        #[arg(long, short)]
        watch: bool,
    },
    /// Change the conditions of a link while it carries
    Set(Set),
    /// Cut a link: nothing passes until `wharf heal`
    Cut(CutArgs),
    /// Undo a cut, of one link or of all
    Heal {
        /// The link, as 'web -> api'
        link: Option<String>,
        #[command(flatten)]
        which: Which,
    },
    /// Play a scenario: a timeline of changes to links, undone when it ends
    Play(Play),
    /// Say what happens to HTTP requests on a link: 'path=/pay status=503 probability=10%'
    Http(HttpArgs),
    /// Show what was asked and answered on links
    Requests(Requests),
    /// Write what passes on a link into a pcapng file, until Ctrl-C
    Capture(Capture),
    /// Traces: rates that change over time
    #[command(subcommand)]
    Trace(Trace),
    /// Make one link to anything, without a project file
    Link(LinkArgs),
    /// Run a command in a network of its own, behind a link that carries real packets
    Lab(Box<LabArgs>),
    /// List the topologies that are ready, draw one, or say which way packets take in it
    Topology(TopologyArgs),
    /// Serve Toxiproxy's API on Wharf's links, for test suites that use its clients
    Toxiproxy(Toxiproxy),
    /// List the profiles: named conditions, with the source of their figures
    Profiles {
        /// Only this one, in full
        name: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the port leased to NAME in this checkout: PORT=$(wharf port web)
    Port {
        /// The service
        name: String,
        /// The name of its port
        #[arg(long, default_value = wharf_stack::MAIN)]
        port: String,
        /// Leave a process that holds the port for so many seconds, or until a server listens
        #[arg(long, value_name = "SECONDS")]
        hold: Option<u64>,
    },
    /// List the leases
    Leases {
        /// Every checkout's
        #[arg(long, short)]
        all: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give up the lease of NAME in this checkout
    Release {
        /// The service
        name: String,
        /// The name of its port
        #[arg(long, default_value = wharf_stack::MAIN)]
        port: String,
    },
    /// Serve portpicker's protocol, for test suites that set PORTSERVER_ADDRESS
    Portserver {
        /// The Unix socket to serve on; a leading @ is an abstract address
        #[arg(long)]
        address: Option<String>,
    },
}

/// Which stack is meant, where it is not the one of the nearest wharf.toml.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// The project file of the stack
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The name of the stack
    #[arg(long, short, value_name = "NAME")]
    pub(crate) stack: Option<String>,
}

/// `wharf up`.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The project file, or its folder
    pub(crate) file: Option<PathBuf>,
    /// In the background: return once everything is up
    #[arg(long, short)]
    pub(crate) detach: bool,
    /// Each service in a network of its own, with an address and its usual port, and real packets between them;
    /// `auto`: relays where no lab can be made
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "always")]
    pub(crate) lab: Option<InLab>,
}

/// Whether a stack is in a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InLab {
    /// Yes, or it does not start
    Always,
    /// Yes, where that can be
    Auto,
}

/// `wharf logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The service; none: all of them
    pub(crate) service: Option<String>,
    /// Go on with what follows
    #[arg(long, short = 'F')]
    pub(crate) follow: bool,
    /// How many lines of the past
    #[arg(long, short = 'n', default_value_t = 200)]
    pub(crate) lines: usize,
    /// As JSON, a line each
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `wharf run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The service's name; by default `app`
    #[arg(long, default_value = "app")]
    pub(crate) name: wharf_stack::project::ServiceName,
    /// The command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub(crate) command: Vec<String>,
}
