//! The meaning of a `[service.NAME]` table.

use std::path::PathBuf;
use std::time::Duration;

use super::Service;
use super::at::{At, Span};
use super::carriage::Transport;
use super::check::{self, Names};
use super::error::Fault;
use super::frameworks;
use super::name::{PortName, ServiceName};
use super::substitute::{self, Known};
use super::suggest;
use super::values::{Command, EnvFiles, HoldChoice, Port, Protocol, ReadyCheck, ServiceKind, SocketPassing};
use super::written::{EnvValue, OneOrMany, ReadyTable, ReadyValue, ServiceTable};

const READY_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_GRACE: Duration = Duration::from_secs(10);
const MAX_RESTARTS: u32 = 5;

/// Reads one service.
pub(super) fn read(key: &At<String>, table: &ServiceTable, names: &Names) -> Result<Service, Fault> {
    let name = ServiceName::from(check::label(key, "service")?);
    let Some(run) = &table.run else {
        let message = format!("service `{name}` has no command");
        return Err(Fault::new(&key.span, message).hint("add run = \"…\""));
    };
    let command = command(&run.value, &run.span, "run")?;
    let protocol = match &table.protocol {
        Some(written) => check::protocol(written)?,
        None if table.transport == Transport::Udp => Protocol::udp(),
        None => frameworks::protocol(&command).unwrap_or_else(Protocol::http),
    };
    let is_service = table.kind == ServiceKind::Service;
    let service = Service {
        kind: table.kind,
        needs: names.needs(&name, &table.needs)?,
        cwd: table.cwd.as_ref().map(|cwd| PathBuf::from(&cwd.value)),
        env: env(table)?,
        env_files: env_files(table.env_file.as_ref()),
        port: port(table.port.as_ref())?,
        ports: check::ports(&table.ports)?,
        address: table.address,
        ready: ready(table.ready.as_ref())?,
        ready_timeout: check::time(table.ready_timeout.as_ref(), READY_TIMEOUT)?,
        restart: table.restart,
        max_restarts: max_restarts(table.max_restarts.as_ref())?,
        stop_grace: check::time(table.stop_grace.as_ref(), STOP_GRACE)?,
        stop_signal: table.stop_signal,
        socket: socket(table.socket.as_ref(), &command)?,
        user: user(table.user.as_ref())?,
        door: table.door.unwrap_or(is_service && protocol.is_http()),
        hold: match table.hold {
            None => HoldChoice::Auto,
            Some(true) => HoldChoice::Always,
            Some(false) => HoldChoice::Never,
        },
        protocol,
        transport: table.transport,
        run: command,
        name,
    };
    placeholders(&service, table)?;
    if service.transport == Transport::Udp {
        for_connections_only(key, &service, table)?;
    }
    if service.kind == ServiceKind::Task && service.door {
        let message = format!("`{}` is a task: the door cannot lead to it", service.name);
        return Err(Fault::new(&key.span, message).hint("leave `door` out, or `kind`"));
    }
    Ok(service)
}

/// Refuses what a service that takes datagrams alone cannot do.
fn for_connections_only(key: &At<String>, service: &Service, table: &ServiceTable) -> Result<(), Fault> {
    let name = &service.name;
    if let (Some(ready), ReadyCheck::Connect | ReadyCheck::Http(_)) = (&table.ready, &service.ready) {
        let message = format!("`{name}` takes datagrams, and this check makes a connection");
        return Err(Fault::new(&ready.span, message)
            .hint("leave `ready` out: it is ready when it has bound its port; or write { log = \"…\" }"));
    }
    if let (Some(socket), SocketPassing::Pass) = (&table.socket, service.socket) {
        let message = format!("`{name}` takes datagrams, and only sockets for connections are passed");
        return Err(Fault::new(&socket.span, message).hint("leave `socket` out"));
    }
    if service.door {
        let message = format!("`{name}` takes datagrams: the door cannot lead to it");
        return Err(Fault::new(&key.span, message).hint("leave `door` out, or write transport = \"both\""));
    }
    Ok(())
}

/// Checks that the placeholders of the command, the variables and the check stand for something.
fn placeholders(service: &Service, table: &ServiceTable) -> Result<(), Fault> {
    let known = Known {
        ports: service.ports.iter().map(PortName::as_str).collect(),
        needs: service.providers().map(ServiceName::as_str).collect(),
    };
    let check = |text: &str, span: &Span| {
        substitute::check(text, &known)
            .map_err(|error| Fault::new(span, error.to_string()).maybe_hint(error.hint))
    };
    let commands = |value: &OneOrMany, span: &Span| match value {
        OneOrMany::One(line) => check(line, span),
        OneOrMany::Many(words) => words.iter().try_for_each(|word| check(word, span)),
    };
    if let Some(run) = &table.run {
        commands(&run.value, &run.span)?;
    }
    for (_, value) in &table.env.0 {
        if let EnvValue::Text(text) = &value.value {
            check(text, &value.span)?;
        }
    }
    if let Some(ready) = &table.ready
        && let ReadyValue::Table(ReadyTable {
            command: Some(command),
            ..
        }) = &ready.value
    {
        commands(command, &ready.span)?;
    }
    Ok(())
}

/// Reads a command of at least one word.
fn command(value: &OneOrMany, span: &Span, key: &str) -> Result<Command, Fault> {
    let empty = || Fault::new(span, format!("`{key}` is empty")).hint("write a command");
    match value {
        OneOrMany::One(line) if line.trim().is_empty() => Err(empty()),
        OneOrMany::One(line) if line.contains('\0') => Err(nul(span)),
        OneOrMany::One(line) => Ok(Command::Shell(line.clone())),
        OneOrMany::Many(words) => match words.first() {
            None => Err(empty()),
            Some(first) if first.trim().is_empty() => Err(empty()),
            Some(_) if words.iter().any(|word| word.contains('\0')) => Err(nul(span)),
            Some(_) => Ok(Command::Argv(words.clone())),
        },
    }
}

