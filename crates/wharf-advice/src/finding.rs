//! A finding: what is so, how that is known, and what to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RuleId;

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule that found it.
    pub rule: RuleId,
    /// What it is about: `127.0.0.1:3000`, `localhost`, `http_proxy`.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// How likely it is what was asked about, from 0 to 100: an order among findings, by which they
    /// are sorted, and not a probability.
    pub likelihood: u8,
    /// One plain sentence.
    pub says: String,
    /// What it is drawn from.
    pub evidence: Vec<Evidence>,
    /// What can be done, the best first.
    pub fixes: Vec<Fix>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// It works, and will bite.
    Warning,
    /// It does not work.
    Problem,
}

/// A fact that a finding is drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The fact, in words.
    pub fact: String,
    /// How it is known.
    pub method: Method,
}

/// How a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The kernel's table of sockets (`sock_diag(7)`, or what the system has in its place).
    Sockets,
    /// The table of processes (`/proc`).
    Processes,
    /// The kernel's settings (`sysctl`).
    Settings,
    /// The kernel's counters (`nstat`).
    Counters,
    /// The network interfaces.
    Interfaces,
    /// The hosts file, nsswitch.conf, resolv.conf.
    NameFiles,
    /// A real getaddrinfo().
    Resolver,
    /// The environment's variables.
    Environment,
    /// Limits of files and watches.
    Limits,
    /// An engine of containers, asked by its socket.
    Engine,
    /// Another network namespace, looked into.
    Namespace,
    /// A connection that was made and what was said on it.
    Probe,
    /// What a command printed.
    Output,
    /// What was asked.
    Question,
    /// Wharf's own leases and stacks.
    Records,
    /// A published standard or list.
    Standard,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// What to do, in words.
    pub what: String,
    /// The command that does it, to be pasted.
    pub command: Option<String>,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sockets => "sockets",
            Self::Processes => "processes",
            Self::Settings => "kernel settings",
            Self::Counters => "kernel counters",
            Self::Interfaces => "interfaces",
            Self::NameFiles => "name files",
            Self::Resolver => "resolver",
            Self::Environment => "environment",
            Self::Limits => "limits",
            Self::Engine => "container engine",
            Self::Namespace => "namespace",
            Self::Probe => "probe",
            Self::Output => "its output",
            Self::Question => "the question",
            Self::Records => "Wharf's records",
            Self::Standard => "standard",
        })
    }
}
