//! A running lab.

use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use wharf_link::Seed;
use wharf_relay::{CaptureFigures, Relay};

use crate::capture::Capture;
use crate::channel::Channel;
use crate::error::LabError;
use crate::gateway::{self, Allow, Behind, Gateway};
use crate::holds;
use crate::message::{Begin, Carrier, Exit, FAR_V4, FAR_V6, FromFar, FromInit, Names, Order, Tools, Wanted};
use crate::switch::gate::Gate;
use crate::switch::port::Port;
use crate::switch::tap::Tap;
use crate::switch::{Figures, Segment, Switch, Waiting, gate};

/// The gateway's IPv4 address, to the command.
pub const GATEWAY_VAR: &str = "WHARF_GATEWAY";
/// The gateway's IPv6 address.
pub const GATEWAY_V6_VAR: &str = "WHARF_GATEWAY_V6";

/// For so long packets that the command has sent may go on after its end.
const LINGER: Duration = Duration::from_secs(1);

/// What a lab is to be.
#[derive(Debug, Clone)]
pub struct LabSpec {
    /// The program that runs [the stages](crate::run_stage) when its first argument is
    /// [`ARGUMENT`](crate::ARGUMENT): this one, as a rule.
    pub exe: PathBuf,
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// What lies between the command and the gateway, from the command on.
    pub path: Vec<Segment>,
    /// The seed of the run.
    pub seed: Seed,
    /// Which of the host's ports are reached at the gateway.
    pub allow: Allow,
    /// Ports that the command finds on its own loopback too, from where they lead over the link to the gateway's:
    /// for programs that know no other place.
    pub local: Vec<u16>,
    /// The congestion control of both ends; none: the host's.
    pub congestion: Option<String>,
    /// What the command may do with its network.
    pub tools: Tools,
    /// The device node of TUN.
    pub tun: PathBuf,
    /// How the switch waits.
    pub waiting: Waiting,
    /// What is captured.
    pub capture: Option<Capture>,
}

/// What is known of a lab from its start.
#[derive(Debug, Clone)]
pub struct Facts {
    /// By what packets come and go.
    pub carrier: Carrier,
    /// The congestion control of both ends.
    pub congestion: String,
    /// Whether there is IPv6.
    pub ipv6: bool,
    /// The process that owns the namespaces. It is in the gateway's network.
    pub keeper: u32,
    /// How long it took until the command could start.
    pub start: Duration,
}

/// A command in a network of its own, behind a link.
///
/// Dropped, it ends: the command with all its descendants, the namespaces, the devices.
#[derive(Debug)]
pub struct Lab {
    /// To the first process of the command's side.
    init: Channel,
    /// To the process that owns the namespaces, until the gateway has it.
    keeper: Option<Channel>,
    switch: Option<Switch>,
    gateway: Option<JoinHandle<()>>,
    tap: Option<Tap>,
    far: Child,
    /// The two processes that outlive the command: the keeper of namespaces, and the command's first.
    alive: Vec<OwnedFd>,
    facts: Facts,
}

