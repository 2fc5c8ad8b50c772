//! A sample by lab.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;

use nix::sched::{CloneFlags, setns};
use socket2::{Domain, Socket, Type};
use wharf_lab::{Allow, Exit, FAR_V4, Lab, LabSpec, Segment, Tools, Waiting};
use wharf_link::stream::Congestion;

use crate::work::{Outcome, Server, Work, order, read_outcome};
use crate::{Link, Result};

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(FAR_V4), 8080);

pub(crate) struct Ready {
    lab: Lab,
    server: Server,
    /// The client begins with a line, and ends with what it says.
    go: PipeWriter,
    out: PipeReader,
}

impl Ready {
    pub(crate) fn prepare(link: &Link, work: Work, congestion: Congestion) -> Result<Self> {
        let exe = std::env::current_exe()?;
        let mut command = vec![exe.clone().into_os_string()];
        command.extend(order(work, SERVER).map(Into::into));
        let spec = LabSpec {
            exe,
            command,
            path: vec![Segment {
                name: "link".to_owned(),
                up: link.up.clone(),
                down: link.down.clone(),
            }],
            seed: link.seed,
            local: Vec::new(),
            waiting: Waiting::Asleep,
            capture: None,
            allow: Allow::Only(Vec::new()),
            congestion: None,
            tools: Tools::Ordinary,
            tun: "/dev/net/tun".into(),
        };
        let (input, go) = pipe()?;
        let (out, out_end) = pipe()?;
        let errors = std::io::stderr();
        let lab = Lab::start(&spec, [input.as_fd(), out_end.as_fd(), errors.as_fd()])?;
        let network = File::open(format!("/proc/{}/ns/net", lab.facts().keeper))?;
        let listening = std::thread::spawn(move || listen(&network, congestion));
        let listener = listening.join().map_err(|_| "the server panicked")??;
        let server = Server::start(listener)?;
        Ok(Self { lab, server, go, out })
    }

    pub(crate) fn take(mut self) -> Result<Outcome> {
        self.go.write_all(b"\n")?;
        let exit = self.lab.wait()?;
        drop(self.lab);
        self.server.end()?;
        if exit != Exit::Code(0) {
            return Err(format!("the client in the lab: {exit:?}").into());
        }
        let mut said = String::new();
        self.out.read_to_string(&mut said)?;
        read_outcome(&said)
    }
}

/// A listener in the gateway's network, whose connections have this congestion control. A socket stays in the
/// network in which it was made.
fn listen(network: &File, congestion: Congestion) -> Result<TcpListener> {
    setns(network, CloneFlags::CLONE_NEWNET)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_congestion(congestion.to_string().as_bytes())?;
    socket.bind(&SERVER.into())?;
    socket.listen(8)?;
    Ok(socket.into())
}
