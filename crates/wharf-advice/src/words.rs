//! How facts are said.

use std::fmt::Display;

use wharf_facts::{Head, Holder, ProcessFacts, ProcessState, Reason, Snapshot, SocketFacts};

/// `text` without what could write to a terminal: a process chooses its own name, a page its title.
pub(crate) fn clean(text: &str) -> String {
    let is_hostile = |letter: char| {
        letter.is_control()
            // What changes the direction of what follows, and what is not seen at all.
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|letter| {
            if is_hostile(letter) {
                char::REPLACEMENT_CHARACTER
            } else {
                letter
            }
        })
        .collect()
}

/// `a, b and c`, of the first four; of more, how many.
pub(crate) fn join<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 4;
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.len() > SHOWN + 1 {
        let more = items.len() - SHOWN;
        items.truncate(SHOWN);
        items.push(format!("{more} more"));
    }
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 connection`, `2 connections`.
pub(crate) fn count(number: usize, of: &str) -> String {
    match number {
        1 => format!("1 {of}"),
        _ => format!("{number} {of}s"),
    }
}

/// `3 hours`, of a number of seconds.
pub(crate) fn span(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    count(usize::try_from(number).unwrap_or(usize::MAX), unit)
}

/// `node (pid 812)`.
pub(crate) fn process(process: &ProcessFacts) -> String {
    format!("{} (pid {})", clean(&process.name), process.pid)
}

/// A process, with where it runs and why: `node (pid 812), in /src/shop on branch main, started 3
/// hours ago by npm run dev`.
pub(crate) fn introduce(snapshot: &Snapshot, who: &ProcessFacts) -> String {
    let mut said = process(who);
    if let Some(user) = who.user.known()
        && who.uid.known() != snapshot.viewer.uid.known()
    {
        said.push_str(&format!(" of user {user}"));
    }
    if let Some(Some(checkout)) = who.checkout.known() {
        said.push_str(&format!(", in {}", checkout.root));
        if let Some(head) = checkout.head.known() {
            said.push_str(&format!(" on {}", self::head(head)));
        }
    } else if let Some(cwd) = who.cwd.known().filter(|cwd| *cwd != "/") {
        said.push_str(&format!(", in {cwd}"));
    }
    let age = age(snapshot, who.started_at.known().copied());
    if let Some(age) = age {
        said.push_str(&format!(", started {age} ago"));
    }
    if let Some(reason) = who.reason.known().and_then(reason) {
        said.push_str(&format!(", {reason}"));
    }
    clean(&said)
}

/// How long ago `then`, in seconds since 1970, was when the snapshot was taken.
pub(crate) fn age(snapshot: &Snapshot, then: Option<u64>) -> Option<String> {
    let now = snapshot.taken_at.known()? / 1000;
    Some(span(now.checked_sub(then?)?))
}

/// `branch main`, `commit 1a2b3c4`.
pub(crate) fn head(head: &Head) -> String {
    match head {
        Head::Branch(branch) => format!("branch {}", clean(branch)),
        Head::Detached(commit) => format!("commit {}", clean(&commit.chars().take(7).collect::<String>())),
    }
}

/// Who has `socket` open: `node (pid 812)`.
pub(crate) fn owner(snapshot: &Snapshot, socket: &SocketFacts) -> String {
    let pids = socket.owner.pids();
    if !pids.is_empty() {
        let mut pids = pids.to_vec();
        pids.sort_unstable();
        return join(pids.into_iter().map(|pid| match snapshot.process(pid) {
            Some(found) => process(found),
            None => format!("pid {pid}"),
        }));
    }
    if let Some(unit) = unit(socket) {
        return clean(unit);
    }
    match socket.owner {
        Holder::Nobody => "the kernel alone".to_owned(),
        Holder::Hidden => format!(
            "a process of {} that you may not see",
            user(snapshot, socket.socket.uid)
        ),
        _ => "a process that was not looked for".to_owned(),
    }
}

/// The systemd service that a socket was made in, by its cgroup.
pub(crate) fn unit(socket: &SocketFacts) -> Option<&str> {
    let path = socket.cgroup_path.as_deref()?;
    path.rsplit('/')
        .find(|part| part.ends_with(".service") && !part.starts_with("user@"))
}

/// `root`, `user 1000`.
pub(crate) fn user(snapshot: &Snapshot, uid: u32) -> String {
    if uid == 0 {
        return "root".to_owned();
    }
    match user_name(snapshot, uid) {
        Some(name) => clean(name),
        None => format!("user {uid}"),
    }
}

