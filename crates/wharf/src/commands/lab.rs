//! `wharf lab`: a command in a network of its own, behind a link that carries real packets.

mod capture;
mod network;
mod summary;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};
use wharf_door::DOOR_PORT;
use wharf_host::sockets::{self, States};
use wharf_lab::{Allow, Exit, Lab, LabError, LabSpec, Segment, Shortfall, Tools, Waiting};
use wharf_link::{Conditions, Settings};
use wharf_stack::of_connections;

use super::exec;
use summary::Summary;

use super::links::profile;
use crate::cli::{ConditionFlags, Inside, LabArgs};
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::vars;

pub(super) fn run(args: &LabArgs) -> Result<ExitCode, Report> {
    match (args.inside, &args.service) {
        (Some(Inside::Exec), Some(service)) => {
            return exec::run(
                &Surroundings::read()?,
                service,
                &args.which,
                &args.command,
                Tools::Network,
            );
        }
        (Some(Inside::Exec), None) => {
            return Err(
                Report::new(Code::BadInput, "run a command where a service is: which service?")
                    .hint("name it: wharf lab exec web -- ping api"),
            );
        }
        (Some(Inside::Shell), _) if !args.command.is_empty() => {
            return Err(Report::new(
                Code::BadInput,
                "start a lab: a shell or a command, not both",
            ));
        }
        (_, Some(service)) => {
            return Err(
                Report::new(Code::BadInput, format!("start a lab: what is `{service}`?"))
                    .hint("a command comes behind `--`: wharf lab -- ping gateway"),
            );
        }
        (_, None) => {}
    }
    if let (Some(topology), Some(at)) = (&args.topology, &args.at) {
        return network::run(args, topology, at);
    }
    let path = path(args)?;
    let capture = capture::open(args, path.len())?;
    let spec = LabSpec {
        exe: exe()?,
        command: command(args),
        congestion: args.conditions.own.0.get("congestion").map(str::to_owned),
        path,
        seed: args.seed,
        allow: match args.allow.as_slice() {
            [] => Allow::All,
            ports => Allow::Only(ports.to_vec()),
        },
        local: local(args),
        waiting: match args.busy_poll {
            true => Waiting::Polling,
            false => Waiting::Asleep,
        },
        tools: tools(args),
        tun: tun(),
        capture,
    };
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let lab = Arc::new(Lab::start(&spec, streams)?);
    if matches!(args.inside, Some(Inside::Shell)) && std::io::stderr().is_terminal() {
        out::error_line(
            "this machine's ports are at `gateway`; localhost is the lab's own; `exit` ends the lab",
        );
    }
    let to = Arc::downgrade(&lab);
    pass_signals_on(move |signal| {
        if let Some(lab) = to.upgrade() {
            lab.signal(signal);
        }
    })?;
    let exit = lab.wait()?;
    let figures = lab.figures()?;
    if let Some(file) = &args.capture {
        capture::end(args, file, &lab)?;
    }
    if args.stats {
        summary::of_path(&spec, lab.facts(), &figures);
    }
    let latency = |of: fn(&Segment) -> &Conditions| -> Duration {
        spec.path
            .iter()
            .map(|segment| of(segment).latency.duration())
            .sum()
    };
    let latency = latency(|segment| &segment.up).min(latency(|segment| &segment.down));
    let shortfalls = figures.shortfalls(latency);
    warn(&shortfalls);
    if let Some(file) = &args.json {
        let facts = lab.facts();
        let summary = Summary {
            carrier: facts.carrier,
            congestion: &facts.congestion,
            ipv6: facts.ipv6,
            seed: spec.seed,
            start_ms: facts.start.as_secs_f64() * 1000.0,
            shortfalls: &shortfalls,
            figures: &figures,
        };
        summary.write(file)?;
    }
    Ok(code(exit))
}

/// What was not as the conditions say is never silent.
fn warn(shortfalls: &[Shortfall]) {
    for shortfall in shortfalls {
        out::error_line(&format!(
            "warning: this machine did not hold the conditions: {shortfall}"
        ));
    }
}

/// As a shell says it.
fn code(exit: Exit) -> ExitCode {
    let code = match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => 128 + signal,
    };
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1))
}

