//! `wharf wait`: until somebody listens, answers or is gone. For scripts.
//!
//! The kernel's table of sockets is asked again and again, which costs it well under a millisecond:
//! nobody is connected to before somebody listens.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use wharf_advice::Target;
use wharf_facts::{Socket, TcpState};
use wharf_host::snapshot::{self, Scope};
use wharf_host::sockets::{self, States};

use crate::cli::{Until, Wait};
use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::Surroundings;
use crate::target;

/// So often the kernel is asked.
const INTERVAL: Duration = Duration::from_millis(25);
/// A server on this machine takes a connection within microseconds, and answers a request within
/// this, or is asked again.
const ANSWER: Duration = Duration::from_secs(2);

pub(super) fn run(args: &Wait) -> Result<(), Report> {
    let until = Instant::now() + args.timeout.duration();
    // A name is resolved once it is known, and not again for each look.
    let mut fixed = None;
    loop {
        let seen = look(args, until, &mut fixed)?;
        if let Look::True(said) = &seen {
            out::line(said);
            return Ok(());
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(too_late(args, &seen));
        }
        std::thread::sleep(left.min(INTERVAL));
    }
}

/// What one look found.
enum Look {
    /// It is so: what is printed.
    True(String),
    /// It is not, yet: what was seen instead.
    NotYet(String),
}

fn too_late(args: &Wait, seen: &Look) -> Report {
    let what = match args.until {
        Until::Listen => "listen",
        Until::Answer => "answer",
        Until::Free => "be free",
    };
    let seen = match seen {
        Look::True(seen) | Look::NotYet(seen) => seen,
    };
    let error = format!(
        "wait for {} to {what}: not within {}: {seen}",
        args.target, args.timeout
    );
    let hint = format!("`wharf explain {}` says more", args.target);
    Report::new(Code::Failed, error).hint(hint)
}

fn look(args: &Wait, until: Instant, fixed: &mut Option<Places>) -> Result<Look, Report> {
    let places = match fixed.take() {
        Some(places) => places,
        None => places(&args.target, until)?,
    };
    // Where a service listens may change; a name that leads nowhere may yet lead somewhere.
    if !places.is_empty() && !matches!(args.target, Target::Name(_)) {
        *fixed = Some(places.clone());
    }
    if places.is_empty() {
        return Ok(Look::NotYet(format!(
            "{} leads to no address that is known",
            args.target
        )));
    }
    match args.until {
        Until::Listen => listens(&places),
        Until::Answer => Ok(answers(&args.target, &places, until)),
        Until::Free => is_free(&places),
    }
}

/// Where a target is: a port, on any address, or addresses.
#[derive(Clone)]
enum Places {
    Port(u16),
    Addresses(Vec<SocketAddr>),
}

impl Places {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Addresses(addresses) if addresses.is_empty())
    }

    fn are_met_by(&self, socket: &Socket) -> bool {
        match self {
            Self::Port(port) => socket.local.port() == *port,
            Self::Addresses(addresses) => addresses.iter().any(|&address| socket.covers(address)),
        }
    }

    /// The addresses to connect to.
    fn addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::Port(port) => {
                let loopback = [
                    IpAddr::from([127, 0, 0, 1]),
                    IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
                ];
                loopback.map(|ip| SocketAddr::new(ip, *port)).to_vec()
            }
            Self::Addresses(addresses) => addresses.clone(),
        }
    }
}

fn places(target: &Target, until: Instant) -> Result<Places, Report> {
    let at = |ip: IpAddr, port: u16| Ok(Places::Addresses(vec![SocketAddr::new(ip, port)]));
    match target {
        Target::Port(port) => Ok(Places::Port(*port)),
        Target::Address(address) => at(address.ip(), address.port()),
        Target::Host { name, port } => Ok(resolved(name, *port, until)),
        Target::Url(url) => match url.host.parse() {
            Ok(ip) => at(ip, url.port),
            Err(_) => Ok(resolved(&url.host, url.port, until)),
        },
        Target::Name(name) => service(name),
        Target::Pid(_) => Err(Report::new(
            Code::BadInput,
            format!("wait for {target}: a process is no address"),
        )
        .hint("name its port, or the service of a stack")),
    }
}

/// What the resolver says, in the time that is left.
fn resolved(name: &str, port: u16, until: Instant) -> Places {
    let left = until.saturating_duration_since(Instant::now());
    let scope = Scope::listeners().resolving(name).patient(left.max(INTERVAL));
    let names = snapshot::take(&scope).names;
    let resolution = names.resolution(name);
    let ips = resolution
        .map(|resolution| resolution.addresses())
        .unwrap_or_default();
    Places::Addresses(ips.iter().map(|&ip| SocketAddr::new(ip, port)).collect())
}

