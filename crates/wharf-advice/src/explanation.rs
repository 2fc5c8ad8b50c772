//! What there is to say of a target.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_facts::{Exposure, Family, PortClass, Protocol, TcpState, Turn};

use crate::{Finding, Severity};

/// What there is to say of a target. In JSON, a field is `null` where nothing is known; why not is
/// in [`Explanation::unknowns`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The target, as understood.
    pub subject: String,
    /// What is there, in one plain sentence without a full stop.
    pub summary: String,
    /// What kind of port it is; of a target with several ports, none.
    pub port: Option<PortFacts>,
    /// Who listens there, by address.
    pub listeners: Vec<Listening>,
    /// Who is connected, or was.
    pub peers: Vec<Peer>,
    /// What a connection from here would meet, by each name and family.
    pub routes: Vec<RouteStory>,
    /// What else holds the port, and what else could be meant.
    pub others: Vec<Other>,
    /// Who had the port last, as far as Wharf gave it out.
    pub last_used: Option<LastUse>,
    /// What is wrong: the most likely cause first.
    pub findings: Vec<Finding>,
    /// What could not be seen, and why.
    pub unknowns: Vec<String>,
}

/// What an explanation comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Somebody is there, and nothing is wrong as far as seen.
    Clean,
    /// Somebody is there, and there is a warning or a problem.
    Warnings,
    /// Nobody is there.
    NothingThere,
    /// Somebody is there, or may be, and the viewer may not see who.
    Hidden,
}

impl Explanation {
    /// What it comes to.
    ///
    /// [`Verdict::Hidden`] where a listener's owner, or the table of sockets itself, could not be
    /// seen; else [`Verdict::NothingThere`] where nobody listens; else by the findings. A note is no
    /// warning.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let hides = |listener: &Listening| listener.owners.is_empty() && listener.unit.is_none();
        if self.listeners.is_empty() {
            let published = self.others.iter().any(|other| other.kind == OtherKind::Published);
            let blind = self
                .unknowns
                .iter()
                .any(|unknown| unknown.starts_with(SOCKETS_UNSEEN));
            return match (published, blind) {
                (false, true) => Verdict::Hidden,
                (false, false) => Verdict::NothingThere,
                (true, _) => self.by_findings(),
            };
        }
        if self.listeners.iter().any(hides) {
            return Verdict::Hidden;
        }
        self.by_findings()
    }

    fn by_findings(&self) -> Verdict {
        let is_bad = |finding: &Finding| finding.severity > Severity::Note;
        if self.findings.iter().any(is_bad) {
            return Verdict::Warnings;
        }
        Verdict::Clean
    }

    /// The whole in one line: what is there, and the first finding.
    #[must_use]
    pub fn short(&self) -> String {
        match self.findings.first() {
            Some(finding) => format!(
                "{}: {}; {}: {}",
                self.subject, self.summary, finding.rule, finding.says
            ),
            None => format!("{}: {}", self.subject, self.summary),
        }
    }
}

/// How an unknown begins that leaves in the dark whether anybody listens.
pub(crate) const SOCKETS_UNSEEN: &str = "who listens:";

/// What kind of port it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortFacts {
    /// The port.
    pub port: u16,
    /// Its class (RFC 6335, section 6): `system`, `user`, `dynamic`.
    #[schemars(with = "String")]
    pub class: PortClass,
    /// The service's name that IANA assigned for TCP.
    pub service: Option<String>,
    /// Who is usually found there in practice.
    pub usual: Option<String>,
    /// Whether this kernel gives it to a bind() with port 0: `outside-range`, `reserved`, `first`,
    /// `last`.
    #[schemars(with = "Option<String>")]
    pub given_to_bind: Option<Turn>,
    /// Whether this kernel gives it to a connect() that was not bound before.
    #[schemars(with = "Option<String>")]
    pub given_to_connect: Option<Turn>,
    /// Whether binding it takes a privilege here.
    pub privileged: Option<bool>,
    /// Whether browsers refuse to go there (Fetch standard, bad ports).
    pub browser_blocked: bool,
    /// Whom Wharf gave it to: `web of /src/shop`.
    pub leased_to: Option<String>,
    /// All of this in one plain sentence.
    pub says: String,
}

