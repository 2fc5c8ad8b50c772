use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wharf_http::Rule;
use wharf_lab::{Carrier, SegmentFigures};
use wharf_link::{Conditions, Settings, SettingsError, Size};
use wharf_relay::wharf_capture::News;
use wharf_relay::{Cut, LinkStats, SegmentStats};

use crate::logs::Line;
use crate::supervise::Phase;

/// What a client may ask of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// How everything is.
    Status,
    /// Answer once nothing is on its way any more.
    Settle,
    /// Lines of the log.
    Logs(LogQuery),
    /// Stop a service and start it again.
    Restart {
        /// The service.
        service: String,
    },
    /// Stop a service, and leave it stopped until it is restarted.
    Stop {
        /// The service.
        service: String,
    },
    /// The environment of a service.
    Env {
        /// The service.
        service: String,
    },
    /// Read the project file again and apply what changed.
    Apply,
    /// Change the conditions of a link.
    Set {
        /// The link, as `web -> api`.
        link: String,
        /// The change, towards the provider.
        up: Change,
        /// The change, back from it.
        down: Change,
    },
    /// Cut a link.
    Cut {
        /// The link.
        link: String,
        /// How.
        cut: Cut,
    },
    /// Undo the cut of a link, or of all.
    Heal {
        /// The link; none: all of them.
        link: Option<String>,
    },
    /// What happens to HTTP requests on a link, in place of what was said before.
    Rules {
        /// The link.
        link: String,
        /// The rules; the first that matches decides.
        rules: Vec<Rule>,
    },
    /// Write what passes on a link into a file. Answers with figures until the one who asked goes
    /// away, or somebody stops it; then it ends.
    Capture {
        /// The link.
        link: String,
        /// The file, in full. It is made anew.
        file: PathBuf,
        /// How large it may become.
        limit: Size,
    },
    /// The figures of a capture.
    Captured {
        /// The link.
        link: String,
        /// Its number; none: whichever is under way.
        #[serde(default)]
        capture: Option<u64>,
    },
    /// End a capture.
    StopCapture {
        /// The link.
        link: String,
        /// Its number; none: whichever is under way. One that has ended already ends no other.
        #[serde(default)]
        capture: Option<u64>,
    },
    /// What was asked and answered on links lately.
    Exchanges {
        /// On this link only.
        link: Option<String>,
        /// For each link, the number from which on it is wanted.
        since: BTreeMap<String, u64>,
    },
    /// Play a scenario of the project file. The answers come as it plays; it ends when the one who
    /// asked goes away.
    Play {
        /// The scenario.
        scenario: String,
    },
    /// End what is being played, and undo it.
    StopPlaying,
    /// Stop the stack.
    Down,
}

/// Which lines of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// Of one service only.
    pub service: Option<String>,
    /// How many of the past.
    pub last: usize,
    /// Whether to go on with those to come.
    pub follow: bool,
}

/// A change to the conditions of one direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// None.
    #[default]
    Keep,
    /// Put these in place of what is there.
    Replace(Settings),
    /// Alter what is named, and leave the rest as it is.
    Adjust(Settings),
    /// Back to what the project file says.
    Restore,
}

impl Change {
    /// The conditions after this change. `files` is asked for the text of what is named in it.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub fn applied_to(
        &self,
        now: &Conditions,
        in_file: &Conditions,
        files: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Conditions, SettingsError> {
        match self {
            Change::Keep => Ok(now.clone()),
            Change::Replace(settings) => settings.resolve(&Conditions::CLEAR, files),
            Change::Restore => Ok(in_file.clone()),
            Change::Adjust(settings) => settings.resolve(now, files),
        }
    }
}

/// A stack's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It was done; with what was done, in words, where there is something to say.
    Done {
        /// One sentence each.
        said: Vec<String>,
    },
    /// How everything is.
    Status(Box<StackStatus>),
    /// One line of the log.
    Line(Line),
    /// An environment.
    Env {
        /// The variables.
        variables: BTreeMap<String, String>,
        /// The working directory.
        cwd: std::path::PathBuf,
        /// How to enter its network, where that is a lab's.
        #[serde(default)]
        entrance: Option<Entrance>,
    },
    /// How far a capture has come.
    Captured {
        /// The link, in full.
        link: String,
        /// Which capture it is, counted over those of the stack.
        capture: u64,
        /// Packets in the file, or about to be.
        packets: u64,
        /// Packets that are not in it: it could not be written fast enough, or is at its limit.
        missing: u64,
        /// Bytes of the file.
        bytes: u64,
    },
    /// What was asked and answered, for each link.
    Exchanges(BTreeMap<String, News>),
    /// Something that happened in the scenario that is being played.
    Played {
        /// When, in milliseconds since it began.
        at_ms: u64,
        /// What, in words.
        said: String,
    },
    /// It was not done.
    Refused(Refusal),
}

