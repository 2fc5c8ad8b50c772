//! This binary, executed again to be another process: one that listens, or one that looks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use socket2::{Domain, Type};
use wharf_facts::Snapshot;
use wharf_host::snapshot::{self, Scope};

/// The variable that says what a worker is to do.
const ROLE: &str = "WHARF_HOST_TEST_ROLE";
/// The variable that says where a worker is to be a nameserver that never answers.
pub(crate) const MUTE_NAMESERVER: &str = "WHARF_HOST_TEST_MUTE";
/// The listeners of a viewer that makes itself a crowd of them.
pub(crate) const CROWD: usize = 5_000;
/// Begins what a worker says; the harness says other things.
const MARK: &str = "@@ ";

/// Not a test: what a worker does. Ignored, so that nobody runs it by chance.
#[test]
#[ignore = "what the other tests execute as another process"]
fn worker() {
    let role = std::env::var(ROLE).expect("only other tests execute this");
    match role.split_once(' ') {
        Some(("listen", address)) => listen(address.parse().expect("an address")),
        Some(("look", scope)) => look_and_say(scope),
        _ => panic!("an unknown role: {role}"),
    }
}

/// Listens, in the company of others who do so at the same address, until its input ends.
fn listen(address: SocketAddr) {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_reuse_port(true).expect("SO_REUSEPORT");
    socket.bind(&address.into()).expect("bind");
    socket.listen(7).expect("listen");
    let bound = socket.local_addr().ok().and_then(|address| address.as_socket());
    say(&bound.expect("an address").to_string());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("wait");
}

fn look_and_say(scope: &str) {
    // A nameserver that never answers, if that is wanted: the socket is there, and nobody reads.
    let mute = std::env::var(MUTE_NAMESERVER).map(|address| UdpSocket::bind(address).expect("bind"));
    let mut crowd = Vec::new();
    let scope = match scope {
        "crowd" => {
            raise_descriptors();
            crowd.extend((0..CROWD).map(|_| TcpListener::bind("0.0.0.0:0").expect("bind")));
            Scope::listeners()
        }
        "hurried" => Scope::everything().patient(Duration::from_secs(1)),
        "listeners" => Scope::listeners(),
        "everything" => Scope::everything(),
        port => Scope::port(port.parse().expect("a port")),
    };
    say(&serde_json::to_string(&snapshot::take(&scope)).expect("JSON"));
    drop((mute, crowd));
}

fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, raised).expect("raise the limit of descriptors to its hard one");
}

fn say(words: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{MARK}{words}").expect("the test listens");
    output.flush().expect("the test listens");
}

/// A command that is a worker, executed by way of `wrapper`.
pub(crate) fn command(wrapper: &[&str], role: &str) -> Command {
    let mut words: Vec<PathBuf> = wrapper.iter().map(PathBuf::from).collect();
    words.push(std::env::current_exe().expect("this binary"));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(ROLE, role);
    command.args(["--exact", "worker::worker", "--ignored", "--nocapture"]);
    command
}

/// What another process sees: one that `change` made different.
#[track_caller]
pub(crate) fn view(wrapper: &[&str], scope: &str, change: impl FnOnce(&mut Command)) -> Snapshot {
    let mut command = command(wrapper, &format!("look {scope}"));
    change(&mut command);
    let output = command.output().expect("run a viewer");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.split_once(MARK));
    let Some((_, json)) = line else {
        panic!(
            "the viewer said nothing: {text} {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    serde_json::from_str(json).expect("a snapshot")
}

/// What this process sees. It is the same when it was written and read again.
pub(crate) fn look(scope: &Scope) -> Snapshot {
    let taken = snapshot::take(scope);
    let json = serde_json::to_string(&taken).expect("JSON");
    let read: Snapshot = serde_json::from_str(&json).expect("a snapshot");
    assert!(read == taken, "it changes when it is written and read:\n{json}");
    taken
}

/// A child whose input is held open, and that is ended with the test. Its own children are expected
/// to end when that input does.
pub(crate) struct Held {
    child: Child,
    input: Option<ChildStdin>,
    /// Kept open, so that what it says at its end has somewhere to go.
    output: Option<BufReader<ChildStdout>>,
}

impl Held {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("start a child");
        let input = child.stdin.take();
        let output = child.stdout.take().map(BufReader::new);
        Self { child, input, output }
    }

    /// A child that first says something in one line.
    pub(crate) fn start_and_hear(command: &mut Command) -> (Self, String) {
        let mut held = Self::start(command.stdout(Stdio::piped()));
        let line = held.lines().next().expect("a line");
        (held, line)
    }

    /// A worker that listens at `address`, and where it does.
    pub(crate) fn listener(
        wrapper: &[&str],
        address: &str,
        change: impl FnOnce(&mut Command),
    ) -> (Self, SocketAddr) {
        let mut command = command(wrapper, &format!("listen {address}"));
        change(&mut command);
        let mut held = Self::start(command.stdout(Stdio::piped()));
        let mut marked = held
            .lines()
            .filter_map(|line| Some(line.split_once(MARK)?.1.to_owned()));
        let address = marked.next().expect("it listens").parse().expect("an address");
        drop(marked);
        (held, address)
    }

    fn lines(&mut self) -> impl Iterator<Item = String> {
        let output = self.output.as_mut().expect("a pipe");
        output.lines().map_while(Result::ok)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("an input");
        input.write_all(text.as_bytes()).expect("write");
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
