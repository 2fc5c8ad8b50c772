//! `wharf lab --topology`: a command at a host of a whole network.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wharf_lab::{
    Guest, Loopback, Network, NetworkCapture, NetworkFacts, NetworkFigures, NetworkSpec, NodeFigures, Place,
    Point, SegmentFigures, Tools,
};
use wharf_link::Conditions;
use wharf_topology::{Direction, NodeId, Topology};

use super::capture::{create, say};
use super::summary::{Summary, drops};
use super::{code, command, exe, pass_signals_on, resolve, tools, tun, warn};
use crate::cli::{Also, CapturePoint, LabArgs};
use crate::commands::topology::find::Found;
use crate::out;
use crate::report::{Code, Report};

/// For so long a command is waited for that is to listen.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(args: &LabArgs, topology: &str, at: &str) -> Result<ExitCode, Report> {
    let found = Found::find(topology)?;
    let at = found.node(at)?;
    let cut = args.cut.iter().map(|name| found.segment(name));
    let cut = cut.collect::<Result<Vec<_>, _>>()?;
    let watched = watched(args, &found, at)?;
    let beside = args.also.iter().map(|also| Ok((found.node(&also.node)?, also)));
    let beside = beside.collect::<Result<Vec<_>, Report>>()?;
    let spec = NetworkSpec {
        exe: exe()?,
        segments: conditions(&found.topology)?,
        topology: found.topology,
        links: Vec::new(),
        seed: args.seed,
        congestion: args.conditions.own.0.get("congestion").map(str::to_owned),
        tun: tun(),
        machine: None,
        loopback: Loopback::Own,
    };
    let network = Network::start(&spec)?;
    for segment in cut {
        network.cut(segment);
    }
    let capturing = match (&args.capture, watched) {
        (Some(path), [passing, dropped]) => Some(network.capture(NetworkCapture {
            file: create(path)?,
            limit: args.capture_limit,
            passing,
            dropped,
        })?),
        (None, _) => None,
    };
    let others = start(&network, &beside)?;
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let guest = Arc::new(network.run(at, &command(args), streams, tools(args))?);
    let to = Arc::downgrade(&guest);
    pass_signals_on(move |signal| {
        if let Some(guest) = to.upgrade() {
            guest.signal(signal);
        }
    })?;
    let exit = guest.wait()?;
    drop(others);
    if let (Some(capturing), Some(path)) = (&capturing, &args.capture) {
        let failed = |error| {
            Report::new(
                Code::Unusable,
                format!("capture into {}: {error}", path.display()),
            )
        };
        if let Some(captured) = capturing.finish().map_err(failed)? {
            say(args, path, &captured);
        }
    }
    let figures = network.figures()?;
    if args.stats {
        summary(&spec, network.facts(), &figures);
    }
    let shortfalls = figures.shortfalls();
    warn(&shortfalls);
    if let Some(file) = &args.json {
        let facts = network.facts();
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

/// Where packets are captured, and where those are that are dropped. At the command's means on the segments that
/// its host is on.
fn watched(args: &LabArgs, found: &Found, at: NodeId) -> Result<[Vec<Place>; 2], Report> {
    let all = || found.topology.segments().map(|(id, _)| Place::Segment(id));
    let (mut passing, mut dropped) = (Vec::new(), Vec::new());
    for point in &args.capture_at {
        match point {
            CapturePoint::All => {
                passing.extend(all());
                dropped.extend(all());
            }
            CapturePoint::Drops => dropped.extend(all()),
            CapturePoint::At(Point::Command) => {
                let on = found.topology[at].interfaces.iter();
                passing.extend(on.map(|on| Place::Segment(on.segment)));
            }
            CapturePoint::At(_) => {
                let error = "capture in a topology: it has no gateway and no numbered routers";
                return Err(Report::new(Code::BadInput, error)
                    .hint("write command, drops, all, or the name of a segment"));
            }
            CapturePoint::Segment(name) => passing.push(Place::Segment(found.segment(name)?)),
        }
    }
    let once = |mut places: Vec<Place>| {
        let mut seen = std::collections::HashSet::new();
        places.retain(|place| seen.insert(*place));
        places
    };
    Ok([once(passing), once(dropped)])
}

/// The conditions of every segment, up and down.
fn conditions(topology: &Topology) -> Result<Vec<[Conditions; 2]>, Report> {
    let both = topology.segments().map(|(_, segment)| {
        let of = |direction| resolve(segment.settings(direction));
        Ok([of(Direction::Up)?, of(Direction::Down)?])
    });
    both.collect()
}

/// Starts what runs beside the command, in order, and waits for what is to listen.
fn start(network: &Network, beside: &[(NodeId, &Also)]) -> Result<Vec<Guest>, Report> {
    let nothing = File::open("/dev/null")
        .map_err(|error| Report::new(Code::Failed, format!("open /dev/null: {error}")))?;
    let stderr = std::io::stderr();
    // Standard output is the command's alone.
    let streams: [BorrowedFd<'_>; 3] = [nothing.as_fd(), stderr.as_fd(), stderr.as_fd()];
    let mut guests = Vec::new();
    for (node, also) in beside {
        let words = ["sh", "-c", &also.command].map(OsString::from);
        let guest = network.run(*node, &words, streams, Tools::Ordinary)?;
        if let Some(port) = also.port {
            wait_for(network, *node, port, &guest, also)?;
        }
        guests.push(guest);
    }
    Ok(guests)
}

/// Waits until a port listens at a host.
fn wait_for(network: &Network, node: NodeId, port: u16, guest: &Guest, also: &Also) -> Result<(), Report> {
    let begun = Instant::now();
    let failed = |how: &str| {
        let Also { node, command, .. } = also;
        Report::new(
            Code::Failed,
            format!("wait for port {port} of {node}: `{command}` {how}"),
        )
    };
    while !network
        .listeners(node)?
        .iter()
        .any(|socket| socket.local.port() == port)
    {
        if guest.has_ended() {
            return Err(failed("has ended"));
        }
        if begun.elapsed() > PATIENCE {
            return Err(failed("does not listen there after a minute"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// What has passed, as people read it.
fn summary(spec: &NetworkSpec, facts: &NetworkFacts, figures: &NetworkFigures) {
    let nodes = spec.topology.nodes().len();
    out::error_line(&format!(
        "lab: {nodes} nodes, {:?}, congestion control {}, seed {}, up in {:.0} ms; {} packets; late p50 {:.0} µs, p99 {:.0} µs",
        facts.carrier,
        facts.congestion,
        spec.seed,
        facts.start.as_secs_f64() * 1000.0,
        figures.read,
        figures.lateness.p50 as f64 / 1000.0,
        figures.lateness.p99 as f64 / 1000.0,
    ));
    for [up, down] in &figures.crossings.segments {
        if up.offered + down.offered > 0 {
            out::error_line(&format!(
                "{:<16} up {}, down {}",
                up.name,
                passed(up),
                passed(down)
            ));
        }
    }
    for node in &figures.crossings.nodes {
        let dropped = dropped(node);
        if !dropped.is_empty() {
            out::error_line(&format!("{:<16} dropped: {}", node.name, dropped.join(", ")));
        }
    }
}

fn passed(segment: &SegmentFigures) -> String {
    let drops: Vec<_> = drops(segment)
        .map(|(cause, count)| format!("{count} by {cause}"))
        .collect();
    match drops.is_empty() {
        true => format!("{} packets", segment.delivered),
        false => format!("{} packets ({} dropped)", segment.delivered, drops.join(", ")),
    }
}

fn dropped(node: &NodeFigures) -> Vec<String> {
    let drops = [
        ("time to live", node.expired),
        ("no route", node.no_route),
        ("firewall", node.firewall),
        ("address translation", node.nat),
        ("not for it", node.stray),
        ("for nobody here", node.nowhere),
        ("not taken", node.not_taken),
        ("malformed", node.malformed),
        ("no memory", node.out_of_memory),
    ];
    let drops = drops.iter().filter(|(_, count)| *count > 0);
    drops.map(|(cause, count)| format!("{count} {cause}")).collect()
}
