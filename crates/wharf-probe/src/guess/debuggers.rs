//! Debuggers that listen, by the arguments that give them their port.
//!
//! One process has often both: `java -agentlib:jdwp=…,address=5005 -jar app.jar` speaks JDWP at 5005
//! and HTTP at 8080. So an argument counts for the port that it names; where it names none, the
//! debugger has a port of the kernel's choice, and may be at any of the process's ports.

use wharf_facts::Spoken;

use super::Owner;
use super::programs::file_name;

/// Debuggers whose protocol has no word of its own: each takes one client.
pub(super) const NAMES: &[&str] = &["delve", "rdbg", "lldb", "pydevd"];

/// Variables whose value is arguments of the program's runtime.
const DEBUG_VARIABLES: &[&str] = &["NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];

/// Arguments in which a debugger is looked for.
const LOOKED_AT: usize = 256;

/// A debugger's port.
pub(super) struct Found {
    pub(super) spoken: Spoken,
    pub(super) argument: String,
}

/// The debugger that listens at `owner`'s port, if its arguments say so.
pub(super) fn find(owner: &Owner<'_>) -> Option<Found> {
    let words: Vec<&str> = owner.command.iter().take(LOOKED_AT).map(String::as_str).collect();
    let within = owner
        .environment
        .iter()
        .filter(|variable| DEBUG_VARIABLES.contains(&variable.name.as_str()))
        .flat_map(|variable| variable.value.split_whitespace())
        .take(LOOKED_AT);
    let all: Vec<&str> = words.iter().copied().chain(within).collect();
    let mut claims = (0..all.len())
        .filter_map(|at| claim(&all, at))
        .chain(program(&words));
    claims
        .find(|claim| claim.port == Port::Any || claim.port == Port::Named(owner.port))
        .map(|claim| Found {
            spoken: claim.spoken,
            argument: claim.argument,
        })
}

/// What arguments say of a debugger.
struct Claim {
    spoken: Spoken,
    port: Port,
    argument: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Named(u16),
    Any,
}

/// What the argument `words[at]` says, with those around it.
fn claim(words: &[&str], at: usize) -> Option<Claim> {
    let word = *words.get(at)?;
    let (spoken, port) = jdwp(word)
        .or_else(|| inspector(word))
        .or_else(|| debugpy(words, word))
        .or_else(|| {
            (word == "-gdb").then(|| (Spoken::Gdb, words.get(at + 1).map_or(Port::Any, |at| port_of(at))))
        })?;
    Some(Claim {
        spoken,
        port,
        argument: word.to_owned(),
    })
}

/// Java's agent, and how it was loaded before there was `-agentlib`.
fn jdwp(word: &str) -> Option<(Spoken, Port)> {
    let options = word
        .strip_prefix("-agentlib:jdwp=")
        .or_else(|| word.strip_prefix("-Xrunjdwp:"))?;
    let option = |wanted: &str| {
        let mut pairs = options.split(',').filter_map(|option| option.split_once('='));
        pairs.find(|(key, _)| *key == wanted).map(|(_, value)| value)
    };
    // Without `server=y` the JVM connects to the debugger, and listens nowhere.
    (option("server") == Some("y")).then(|| (Spoken::Jdwp, option("address").map_or(Port::Any, port_of)))
}

/// Node's inspector and Chrome's. They take many clients, so a port of the kernel's choice is not
/// worth the suspicion against all other ports of the process.
fn inspector(word: &str) -> Option<(Spoken, Port)> {
    let (name, value) = word.split_once('=').unwrap_or((word, "9229"));
    let spoken = match name {
        "--inspect" | "--inspect-brk" | "--inspect-wait" | "--inspect-port" => Spoken::Inspector,
        "--remote-debugging-port" => Spoken::Devtools,
        _ => return None,
    };
    match port_of(value) {
        Port::Any => None,
        // `--inspect=127.0.0.1` is the usual port of that address.
        named => Some((spoken, named)),
    }
}

/// debugpy: the debuggee is told the port, and starts an adapter that listens there.
fn debugpy(words: &[&str], word: &str) -> Option<(Spoken, Port)> {
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).map(|value| port_of(value))
    };
    match file_name(word) {
        "adapter" | "__main__.py" if word.contains("debugpy/") => Some((Spoken::Dap, Port::Any)),
        "debugpy" | "ptvsd" => after("--listen").map(|port| (Spoken::Dap, port)),
        "pydevd.py" => Some((
            Spoken::Other("pydevd".to_owned()),
            after("--port").unwrap_or(Port::Any),
        )),
        _ => None,
    }
}

/// Programs that are debuggers. Their ports stand in arguments of many forms: each of their ports is
/// taken to be one.
fn program(words: &[&str]) -> Option<Claim> {
    let name = file_name(words.first()?);
    let spoken = match name {
        "gdbserver" | "rr" | "openocd" | "vgdb" => Spoken::Gdb,
        "dlv" | "__debug_bin" => Spoken::Other("delve".to_owned()),
        "rdbg" => Spoken::Other("rdbg".to_owned()),
        "lldb-server" | "debugserver" => Spoken::Other("lldb".to_owned()),
        _ => return None,
    };
    Some(Claim {
        spoken,
        port: Port::Any,
        argument: name.to_owned(),
    })
}

/// The port of `5005`, `*:5005`, `127.0.0.1:9229`, `tcp::1234`; 0 is the kernel's choice.
fn port_of(at: &str) -> Port {
    match at.rsplit(':').next().unwrap_or(at).parse() {
        Ok(0) | Err(_) => Port::Any,
        Ok(port) => Port::Named(port),
    }
}