/// The name of a user, as far as some process tells it.
pub(crate) fn user_name(snapshot: &Snapshot, uid: u32) -> Option<&str> {
    if snapshot.viewer.uid.known() == Some(&uid)
        && let Some(user) = snapshot.viewer.user.known()
    {
        return Some(user);
    }
    let mut all = snapshot.processes.items().iter();
    let process = all.find(|process| process.uid.known() == Some(&uid) && process.user.is_known())?;
    process.user.known().map(String::as_str)
}

/// What a process does, where it does not run as usual.
pub(crate) fn state(state: ProcessState) -> Option<&'static str> {
    match state {
        ProcessState::Running | ProcessState::Sleeping | ProcessState::Unknown => None,
        ProcessState::Uninterruptible => Some("waiting for a device"),
        ProcessState::Stopped => Some("stopped"),
        ProcessState::Traced => Some("stopped by a debugger"),
        ProcessState::Zombie => Some("ended, and not reaped"),
    }
}

/// Why a process is there, as the end of a sentence about it: `by npm run dev, typed in zsh`.
pub(crate) fn reason(reason: &Reason) -> Option<String> {
    let said = match reason {
        Reason::Stack { stack, part, .. } => match part {
            Some(part) => format!("as `{part}` of the stack {stack}"),
            None => format!("as the stack {stack}"),
        },
        Reason::Container { id, engine } => {
            let id: String = id.chars().take(12).collect();
            format!(
                "in the container {id} of {}",
                engine.as_deref().unwrap_or("an engine not seen")
            )
        }
        Reason::ContainerForward { program, target } => match target {
            Some(target) => format!("to forward to {target} in a container, as {program} does"),
            None => format!("to forward into a container, as {program} does"),
        },
        Reason::SshForward { host, forwards } => {
            let host = host.as_deref().unwrap_or("another machine");
            format!("to forward over ssh to {host} ({})", forwards.join(" "))
        }
        Reason::Debugger { program, by } => format!("under the debugger {program} (pid {by})"),
        Reason::PackageScript {
            tool, script, within, ..
        } => {
            let within = within.as_deref().and_then(self::reason);
            let within = within.map_or_else(String::new, |within| format!(", {within}"));
            format!("by `{}`{within}", command_of(tool, script.as_deref()))
        }
        Reason::Ide { name, by } => format!("by {name} (pid {by})"),
        Reason::Agent { name, by } => format!("by the coding agent {name} (pid {by})"),
        Reason::Shell {
            shell,
            terminal,
            within,
            ..
        } => {
            let terminal = terminal.as_deref();
            let terminal = terminal.map_or_else(String::new, |terminal| format!(" on {terminal}"));
            let within = within.as_deref();
            let within = within.map_or_else(String::new, |within| format!(" in {within}"));
            format!("typed in {shell}{terminal}{within}")
        }
        Reason::Cron { program, .. } => format!("by {program}"),
        Reason::Supervisor { program, .. } => format!("by the supervisor {program}"),
        Reason::Unit { unit, .. } => format!("as the unit {unit}"),
        Reason::Orphan { .. } => "and left behind: what started it is gone".to_owned(),
        Reason::Init | Reason::Other => return None,
    };
    Some(clean(&said))
}

/// The command that runs a script: `npm run dev`, `make serve`.
pub(crate) fn command_of(tool: &str, script: Option<&str>) -> String {
    let Some(script) = script else {
        return tool.to_owned();
    };
    match tool {
        "npm" | "pnpm" | "yarn" | "bun" | "composer" | "mise" | "turbo" => format!("{tool} run {script}"),
        "deno" => format!("deno task {script}"),
        _ => format!("{tool} {script}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_write_to_a_terminal_is_replaced() {
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(clean("Grüße \u{202e}moc"), "Grüße \u{fffd}moc");
    }

    #[test]
    fn lists_read_as_phrases() {
        assert_eq!(join(["a"]), "a");
        assert_eq!(join(["a", "b", "c"]), "a, b and c");
        assert_eq!(join(1..=9), "1, 2, 3, 4 and 5 more");
        assert_eq!(join([""; 0]), "");
    }

    #[test]
    fn a_span_is_told_in_the_unit_that_fits() {
        assert_eq!(span(1), "1 second");
        assert_eq!(span(119), "119 seconds");
        assert_eq!(span(120), "2 minutes");
        assert_eq!(span(90_000), "25 hours");
        assert_eq!(span(200_000), "2 days");
    }
}
