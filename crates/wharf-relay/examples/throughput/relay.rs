//! The relay, in a process of its own, and how it is told what to do.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use wharf_link::{Conditions, Latency, Rate, Seed};
use wharf_relay::{LinkSpec, ParkLimits, Provider, Relay};

use crate::Result;

/// The process, as seen from the other.
pub(crate) struct Child {
    process: std::process::Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Child {
    pub(crate) fn start(provider: SocketAddr) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--relay", &provider.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().ok_or("no standard input")?;
        let answers = process.stdout.take().ok_or("no standard output")?;
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

    /// Gives an order, and waits until it is done.
    pub(crate) fn ask(&mut self, order: &str) -> Result<()> {
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(())
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> Result<i64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process itself: carries, and does what its standard input says, until that ends.
pub(crate) fn run(provider: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let relay = Relay::start()?;
    let link = relay.add(LinkSpec {
        name: "near -> far".to_owned(),
        listeners: vec![listener],
        provider: Provider::Ready(vec![provider]),
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        via: Vec::new(),
        seed: Seed(1),
        park: ParkLimits::default(),
    })?;
    println!("{address}");
    for line in std::io::stdin().lines() {
        let line = line?;
        let (what, number) = line.split_once(' ').ok_or("an order has two words")?;
        let number: u32 = number.parse()?;
        let (up, down) = match what {
            // One way, so that one clock sees it all.
            "latency" => (latency(number), Conditions::CLEAR),
            _ => (Conditions::CLEAR, rate(number)),
        };
        relay.set_conditions(link, up, down)?;
        println!("done");
    }
    Ok(())
}

fn latency(millis: u32) -> Conditions {
    Conditions {
        latency: Latency::millis(millis),
        ..Conditions::CLEAR
    }
}

fn rate(mbit: u32) -> Conditions {
    Conditions {
        rate: Some(Rate::kbit(mbit * 1_000)),
        ..Conditions::CLEAR
    }
}