/// Where a service of a running stack listens, or was told to.
fn service(name: &str) -> Result<Places, Report> {
    let here = Surroundings::read()?;
    let mut addresses = Vec::new();
    for stack in target::all(&here) {
        let Ok(status) = stack.client().within(ANSWER).status() else {
            continue;
        };
        for service in &status.services {
            if service.name == name || format!("{}.{}", service.name, status.stack) == name {
                let told = service.ports.iter().map(|port| port.address);
                match service.listens.is_empty() {
                    true => addresses.extend(told),
                    false => addresses.extend(&service.listens),
                }
            }
        }
    }
    Ok(Places::Addresses(addresses))
}

fn ask(states: States) -> Result<Vec<Socket>, Report> {
    sockets::tcp(states).map_err(|error| Report::new(Code::Hidden, format!("see who listens: {error}")))
}

fn listens(places: &Places) -> Result<Look, Report> {
    if let Places::Addresses(addresses) = places
        && let Some(far) = addresses.iter().find(|address| !is_here(address.ip()))
    {
        let error = format!("wait for {far} to listen: it is on another machine, whose sockets are not seen");
        return Err(Report::new(Code::BadInput, error).hint("--until answer connects to it"));
    }
    let listeners = ask(States::LISTEN)?;
    let ports: Vec<u16> = places.addresses().iter().map(SocketAddr::port).collect();
    Ok(match listeners.iter().find(|socket| places.are_met_by(socket)) {
        Some(listener) => Look::True(listener.local.to_string()),
        None => Look::NotYet(
            match listeners
                .iter()
                .find(|socket| ports.contains(&socket.local.port()))
            {
                Some(other) => format!("somebody listens at {} instead", other.local),
                None => "nobody listened".to_owned(),
            },
        ),
    })
}

/// Whether an address is one of this machine's: only such a one can be bound.
fn is_here(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

fn is_free(places: &Places) -> Result<Look, Report> {
    let holding = ask(States::LISTEN | States::BOUND_INACTIVE)?;
    Ok(match holding.iter().find(|socket| places.are_met_by(socket)) {
        Some(socket) if socket.state == TcpState::Listen => {
            Look::NotYet(format!("somebody still listens at {}", socket.local))
        }
        Some(socket) => Look::NotYet(format!("somebody still holds {}", socket.local)),
        None => Look::True("free".to_owned()),
    })
}

/// Connects to each address in turn; an http URL is asked for.
fn answers(target: &Target, places: &Places, until: Instant) -> Look {
    let mut seen = String::new();
    for address in places.addresses() {
        let patience = until.saturating_duration_since(Instant::now()).min(ANSWER);
        match answer(target, address, patience.max(Duration::from_millis(1))) {
            Ok(said) => return Look::True(said),
            Err(why) => {
                if !seen.is_empty() {
                    seen.push_str("; ");
                }
                seen.push_str(&format!("{address}: {why}"));
            }
        }
    }
    Look::NotYet(seen)
}

fn answer(target: &Target, address: SocketAddr, patience: Duration) -> Result<String, String> {
    let say = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&address, patience).map_err(say)?;
    // A client that connects to a port that nobody listens on may meet itself (RFC 9293, 3.5).
    if stream.local_addr().is_ok_and(|local| local == address) {
        return Err("the connection met itself: nobody listens".to_owned());
    }
    let url = match target {
        Target::Url(url) if url.scheme == "http" => url,
        _ => return Ok(address.to_string()),
    };
    let host = match url.port {
        80 => bracketed(&url.host),
        port => format!("{}:{port}", bracketed(&url.host)),
    };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: wharf\r\nConnection: close\r\n\r\n",
        url.path
    );
    stream.set_write_timeout(Some(patience)).map_err(say)?;
    stream.write_all(request.as_bytes()).map_err(say)?;
    let mut head = Vec::new();
    // A status line is short: 16 reads are more than it takes. However it drips, there is one deadline.
    let until = Instant::now() + patience;
    let mut buffer = [0; 256];
    for _read in 0..16 {
        let left = until.saturating_duration_since(Instant::now());
        stream
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .map_err(say)?;
        let count = stream.read(&mut buffer).map_err(say)?;
        head.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 || head.contains(&b'\n') {
            break;
        }
    }
    let line = String::from_utf8_lossy(&head);
    let status = line
        .strip_prefix("HTTP/")
        .and_then(|rest| rest.split(' ').nth(1)?.get(..3)?.parse::<u16>().ok())
        .ok_or_else(|| "it does not answer in HTTP".to_owned())?;
    match status {
        500.. => Err(format!("it answers with {status}")),
        _ => Ok(format!("{address} {status}")),
    }
}

fn bracketed(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}