/// A NUL byte ends a C string, so no command and no variable can hold one.
fn nul(span: &Span) -> Fault {
    Fault::new(span, "a NUL character can't be part of a command or a variable")
}

fn env(table: &ServiceTable) -> Result<Vec<(String, String)>, Fault> {
    let mut variables = Vec::new();
    for (key, value) in &table.env.0 {
        if key.is_empty() || key.contains(['=', '\0']) {
            let message = format!("`{}` can't be the name of a variable", key.value);
            return Err(Fault::new(&key.span, message));
        }
        let text = match &value.value {
            EnvValue::Text(text) if text.contains('\0') => return Err(nul(&value.span)),
            EnvValue::Text(text) => text.clone(),
            EnvValue::Integer(number) => number.to_string(),
            EnvValue::Float(number) => number.to_string(),
            EnvValue::Truth(truth) => truth.to_string(),
        };
        variables.push((key.value.clone(), text));
    }
    Ok(variables)
}

fn env_files(written: Option<&At<OneOrMany>>) -> EnvFiles {
    match written.map(|written| &written.value) {
        None => EnvFiles::Default,
        Some(OneOrMany::One(file)) => EnvFiles::Listed(vec![file.clone()]),
        Some(OneOrMany::Many(files)) => EnvFiles::Listed(files.clone()),
    }
}

/// Reads a port.
pub(super) fn port(written: Option<&At<i64>>) -> Result<Option<Port>, Fault> {
    let Some(written) = written else {
        return Ok(None);
    };
    let port = u16::try_from(written.value).ok().and_then(Port::new);
    port.map(Some).ok_or_else(|| {
        Fault::new(&written.span, format!("{} is no port", written.value))
            .hint("a port is a number from 1 to 65535; leave it out for a lease")
    })
}

fn max_restarts(written: Option<&At<i64>>) -> Result<u32, Fault> {
    let Some(written) = written else {
        return Ok(MAX_RESTARTS);
    };
    u32::try_from(written.value).map_err(|_| {
        Fault::new(
            &written.span,
            format!("{} is no number of restarts", written.value),
        )
    })
}

fn user(written: Option<&At<String>>) -> Result<Option<String>, Fault> {
    match written {
        Some(name) if name.is_empty() || name.contains(['\0', ':', '\n']) => {
            Err(Fault::new(&name.span, "this is no user's name"))
        }
        name => Ok(name.map(|name| name.value.clone())),
    }
}

/// A socket can only be handed to the very process that takes it: `LISTEN_PID` names one, and a
/// shell in between would be that one.
fn socket(written: Option<&At<SocketPassing>>, command: &Command) -> Result<SocketPassing, Fault> {
    let Some(written) = written else {
        return Ok(SocketPassing::None);
    };
    if written.value == SocketPassing::Pass && command.words().is_none() {
        return Err(Fault::new(
            &written.span,
            "a socket can't be passed through a shell, which `run` needs",
        )
        .hint("write run as a list of words: run = [\"server\", \"--flag\"]"));
    }
    Ok(written.value)
}

fn ready(written: Option<&At<ReadyValue>>) -> Result<ReadyCheck, Fault> {
    let Some(written) = written else {
        return Ok(ReadyCheck::Listen);
    };
    let fault = |message: &str| Fault::new(&written.span, message);
    let table = match &written.value {
        ReadyValue::Table(table) => table,
        ReadyValue::Word(word) => {
            return match word.as_str() {
                "listen" => Ok(ReadyCheck::Listen),
                "notify" => Ok(ReadyCheck::Notify),
                "connect" => {
                    Err(fault("this check is written as a table").hint("write ready = { connect = true }"))
                }
                "http" | "log" | "command" => Err(fault("this check is written as a table")
                    .hint(format!("write ready = {{ {word} = \"…\" }}"))),
                other => Err(
                    fault(&format!("there is no check `{other}`")).maybe_hint(suggest::hint(
                        other,
                        "it may be",
                        ["listen", "notify"],
                    )),
                ),
            };
        }
    };
    match table {
        ReadyTable {
            connect: Some(true), ..
        } => Ok(ReadyCheck::Connect),
        ReadyTable {
            connect: Some(false), ..
        } => Err(fault("`connect = false` checks nothing").hint("write { connect = true }")),
        ReadyTable { http: Some(path), .. } if path.starts_with('/') && is_path(path) => {
            Ok(ReadyCheck::Http(path.clone()))
        }
        ReadyTable { http: Some(_), .. } => {
            Err(fault("`http` takes a path").hint("write it as in { http = \"/health\" }: the port is known"))
        }
        ReadyTable { log: Some(text), .. } if text.is_empty() => {
            Err(fault("every line contains an empty text"))
        }
        ReadyTable { log: Some(text), .. } => Ok(ReadyCheck::Log(text.clone())),
        ReadyTable {
            command: Some(value), ..
        } => command(value, &written.span, "command").map(ReadyCheck::Command),
        ReadyTable { .. } => Ok(ReadyCheck::Listen),
    }
}

/// Whether a text can be sent as the path of a request: no blanks, no control characters.
fn is_path(path: &str) -> bool {
    path.chars().all(|c| c.is_ascii_graphic())
}