impl Lab {
    /// Makes the namespaces and the link, and starts the command with these standard streams: input, output,
    /// error.
    ///
    /// # Errors
    /// When the kernel refuses a namespace or a device, with what can be done about it.
    pub fn start(spec: &LabSpec, streams: [BorrowedFd<'_>; 3]) -> Result<Self, LabError> {
        let begun = Instant::now();
        for segment in &spec.path {
            holds::check(&segment.name, &[&segment.up, &segment.down])?;
        }
        let (init, init_end) = Channel::pair().map_err(LabError::io("make a channel"))?;
        let (keeper, far_end) = Channel::pair().map_err(LabError::io("make a channel"))?;
        let names = Names {
            hosts: [IpAddr::from(FAR_V4), FAR_V6.into()]
                .map(|address| (address, "gateway".to_owned()))
                .into(),
            resolver: Some(FAR_V4.into()),
            local: spec.local.clone(),
        };
        init.send(&Order::Prepare(names), &streams)
            .map_err(LabError::io("hand the standard streams on"))?;
        let far = Command::new(&spec.exe)
            .args(crate::stage::first())
            .args(&spec.command)
            .env(GATEWAY_VAR, FAR_V4.to_string())
            .env(GATEWAY_V6_VAR, FAR_V6.to_string())
            .stdin(Stdio::from(far_end))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(LabError::io("start the lab's processes"))?;
        let mut lab = Self {
            init,
            keeper: None,
            switch: None,
            gateway: None,
            tap: None,
            alive: vec![handle(far.id()).map_err(LabError::io("watch the lab's processes"))?],
            far,
            facts: Facts {
                carrier: Carrier::Tun,
                congestion: String::new(),
                ipv6: false,
                keeper: 0,
                start: Duration::ZERO,
            },
        };
        let begin = Begin {
            tun: spec.tun.clone(),
            congestion: spec.congestion.clone(),
            tools: spec.tools,
        };
        let begun_with = keeper.send(&begin, &[init_end.as_fd()]);
        drop(init_end);
        // If it was not sent, nobody answers.
        begun_with.map_err(LabError::io("start the lab's processes"))?;
        let ready = keeper.receive::<FromFar>();
        lab.keeper = Some(keeper);
        let [near, far] = lab.take_ready(ready.map_err(LabError::io("hear of the namespaces"))?)?;
        lab.connect(spec, near, far)?;
        if lab.init.send(&Order::Start, &[]).is_err() {
            // It has ended, and may have said why.
            return Err(match lab.init.receive::<FromInit>() {
                Ok(Some((FromInit::Failed(trouble), _))) => trouble.into(),
                _ => LabError::Killed("first process"),
            });
        }
        lab.facts.start = begun.elapsed();
        Ok(lab)
    }

    fn take_ready(&mut self, answer: Option<(FromFar, Vec<OwnedFd>)>) -> Result<[OwnedFd; 2], LabError> {
        match answer {
            Some((
                FromFar::Ready {
                    carrier,
                    congestion,
                    ipv6,
                    init,
                },
                ends,
            )) => {
                self.alive
                    .push(handle(init).map_err(LabError::io("watch the lab's processes"))?);
                self.facts = Facts {
                    carrier,
                    congestion,
                    ipv6,
                    keeper: self.far.id(),
                    start: Duration::ZERO,
                };
                ends.try_into()
                    .map_err(|_| LabError::Killed("keeper of namespaces"))
            }
            Some((FromFar::Failed(trouble), _)) => Err(trouble.into()),
            Some((FromFar::Socket, _)) | None => Err(LabError::Killed("keeper of namespaces")),
        }
    }

    /// Starts the switch and the gateway.
    fn connect(&mut self, spec: &LabSpec, near: OwnedFd, far: OwnedFd) -> Result<(), LabError> {
        let [near, far] = [near, far].map(|end| Port::new(end, self.facts.carrier));
        let gate = match spec.allow.is_nothing() {
            true => None,
            false => Some(self.open_gateway(spec, far.clone())?),
        };
        let watch = match &spec.capture {
            None => None,
            Some(capture) => {
                let (tap, watch) = crate::capture::begin(capture, &spec.path)?;
                self.tap = Some(tap);
                Some(watch)
            }
        };
        let switch = Switch::start(near, far, &spec.path, spec.seed, gate, watch, spec.waiting);
        self.switch = Some(switch.map_err(LabError::io("start the switch"))?);
        Ok(())
    }

    /// Starts the gateway's way to the host, and returns what stands before it.
    fn open_gateway(&mut self, spec: &LabSpec, far: Port) -> Result<Gate, LabError> {
        let keeper = self
            .keeper
            .take()
            .ok_or(LabError::Killed("keeper of namespaces"))?;
        let mut addresses = vec![IpAddr::from(FAR_V4)];
        addresses.extend(self.facts.ipv6.then_some(IpAddr::from(FAR_V6)));
        let (to, held) = gate::queue();
        let gate = Gate::new(addresses.clone(), to);
        let open = gate.open();
        let make = move |wanted| ask_for_socket(&keeper, &wanted);
        let gateway = Gateway::new(
            addresses,
            Behind::Another,
            Box::new(make),
            Relay::start()?,
            spec.allow.clone(),
        );
        let thread = std::thread::Builder::new()
            .name("wharf-lab-gate".to_owned())
            .spawn(move || gateway::usher(gateway, &far, &open, &held))
            .map_err(LabError::io("start the gateway"))?;
        self.gateway = Some(thread);
        Ok(gate)
    }

    /// What is known of it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Sends the command a signal.
    pub fn signal(&self, number: i32) {
        // If its side is over, so is the command.
        let _ = self.init.send(&Order::Signal(number), &[]);
    }

    /// Changes the conditions of a segment, counted from the command.
    pub fn set_conditions(&self, segment: usize, up: wharf_link::Conditions, down: wharf_link::Conditions) {
        if let Some(switch) = &self.switch {
            switch.set(segment, up, down);
        }
    }

    /// Waits for the command, and at most a second for what it has sent to arrive.
    ///
    /// # Errors
    /// When it could not be started, or a process of the lab was killed.
    pub fn wait(&self) -> Result<Exit, LabError> {
        let mut ready = vec![PollFd::new(&self.init, PollFlags::IN)];
        ready.extend(
            self.alive
                .iter()
                .map(|process| PollFd::new(process, PollFlags::IN)),
        );
        retry_on_intr(|| poll(&mut ready, None))
            .map_err(|errno| LabError::io("wait for the command")(errno.into()))?;
        // What it said last is there even if it is not.
        if ready.first().is_some_and(|channel| channel.revents().is_empty()) {
            return Err(LabError::Killed("keeper of namespaces"));
        }
        let said = self
            .init
            .receive::<FromInit>()
            .map_err(LabError::io("wait for the command"))?;
        match said {
            Some((FromInit::Exited(exit), _)) => {
                // What it sent last is on its way, as on any network.
                if let Some(switch) = &self.switch {
                    switch.drain(LINGER);
                }
                Ok(exit)
            }
            Some((FromInit::Failed(trouble), _)) => Err(trouble.into()),
            None => Err(LabError::Killed("first process")),
        }
    }

    /// What has passed.
    ///
    /// # Errors
    /// When the switch has come to an end, which only a bug can bring about.
    pub fn figures(&self) -> Result<Figures, LabError> {
        let figures = self.switch.as_ref().and_then(Switch::figures);
        figures.ok_or(LabError::NoSwitch)
    }

    /// Ends the capture: the file is whole when this returns. `None`: there is none, or it has ended.
    ///
    /// # Errors
    /// When it could not all be written.
    pub fn end_capture(&self) -> Result<Option<CaptureFigures>, LabError> {
        let ended = self.tap.as_ref().and_then(Tap::finish);
        ended.transpose().map_err(LabError::Capture)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The first process of the command's side ends, and takes all others there with it.
        let _ = rustix::net::shutdown(&self.init, rustix::net::Shutdown::Both);
        for process in self.alive.drain(1..) {
            // Also where its parent was killed: nothing of the command may be left when this returns.
            let _ = retry_on_intr(|| poll(&mut [PollFd::new(&process, PollFlags::IN)], None));
        }
        // The gateway ends when the switch does, and with it the process that makes its sockets.
        self.switch = None;
        if let Some(gateway) = self.gateway.take() {
            let _ = gateway.join();
        }
        self.keeper = None;
        // If nobody has, the file is made whole all the same.
        let _ = self.end_capture();
        let _ = self.far.wait();
    }
}

/// Asks the process that is in a network for a socket there.
fn ask_for_socket(keeper: &Channel, wanted: &Wanted) -> io::Result<OwnedFd> {
    keeper.send(wanted, &[])?;
    let gone = || io::Error::other("the process that makes sockets is gone");
    let (answer, descriptors) = keeper.receive::<FromFar>()?.ok_or_else(gone)?;
    match (answer, descriptors.into_iter().next()) {
        (FromFar::Socket, Some(socket)) => Ok(socket),
        (FromFar::Failed(trouble), _) => Err(io::Error::other(trouble.error)),
        _ => Err(gone()),
    }
}

/// A handle of a process, readable once it is over with all that ends with it.
pub(crate) fn handle(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}
