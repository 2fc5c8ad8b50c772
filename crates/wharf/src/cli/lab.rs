//! The arguments of `wharf lab`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use wharf_lab::Point;
use wharf_link::{Seed, Size};

use super::{ConditionFlags, Which};

/// `wharf lab`.
#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    /// `shell`: your shell, in place of a command; `exec`: a command where a service of `wharf up --lab` is
    #[arg(required_unless_present = "command")]
    pub(crate) inside: Option<Inside>,
    /// Of `exec`: the service
    #[arg(requires = "command", conflicts_with_all = ["ConditionFlags", "path", "topology", "at", "also", "cut",
        "allow", "local", "net_tools", "stats", "json"])]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) conditions: ConditionFlags,
    /// Segments one behind the other, with a router between each two: profiles, or conditions such as
    /// 'latency=5ms rate=10mbit'
    #[arg(long, value_name = "SEGMENT,…", value_delimiter = ',')]
    pub(crate) path: Vec<String>,
    /// A whole network in place of one link: one that is ready (`wharf topology` lists them), or a file with
    /// [node.X] and [segment.X]
    #[arg(long, value_name = "NAME|FILE", requires = "at", conflicts_with_all = ["path", "allow", "ConditionFlags"])]
    pub(crate) topology: Option<String>,
    /// The host of the topology at which the command runs
    #[arg(long, value_name = "NODE", requires = "topology")]
    pub(crate) at: Option<String>,
    /// Another command, by `sh -c`, at another host, while the command runs; with a port the command waits
    /// until that listens
    #[arg(long, value_name = "NODE[:PORT]=COMMAND", requires = "topology")]
    pub(crate) also: Vec<Also>,
    /// Segments of the topology that are down. Routers know, and go around where they can
    #[arg(long, value_name = "SEGMENT,…", value_delimiter = ',', requires = "topology")]
    pub(crate) cut: Vec<String>,
    /// Reach only these ports of this machine's loopback at the gateway; else all
    #[arg(long, value_name = "PORT,…", value_delimiter = ',')]
    pub(crate) allow: Vec<u16>,
    /// The command reaches these ports at its own localhost too, and so over the link: for tests that know no
    /// other place. The door is always there
    #[arg(long, value_name = "PORT,…", value_delimiter = ',', conflicts_with = "topology",
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) local: Vec<u16>,
    /// Let the command read raw packets and change its network: tcpdump, ip, ping -f
    #[arg(long)]
    pub(crate) net_tools: bool,
    /// Do not sleep: packets are less late, and each direction takes a processor
    #[arg(long, conflicts_with = "topology")]
    pub(crate) busy_poll: bool,
    /// Where all chance comes from: the same seed, the same losses
    #[arg(long, default_value_t = Seed(1))]
    pub(crate) seed: Seed,
    /// Say at the end, on standard error, what has passed
    #[arg(long, short = 'v')]
    pub(crate) stats: bool,
    /// Write at the end what has passed, as JSON, into a file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the packets of the link, and which were dropped and why, into a pcapng file for Wireshark. Whatever
    /// passes is in it, passwords too
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<PathBuf>,
    /// Where packets are captured: command, gateway, router1 (behind the first segment of a path), …, drops (where
    /// they were dropped), or all; in a topology command, drops, all, or a segment's name
    #[arg(
        long,
        value_name = "POINT,…",
        value_delimiter = ',',
        default_value = "command,drops",
        requires = "capture"
    )]
    pub(crate) capture_at: Vec<CapturePoint>,
    /// How large the capture may become
    #[arg(long, value_name = "SIZE", default_value = "1GiB", requires = "capture")]
    pub(crate) capture_limit: Size,
    /// The command
    #[arg(last = true)]
    pub(crate) command: Vec<OsString>,
}

/// The points of a path.
pub(crate) const CAPTURE_POINTS: &str =
    "write command, gateway, drops, all, or router1 for the first router of the path";

/// Where packets are captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CapturePoint {
    At(Point),
    Drops,
    All,
    /// A segment of a topology.
    Segment(String),
}

impl FromStr for CapturePoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let router = |text: &str| text.parse().ok().filter(|number| *number > 0).map(Point::Router);
        Ok(match text {
            "" => return Err(CAPTURE_POINTS.to_owned()),
            "all" => Self::All,
            "drops" => Self::Drops,
            "command" => Self::At(Point::Command),
            "gateway" => Self::At(Point::Gateway),
            other => match other.strip_prefix("router").and_then(router) {
                Some(router) => Self::At(router),
                None => Self::Segment(other.to_owned()),
            },
        })
    }
}

/// What to run that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Inside {
    Shell,
    Exec,
}

/// A command beside the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Also {
    pub(crate) node: String,
    /// It is ready once this listens.
    pub(crate) port: Option<u16>,
    pub(crate) command: String,
}

impl FromStr for Also {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, command) = text
            .split_once('=')
            .filter(|(place, command)| !place.is_empty() && !command.trim().is_empty())
            .ok_or("it is no NODE=COMMAND, such as server:5201='iperf3 -s'")?;
        let (node, port) = match place.split_once(':') {
            None => (place, None),
            Some((node, port)) => match port.parse() {
                Ok(port) if port > 0 => (node, Some(port)),
                _ => return Err(format!("`{port}` is no port")),
            },
        };
        Ok(Self {
            node: node.to_owned(),
            port,
            command: command.to_owned(),
        })
    }
}