/// Those that were asked for, and the door, where there is one: its names mean the loopback everywhere.
fn local(args: &LabArgs) -> Vec<u16> {
    let named = std::env::var(vars::DOOR_PORT).ok();
    let door = named.and_then(|text| text.parse().ok()).unwrap_or(DOOR_PORT);
    let is_allowed = args.allow.is_empty() || args.allow.contains(&door);
    let listeners = sockets::tcp(States::LISTEN).unwrap_or_default();
    let is_there = listeners.iter().any(|socket| socket.local.port() == door);
    let door = (is_allowed && is_there).then_some(door);
    let mut ports: Vec<u16> = args.local.iter().copied().chain(door).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn exe() -> Result<PathBuf, Report> {
    std::env::current_exe()
        .map_err(|error| Report::new(Code::Unusable, format!("find the wharf program: {error}")))
}

fn tools(args: &LabArgs) -> Tools {
    if args.net_tools {
        Tools::Network
    } else {
        Tools::Ordinary
    }
}

/// The device node of TUN.
pub(super) fn tun() -> PathBuf {
    let node = std::env::var_os(vars::TUN);
    node.unwrap_or_else(|| "/dev/net/tun".into()).into()
}

impl From<LabError> for Report {
    fn from(error: LabError) -> Self {
        let hint = error.hint().map(str::to_owned);
        Report::new(Code::Failed, error).maybe_hint(hint)
    }
}

fn command(args: &LabArgs) -> Vec<OsString> {
    match args.inside {
        Some(Inside::Shell | Inside::Exec) => {
            vec![std::env::var_os(vars::SHELL).unwrap_or_else(|| "/bin/sh".into())]
        }
        None => args.command.clone(),
    }
}

/// The segments, from the command on.
fn path(args: &LabArgs) -> Result<Vec<Segment>, Report> {
    let mut path = Vec::new();
    if args.path.is_empty() || args.conditions.profile.is_some() || !args.conditions.own.0.is_empty() {
        path.push(segment("link", &args.conditions)?);
    }
    for (number, text) in args.path.iter().enumerate() {
        let name = format!("{}. {}", number + 1, text.trim());
        path.push(segment(&name, &parse(text)?)?);
    }
    Ok(path)
}

/// A segment as it is written: a profile, or conditions, or both: `4g loss=1% burst 3`.
fn parse(text: &str) -> Result<ConditionFlags, Report> {
    let mut flags = ConditionFlags::default();
    let mut settings: Vec<(&str, String)> = Vec::new();
    for word in text.split_whitespace() {
        match (word.split_once('='), settings.last_mut()) {
            (Some((key, value)), _) => settings.push((key, value.to_owned())),
            (None, Some((_, value))) => {
                value.push(' ');
                value.push_str(word);
            }
            (None, None) if flags.profile.is_none() => flags.profile = Some(word.to_owned()),
            (None, None) => {
                return Err(bad(text, &format!("`{word}` is a second profile"))
                    .hint("a segment is a profile, or conditions such as 'latency=5ms rate=10mbit'"));
            }
        }
    }
    for (key, value) in settings {
        let set = flags.own.0.set(key, &value);
        set.map_err(|problem| bad(text, &format!("{key}: {problem}")))?;
    }
    if flags.profile.is_none() && flags.own.0.is_empty() {
        return Err(bad(text, "it is empty"));
    }
    Ok(flags)
}

fn bad(segment: &str, problem: &str) -> Report {
    Report::new(Code::BadInput, format!("read the segment `{segment}`: {problem}"))
}

fn segment(name: &str, flags: &ConditionFlags) -> Result<Segment, Report> {
    let (up, down) = match &flags.profile {
        None => (Settings::default(), Settings::default()),
        Some(name) => {
            let profile = profile(name)?;
            (profile.up.settings(), profile.down.settings())
        }
    };
    Ok(Segment {
        name: name.to_owned(),
        up: resolve(&flags.own.0.clone().over(&up))?,
        down: resolve(&flags.own.0.clone().over(&down))?,
    })
}

/// The conditions that settings are, if packets can have them.
fn resolve(settings: &Settings) -> Result<Conditions, Report> {
    let mut read = |file: &str| std::fs::read_to_string(file).map_err(|error| error.to_string());
    let conditions = settings
        .resolve(&Conditions::CLEAR, &mut read)
        .map_err(|error| Report::new(Code::BadInput, format!("--{error}")))?;
    match of_connections(&conditions) {
        None => Ok(conditions),
        Some(what) => Err(Report::new(
            Code::BadInput,
            format!("start a lab: {what}: a lab carries packets, and knows no connections"),
        )
        .hint("`wharf link` has them")),
    }
}

/// Signals that are for the command go on to it.
fn pass_signals_on(send: impl Fn(i32) + Send + 'static) -> Result<(), Report> {
    let wanted = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2];
    let mut signals = SignalsInfo::<WithOrigin>::new(wanted)
        .map_err(|error| Report::new(Code::Failed, format!("listen for signals: {error}")))?;
    std::thread::spawn(move || {
        for origin in signals.forever() {
            if !is_the_terminals(&origin) {
                send(origin.signal);
            }
        }
    });
    Ok(())
}

/// Whether a key was pressed. The terminal sends its signals to the whole foreground group, and so to the
/// command as well; they alone bear the kernel's mark (`isig` in drivers/tty/n_tty.c, `SI_KERNEL`). What a
/// process has sent came here alone.
fn is_the_terminals(origin: &Origin) -> bool {
    matches!(origin.signal, SIGINT | SIGQUIT) && matches!(origin.cause, Cause::Kernel)
}