impl Reply {
    /// The stack has ended, as was asked.
    pub(crate) fn stopped() -> Self {
        Reply::Done {
            said: vec!["stopped".to_owned()],
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Refusal {
    /// Nothing else is known than that the stack ends.
    pub(crate) fn stopping() -> Self {
        Refusal {
            error: "the stack is stopping".to_owned(),
            hint: None,
        }
    }
}

/// How a stack is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StackStatus {
    /// Its name.
    pub stack: String,
    /// Its branch label, in a linked worktree.
    pub branch: Option<String>,
    /// Its identity: the canonical path of its file.
    pub identity: String,
    /// Its process.
    pub pid: u32,
    /// Where the door is, as far as this stack knows: a port on loopback.
    pub door_port: u16,
    /// Whether this machine resolves `*.localhost`.
    pub names_resolve: bool,
    /// Whether it is being stopped.
    pub stopping: bool,
    /// Its services, in the order of their names.
    pub services: Vec<ServiceStatus>,
    /// Its links, in the order of their names.
    pub links: Vec<LinkStatus>,
    /// Its segments, in the order of their names.
    #[serde(default)]
    pub segments: Vec<SegmentStatus>,
    /// The scenario that is being played.
    #[serde(default)]
    pub playing: Option<String>,
    /// The seed of all chance in it.
    #[serde(default)]
    pub seed: u64,
    /// The lab in which its services are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<LabStatus>,
}

/// How a lab is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LabStatus {
    /// By what packets come and go.
    pub carrier: Carrier,
    /// The congestion control of all services.
    pub congestion: String,
    /// The process that owns the namespaces.
    pub keeper: u32,
}

/// The words of a command that enters the network of a service, and becomes the command whose words follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrance {
    /// For a command that may what the service may.
    pub ordinary: Vec<String>,
    /// For one that may read raw packets and change the network.
    pub with_tools: Vec<String>,
}

/// What became of packets, of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketFigures {
    /// Those that came.
    pub offered: u64,
    /// Those that were delivered.
    pub delivered: u64,
    /// Dropped: in an outage.
    pub outage: u64,
    /// Dropped: longer than the MTU.
    pub mtu: u64,
    /// Dropped: lost by chance, or cut.
    pub loss: u64,
    /// Dropped: the queue was full.
    pub queue: u64,
    /// Dropped: by the queue's discipline.
    pub aqm: u64,
    /// Marked (ECN).
    pub marked: u64,
}

impl From<&SegmentFigures> for PacketFigures {
    fn from(figures: &SegmentFigures) -> Self {
        Self {
            offered: figures.offered,
            delivered: figures.delivered,
            outage: figures.outage,
            mtu: figures.mtu,
            loss: figures.loss,
            queue: figures.queue,
            aqm: figures.aqm,
            marked: figures.marked,
        }
    }
}

/// How a segment is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SegmentStatus {
    /// Its name.
    pub name: String,
    /// Conditions towards the providers.
    pub up: Settings,
    /// Conditions back from them.
    pub down: Settings,
    /// Live figures.
    pub stats: SegmentStats,
    /// Of a segment of a lab: what became of packets, up and down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<[PacketFigures; 2]>,
}

/// How a service is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Whether it is a task.
    pub task: bool,
    /// Its phase.
    #[serde(flatten)]
    pub phase: Phase,
    /// Its process.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
    /// For how long it has been in its phase, in milliseconds.
    pub since_ms: u64,
    /// Its ports, the main one first.
    pub ports: Vec<PortStatus>,
    /// Where it really listens.
    pub listens: Vec<std::net::SocketAddr>,
    /// Its name at the door.
    pub url: Option<String>,
    /// The address of its door link: what to use where names do not resolve.
    pub direct_url: Option<String>,
}

/// A leased port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStatus {
    /// The port's name: `main`, or what the file calls it.
    pub name: String,
    /// Its address.
    pub address: std::net::SocketAddr,
}

/// How a link is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Its name, `web -> api`.
    pub name: String,
    /// Where the consumer connects.
    pub address: std::net::SocketAddr,
    /// Conditions towards the provider.
    pub up: Settings,
    /// Conditions back from it.
    pub down: Settings,
    /// The cut in force.
    pub cut: Option<Cut>,
    /// What happens to HTTP requests.
    #[serde(default)]
    pub http: Vec<Rule>,
    /// The segments that it passes.
    #[serde(default)]
    pub via: Vec<String>,
    /// Live figures.
    pub stats: LinkStats,
    /// Of a link in a lab: what became of packets, up and down. Its other figures are of connections, and zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<[PacketFigures; 2]>,
    /// Of a link in a lab: whether the last hop is a relay, since the provider listens on its loopback alone.
    #[serde(default)]
    pub relayed: bool,
}
