//! Who is behind a socket.

use std::fmt::{self, Write};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A process, as far as we may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in the kernel's clock ticks since boot. A pid is used again; a pid with
    /// its start time is not.
    pub start_time: u64,
    /// Its name (`comm`, at most 15 bytes).
    pub name: String,
    /// Its command line; empty for a kernel thread, or where it hid it.
    pub command: Vec<String>,
    /// Its working directory, where we may see it.
    pub cwd: Option<PathBuf>,
    /// The user it runs as.
    pub uid: u32,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A process chooses its own name: it must not be able to write to a terminal by it.
        for character in self.name.chars() {
            let shown = if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            };
            f.write_char(shown)?;
        }
        write!(f, " (pid {})", self.pid)
    }
}

/// Who has a socket open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// These processes have it open: more than one where a fork shares it. Never empty.
    Known(Vec<Process>),
    /// Somebody has it open whom we may not see: another user's process, one in another PID
    /// namespace, or the kernel itself.
    Hidden {
        /// The user who made the socket.
        uid: u32,
    },
    /// Nobody has it open any more: only the kernel keeps it, for TIME_WAIT or to finish sending.
    Nobody,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(processes) => {
                for (index, process) in processes.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    process.fmt(f)?;
                }
                Ok(())
            }
            Self::Hidden { uid } => {
                write!(f, "a process of user {uid} that this user may not see")
            }
            Self::Nobody => f.write_str("no process (the kernel still keeps it)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_reads_as_a_phrase() {
        let process = |pid, name: &str| Process {
            pid,
            start_time: 0,
            name: name.to_owned(),
            command: Vec::new(),
            cwd: None,
            uid: 0,
        };
        let known = Owner::Known(vec![process(812, "postgres"), process(813, "postgres")]);
        assert_eq!(known.to_string(), "postgres (pid 812), postgres (pid 813)");
        let hostile = process(7, "a\u{1b}[2Jb");
        assert_eq!(hostile.to_string(), "a\u{fffd}[2Jb (pid 7)");
        let hidden = Owner::Hidden { uid: 33 }.to_string();
        assert_eq!(hidden, "a process of user 33 that this user may not see");
    }
}
