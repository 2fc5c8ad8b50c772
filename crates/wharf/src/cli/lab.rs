//! The arguments of `wharf lab`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use wharf_link::Seed;

use super::ConditionFlags;

/// `wharf lab`.
#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    /// `shell`: your shell, in place of a command
    #[arg(conflicts_with = "command", required_unless_present = "command")]
    pub(crate) inside: Option<Inside>,
    #[command(flatten)]
    pub(crate) conditions: ConditionFlags,
    /// Segments one behind the other, with a router between each two: profiles, or conditions such as
    /// 'latency=5ms rate=10mbit'
    #[arg(long, value_name = "SEGMENT,…", value_delimiter = ',')]
    pub(crate) path: Vec<String>,
    /// Reach only these ports of this machine's loopback at the gateway; else all
    #[arg(long, value_name = "PORT,…", value_delimiter = ',')]
    pub(crate) allow: Vec<u16>,
    /// Let the command read raw packets and change its network: tcpdump, ip, ping -f
    #[arg(long)]
    pub(crate) net_tools: bool,
    /// Where all chance comes from: the same seed, the same losses
    #[arg(long, default_value_t = Seed(1))]
    pub(crate) seed: Seed,
    /// Say at the end, on standard error, what has passed
    #[arg(long, short = 'v')]
    pub(crate) stats: bool,
    /// Write at the end what has passed, as JSON, into a file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// The command
    #[arg(last = true)]
    pub(crate) command: Vec<OsString>,
}

/// What to run that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Inside {
    Shell,
}
