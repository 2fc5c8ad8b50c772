//! How long it takes to list who listens: Wharf beside `ss` and `lsof`, on this machine as it is and
//! with 5,000 listeners and 20,000 connected sockets in 200 processes that the benchmark starts.
//!
//! `cargo run --release -p wharf-host --example listing [ROUNDS]`. All is on loopback, and ends with
//! the benchmark: each process of the load ends when its input does. Every candidate is a program,
//! timed from spawn to exit, in alternating rounds; the table shows medians. As root both root and
//! user 65534 look, each at a load of their own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wharf_facts::Holder;
use wharf_host::snapshot::{self, Scope};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const PROCESSES: usize = 200;
const LISTENERS: usize = 25;
/// Two connected sockets each.
const PAIRS: usize = 50;
const ORDINARY: u32 = 65534;

/// Works after a change of user, too, wherever the program lies.
const SELF: &str = "/proc/self/exe";

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["load"] => load(),
        ["list"] => list(&Scope::listeners()),
        ["port", port] => list(&Scope::port(port.parse()?)),
        [] => compare(21),
        [rounds] => compare(rounds.parse()?),
        _ => Err("usage: listing [ROUNDS]".into()),
    }
}

/// One process of the load: says where it listens, and waits until its input ends.
fn load() -> Outcome<()> {
    let listeners: Vec<TcpListener> = (0..LISTENERS)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<io::Result<_>>()?;
    let mut connections = Vec::new();
    for (_, listener) in (0..PAIRS).zip(listeners.iter().cycle()) {
        let client = TcpStream::connect(listener.local_addr()?)?;
        // Reset at the end, or 10,000 TIME_WAITs would stay for a minute.
        socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
        connections.push((client, listener.accept()?));
    }
    let first = listeners.first().ok_or("no listener")?;
    writeln!(io::stdout(), "{}", first.local_addr()?.port())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    for (client, (server, _)) in connections {
        drop(client);
        drop(server);
    }
    Ok(())
}

/// What a command that lists would do: the snapshot, and a line for each listener.
fn list(scope: &Scope) -> Outcome<()> {
    let snapshot = snapshot::take(scope);
    let mut out = io::BufWriter::new(io::stdout().lock());
    for socket in snapshot.listeners() {
        let owner = snapshot.owners(socket).next();
        let name = owner.map_or("?", |process| process.name.as_str());
        let hidden = matches!(socket.owner, Holder::Hidden);
        writeln!(out, "{} {name} hidden={hidden}", socket.socket.local)?;
    }
    Ok(out.flush()?)
}

/// The processes of the load. They end, and are waited for, with this.
struct Load {
    children: Vec<Child>,
    port: u16,
}

impl Load {
    fn start(user: Option<u32>) -> Outcome<Self> {
        let mut load = Self {
            children: Vec::new(),
            port: 0,
        };
        for _ in 0..PROCESSES {
            let mut command = as_user(user, Command::new(SELF).arg("load"));
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            load.children.push(command.spawn()?);
        }
        for child in &mut load.children {
            let mut line = String::new();
            let out = child.stdout.as_mut().ok_or("a child without an output")?;
            BufReader::new(out).read_line(&mut line)?;
            load.port = line.trim().parse().map_err(|_| "a child of the load failed")?;
        }
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.stdin.take());
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}

fn as_user(user: Option<u32>, command: &mut Command) -> Command {
    let mut made = Command::new(command.get_program());
    made.args(command.get_args());
    if let Some(user) = user {
        made.uid(user).gid(user).current_dir("/");
    }
    made
}

fn compare(rounds: usize) -> Outcome<()> {
    let mut users = vec![None];
    if rustix::process::geteuid().is_root() {
        users.push(Some(ORDINARY));
    }
    for user in users {
        let viewer = user.map_or_else(
            || format!("user {}", rustix::process::geteuid().as_raw()),
            |user| format!("user {user}"),
        );
        // A port at which nobody is: what is measured is the looking.
        table(&format!("idle, {viewer}"), user, 9, rounds)?;
        let load = Load::start(user)?;
        table(&format!("loaded, {viewer}"), user, load.port, rounds)?;
    }
    Ok(())
}

/// Alternating rounds of every candidate, and their medians.
fn table(title: &str, user: Option<u32>, port: u16, rounds: usize) -> Outcome<()> {
    let port = port.to_string();
    let candidates: [(&str, Vec<&str>); 5] = [
        ("bare process", vec!["/bin/true"]),
        ("wharf: listeners, owners", vec![SELF, "list"]),
        ("wharf: all about a port", vec![SELF, "port", &port]),
        ("ss -tlnp", vec!["ss", "-tlnp"]),
        (
            "lsof -nP -iTCP -sTCP:LISTEN",
            vec!["lsof", "-nP", "-iTCP", "-sTCP:LISTEN"],
        ),
    ];
    let mut times = vec![Vec::new(); candidates.len()];
    for _ in 0..rounds {
        for ((_, words), times) in candidates.iter().zip(&mut times) {
            let (program, arguments) = words.split_first().ok_or("a command without words")?;
            let mut command = as_user(user, Command::new(program).args(arguments));
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let begun = Instant::now();
            match command.status() {
                Ok(_) => times.push(begun.elapsed()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("run {program}: {error}").into()),
            }
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{title}, median of {rounds}:")?;
    for ((name, _), mut times) in candidates.iter().zip(times) {
        times.sort_unstable();
        match times.get(times.len() / 2) {
            Some(median) => writeln!(out, "  {name:<30} {:>8.1} ms", median.as_secs_f64() * 1e3)?,
            None => writeln!(out, "  {name:<30} not installed")?,
        }
    }
    Ok(())
}
