//! Servers for tests: programs, and threads that follow a script.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use socket2::{Domain, Socket, Type};
use wharf_facts::Protocol;

/// A port that the kernel gives to nobody while this lives, and a server that sets SO_REUSEADDR may
/// still listen on.
pub(crate) struct Port {
    _hold: Socket,
    pub(crate) number: u16,
}

impl Port {
    pub(crate) fn held() -> Self {
        let hold = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        hold.set_reuse_address(true).expect("SO_REUSEADDR");
        hold.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .expect("a port");
        let address = hold
            .local_addr()
            .expect("its address")
            .as_socket()
            .expect("of IPv4");
        Self {
            _hold: hold,
            number: address.port(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

/// A program that serves, ended with the test, with all that it started.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

/// Where `name` is: system programs too, which are in no ordinary user's PATH.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(|path| path.exists());
    }
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/usr/bin", "/usr/lib/postgresql/15/bin"])
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
}

impl Program {
    /// Starts it, and waits until something listens at `port`; seen in the kernel, not by connecting.
    pub(crate) fn start(mut command: Command, port: &Port, directory: &Path) -> Self {
        let log = directory.join("log");
        let file = std::fs::File::create(&log).expect("a log");
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("the log again"))
            .stderr(file)
            .process_group(0);
        let child = command.spawn().expect("start a server");
        let mut program = Self { child, log };
        for _ in 0..1500 {
            let listeners = wharf_host::sockets::listeners().expect("the listeners");
            let is_there = |socket: &wharf_facts::Socket| {
                socket.local.port() == port.number && socket.protocol == Protocol::Tcp
            };
            if listeners.iter().any(is_there) {
                return program;
            }
            if let Some(status) = program.child.try_wait().expect("its state") {
                panic!("{command:?} ended with {status}:\n{}", program.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{command:?} listens nowhere after 30 s:\n{}", program.log());
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).expect("the log")).into_owned()
    }

    /// Its command line, as the kernel has it: a shell may have become another program.
    pub(crate) fn command(&self) -> Vec<String> {
        let bytes = std::fs::read(format!("/proc/{}/cmdline", self.child.id())).expect("a command line");
        let words = bytes.split(|&byte| byte == 0).filter(|word| !word.is_empty());
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        for _ in 0..250 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// A server that is a function of the connection; ended with the test.
pub(crate) struct Fake {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Fake {
    /// Calls `serve` for each connection, on a thread for each. A read waits ten seconds at most.
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let connections = Arc::new(AtomicUsize::new(0));
        let ends = Arc::new(AtomicBool::new(false));
        let (count, end) = (Arc::clone(&connections), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            std::thread::scope(|scope| {
                let serve = &serve;
                for stream in listener.incoming().map_while(Result::ok) {
                    if end.load(Ordering::SeqCst) {
                        break;
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                    let patience = Some(Duration::from_secs(10));
                    stream.set_read_timeout(patience).expect("a deadline");
                    stream.set_write_timeout(patience).expect("a deadline");
                    scope.spawn(move || serve(stream));
                }
            });
        });
        Self {
            address,
            connections,
            ends,
            thread: Some(thread),
        }
    }

    /// One that answers what it is asked with what `answer` makes of it, and closes when the other side does.
    pub(crate) fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(move |mut stream| {
            let mut said = Vec::new();
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut part) {
                said.extend_from_slice(&part[..count]);
                let reply = answer(&said);
                if !reply.is_empty() {
                    said.clear();
                    if stream.write_all(&reply).is_err() {
                        break;
                    }
                }
            }
        })
    }

    /// One that says `greeting`, and then waits for the end.
    pub(crate) fn greeting(greeting: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            if stream.write_all(greeting).is_ok() {
                until_closed(stream);
            }
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads what comes until nothing more comes.
pub(crate) fn until_closed(mut stream: TcpStream) {
    let mut part = [0; 4096];
    while matches!(stream.read(&mut part), Ok(1..)) {}
    let _ = stream.shutdown(Shutdown::Both);
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || std::thread::panicking(), "a fake server failed");
        }
    }
}