/// Somebody who listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listening {
    /// The transport.
    #[schemars(with = "String")]
    pub protocol: Protocol,
    /// The address it is bound to.
    pub address: SocketAddr,
    /// The families it takes.
    #[schemars(with = "Vec<String>")]
    pub families: Vec<Family>,
    /// From where it can be reached, as far as the address says.
    #[schemars(with = "String")]
    pub exposure: Exposure,
    /// Whether an IPv6 socket refuses IPv4.
    pub v6only: Option<bool>,
    /// The number of the user who made the socket.
    pub uid: u32,
    /// That user's name.
    pub user: Option<String>,
    /// The processes that have it open; empty where they are hidden.
    pub owners: Vec<OwnerStory>,
    /// Whether those are all: `false` where some may not be seen.
    pub owners_complete: bool,
    /// The systemd unit that the socket was made in, by its cgroup.
    pub unit: Option<String>,
    /// Connections that wait to be accepted; for UDP, bytes that wait to be read.
    pub waiting: u32,
    /// How many may wait; 0 for UDP.
    pub backlog: u32,
    /// What is spoken there.
    pub speaks: Option<Speaks>,
}

/// What is spoken at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Speaks {
    /// Its word: `http`, `tls`, `postgres`.
    pub protocol: String,
    /// Whether it answered, or is only taken for it.
    pub known_by: KnownBy,
    /// The framework or product that gave itself away.
    pub product: Option<String>,
    /// The page's title.
    pub title: Option<String>,
}

/// How it is known what is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnownBy {
    /// It was asked, and answered so.
    Probe,
    /// By its owner's program and by the port's custom.
    Guess,
}

/// A process that has a socket open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerStory {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot; with the pid, its identity.
    pub start_time: u64,
    /// Its name.
    pub name: String,
    /// Its command line.
    pub command: Option<String>,
    /// The user it runs as.
    pub user: Option<String>,
    /// When it started, in seconds since 1970 (UTC).
    pub since: Option<u64>,
    /// Its working directory.
    pub cwd: Option<String>,
    /// The checkout that lies in.
    pub checkout: Option<String>,
    /// The branch that checkout stands at, or the commit.
    pub branch: Option<String>,
    /// The main checkout, where this one is a linked worktree of it.
    pub worktree_of: Option<String>,
    /// What it does, where it does not run as usual: `stopped`, `stopped by a debugger`, `zombie`.
    pub state: Option<String>,
    /// Why it is there, in words.
    pub reason: Option<String>,
}

/// A connection of the port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// The end at the port.
    pub local: SocketAddr,
    /// The far end.
    pub remote: SocketAddr,
    /// Its state: `established`, `close-wait`, …
    #[schemars(with = "String")]
    pub state: TcpState,
    /// The process at the far end, where that is on this machine and seen: `curl (pid 12)`.
    pub process: Option<String>,
    /// Bytes that wait to be read here.
    pub unread: u32,
    /// Bytes that wait to be sent or acknowledged here.
    pub unsent: u32,
}

/// What a connection from here would meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteStory {
    /// The name or address that one connects to: `localhost`, `127.0.0.1`.
    pub by: String,
    /// The address it leads to; none where the name leads to none.
    pub address: Option<SocketAddr>,
    /// What would happen.
    pub outcome: Outcome,
    /// That, in words: `node (pid 812)`, `refused`.
    pub says: String,
}

/// What would happen to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It would be accepted.
    Accepted,
    /// It would be refused at once.
    Refused,
    /// It would get no answer.
    Hangs,
    /// The name leads to no address.
    Unresolved,
    /// It leads off this machine.
    Elsewhere,
    /// It cannot be told.
    Unknown,
}

/// Something else that has to do with the port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Other {
    /// What it is.
    pub kind: OtherKind,
    /// The address, where one tells it.
    pub address: Option<SocketAddr>,
    /// How many there are.
    pub count: u32,
    /// It, in words.
    pub says: String,
}

/// What else can have to do with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OtherKind {
    /// A container's published port.
    Published,
    /// A socket that is bound and does not listen.
    Bound,
    /// Connections that rest in TIME_WAIT.
    TimeWait,
    /// Connections that go out from this port.
    Outgoing,
    /// Somebody on the same port in another network namespace.
    OtherNamespace,
    /// Somebody on a port nearby.
    Nearby,
}

/// Who had a port last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastUse {
    /// The service.
    pub service: String,
    /// Its checkout.
    pub checkout: String,
    /// When, in seconds since 1970 (UTC).
    pub at: Option<u64>,
}
