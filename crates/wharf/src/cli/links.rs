//! The arguments of the commands about links.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, FromArgMatches, Subcommand, ValueEnum};
use wharf_link::Settings;

use super::Which;

/// Conditions, as flags: a profile, and a flag for each key of [`Settings`].
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConditionFlags {
    /// A profile (see `wharf profiles`), in place of what is there
    #[arg(long)]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) own: SettingFlags,
}

/// A flag for each condition, made from the one table that defines them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingFlags(pub(crate) Settings);

impl Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(Settings::keys().map(|key| {
            clap::Arg::new(key.name)
                .long(key.name)
                .value_name(key.placeholder)
                .help(key.help)
        }))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Settings::default();
        for key in Settings::keys() {
            if let Some(text) = matches.get_one::<String>(key.name) {
                settings.set(key.name, text).map_err(|problem| {
                    clap::Error::raw(
                        clap::error::ErrorKind::ValueValidation,
                        format!("--{}: {problem}\n", key.name),
                    )
                })?;
            }
        }
        Ok(Self(settings))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// One direction or both.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(multiple = false)]
pub(crate) struct DirectionFlags {
    /// Only towards the provider
    #[arg(long)]
    pub(crate) up: bool,
    /// Only back from the provider
    #[arg(long)]
    pub(crate) down: bool,
}

/// `wharf set`.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The link, as 'web -> api'
    pub(crate) link: String,
    /// A profile, as --profile
    pub(crate) profile_name: Option<String>,
    #[command(flatten)]
    pub(crate) conditions: ConditionFlags,
    /// No conditions
    #[arg(long, conflicts_with_all = ["restore", "profile", "profile_name"])]
    pub(crate) clear: bool,
    /// What the project file says
    #[arg(long, conflicts_with_all = Settings::keys().map(|key| key.name).chain(["profile", "profile_name"]))]
    pub(crate) restore: bool,
    #[command(flatten)]
    pub(crate) direction: DirectionFlags,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `wharf http`.
#[derive(Debug, Args)]
pub(crate) struct HttpArgs {
    /// The link, as 'web -> api'
    pub(crate) link: String,
    /// The rules; the first that matches a request decides. Keys: method, path, header, probability,
    /// status, body, delay, rate, truncate, stall, drop, request.set.NAME, response.add.NAME, …
    pub(crate) rules: Vec<wharf_http::Rule>,
    /// No rules any more
    #[arg(long, conflicts_with = "rules")]
    pub(crate) clear: bool,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `wharf requests`.
#[derive(Debug, Args)]
pub(crate) struct Requests {
    /// The link, as 'web -> api'; none: all of them
    pub(crate) link: Option<String>,
    /// Go on with what follows
    #[arg(long, short = 'F')]
    pub(crate) follow: bool,
    /// How many of the past
    #[arg(long, short = 'n', default_value_t = 50)]
    pub(crate) lines: usize,
    /// As JSON, a line each
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `wharf capture`.
#[derive(Debug, Args)]
pub(crate) struct Capture {
    /// The link, as 'web -> api'
    pub(crate) link: String,
    /// The file; it is made anew
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How large it may become
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub(crate) limit: wharf_link::Size,
    /// End by itself after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `wharf trace`.
#[derive(Debug, Subcommand)]
pub(crate) enum Trace {
    /// Plot the rate of a trace over time
    Show {
        /// A file in Mahimahi's format
        file: PathBuf,
        /// As SVG
        #[arg(long)]
        svg: bool,
    },
    /// Make a trace up, from published statistics
    Synth {
        /// Like what: one of `wharf trace models`, or such as 'constant 12mbit'
        #[arg(long, value_name = "MODEL")]
        like: String,
        /// How long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The seed: the same one gives the same trace
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where to write it; by default to standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List what traces can be like, with the source of the figures
    Models {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `wharf play`.
#[derive(Debug, Args)]
pub(crate) struct Play {
    /// The scenario; none: list those of the project file
    pub(crate) scenario: Option<String>,
    /// Show what it would do and when, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// As JSON, a line each
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `wharf cut`.
#[derive(Debug, Args)]
pub(crate) struct CutArgs {
    /// The link, as 'web -> api'
    pub(crate) link: String,
    /// Reset connections instead of letting them hang
    #[arg(long, conflicts_with = "refuse")]
    pub(crate) reset: bool,
    /// Refuse new connections
    #[arg(long)]
    pub(crate) refuse: bool,
    #[command(flatten)]
    pub(crate) direction: DirectionFlags,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `wharf link`.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// Where it leads: 127.0.0.1:5432
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) conditions: ConditionFlags,
    /// The port to listen on; by default a lease
    #[arg(long)]
    pub(crate) listen: Option<std::num::NonZeroU16>,
}

/// An address or a name, and a port.
#[derive(Clone, Debug)]
pub(crate) struct Target(pub(crate) String);

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.parse::<SocketAddr>().is_ok() {
            return Ok(Target(text.to_owned()));
        }
        if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
            return if port == 0 {
                Err("a port is never 0".to_owned())
            } else {
                Ok(Target(format!("127.0.0.1:{port}")))
            };
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0) => {
                Ok(Target(text.to_owned()))
            }
            _ => Err("write an address and a port, as in 127.0.0.1:5432".to_owned()),
        }
    }
}

/// What a direction flag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    Both,
    Up,
    Down,
}

impl DirectionFlags {
    pub(crate) fn direction(self) -> Direction {
        match (self.up, self.down) {
            (true, false) => Direction::Up,
            (false, true) => Direction::Down,
            _ => Direction::Both,
        }
    }
}
