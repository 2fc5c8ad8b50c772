//! The ways from clients to the provider, and the processes on them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::Result;
use crate::table::OURS;

/// One way.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// The process on it; none on the direct way.
    pub(crate) carrier: Option<u32>,
}

/// A process that ends with this.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This program in another role, that is told what to do line by line.
#[derive(Debug)]
pub(crate) struct Helper {
    process: Process,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Helper {
    pub(crate) fn start(role: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no standard input")?;
        let answers = child.stdout.take().ok_or("no standard output")?;
        let process = Process(child);
        let mut answers = BufReader::new(answers);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        Ok(Self {
            process,
            orders,
            answers,
            address: line.trim().parse()?,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }
}

/// Wharf's relay.
#[derive(Debug)]
pub(crate) struct Relay(Helper);

impl Relay {
    pub(crate) fn start(provider: SocketAddr) -> Result<Self> {
        Helper::start(&["relay", &provider.to_string()]).map(Self)
    }

    /// Sets the conditions of both directions, and waits until they are in force.
    pub(crate) fn set(&mut self, up: &str, down: &str) -> Result<()> {
        writeln!(self.0.orders, "{up}|{down}")?;
        let mut line = String::new();
        match self.0.answers.read_line(&mut line)? {
            0 => Err(format!("the relay has not taken {up:?} and {down:?}").into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn way(&self) -> Way {
        Way {
            name: OURS,
            address: self.0.address,
            carrier: Some(self.0.pid()),
        }
    }
}

/// A relay of others, with its configuration in a directory of its own.
#[derive(Debug)]
pub(crate) struct Peer {
    way: Way,
    _process: Process,
    _directory: tempfile::TempDir,
}

impl Peer {
    /// Those that are installed, each with room for so many connections.
    pub(crate) fn start_all(provider: SocketAddr, connections: usize) -> Vec<Self> {
        let all = [
            Self::haproxy(provider, connections),
            Self::nginx(provider, connections),
        ];
        all.into_iter().filter_map(Result::ok).collect()
    }

    pub(crate) fn way(&self) -> Way {
        self.way.clone()
    }

    fn haproxy(provider: SocketAddr, connections: usize) -> Result<Self> {
        let address = free_address()?;
        let text = format!(
            "global\n maxconn {connections}\n\
             defaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n\
             listen near\n bind {address}\n maxconn {connections}\n server far {provider}\n"
        );
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("haproxy.cfg");
        fs::write(&file, text)?;
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-q").arg("-f").arg(file);
        Self::run("haproxy", command, address, directory)
    }

    fn nginx(provider: SocketAddr, connections: usize) -> Result<Self> {
        /// Where distributions put what is not built in.
        const MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        let at = directory.path().display();
        let module = match Path::new(MODULE).exists() {
            true => format!("load_module {MODULE};\n"),
            false => String::new(),
        };
        let (files, sockets) = (connections * 2 + 60, connections * 2 + 30);
        let text = format!(
            "{module}daemon off; master_process off; pid {at}/pid; error_log {at}/log crit;\n\
             worker_rlimit_nofile {files};\n\
             events {{ worker_connections {sockets}; }}\n\
             stream {{ server {{ listen {address} backlog=4096; proxy_pass {provider}; }} }}\n"
        );
        let file = directory.path().join("nginx.conf");
        fs::write(&file, text)?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(directory.path()).arg("-c").arg(file);
        Self::run("nginx", command, address, directory)
    }

    fn run(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        directory: tempfile::TempDir,
    ) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = Process(child.spawn()?);
        for _ in 0..250 {
            if let Some(status) = process.0.try_wait()? {
                return Err(format!("{name} has ended: {status}").into());
            }
            if TcpStream::connect(address).is_ok() {
                let carrier = Some(process.0.id());
                return Ok(Self {
                    way: Way {
                        name,
                        address,
                        carrier,
                    },
                    _process: process,
                    _directory: directory,
                });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{name} does not listen").into())
    }
}

/// An address that is free now: those who are only told a port have to be told one.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
