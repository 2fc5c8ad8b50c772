//! The way of packets from one node to another.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use wharf_link::Latency;
use wharf_topology::{Direction, Family, Hop, Kind, NoPath, Path, Topology};

use super::find::Found;
use crate::out;
use crate::report::{Code, Report};

/// The ways of both families, as a program reads them.
#[derive(Serialize)]
struct Ways<'a> {
    from: &'a str,
    to: &'a str,
    ipv4: Option<Way<'a>>,
    ipv6: Option<Way<'a>>,
}

#[derive(Serialize)]
struct Way<'a> {
    destination: IpAddr,
    metric: u32,
    latency_ms: f64,
    hops: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    from: &'a str,
    segment: &'a str,
    direction: &'static str,
    to: &'a str,
    kind: Kind,
    /// What traceroute shows.
    address: IpAddr,
    /// Whether `to` puts its own address in place of the sender's on the way on.
    translates: bool,
    latency_ms: f64,
    #[serde(skip)]
    latency: Duration,
}

pub(super) fn run(found: &Found, ends: &[String], json: bool) -> Result<(), Report> {
    // The command line takes two, no fewer and no more.
    let (Some(from), Some(to)) = (ends.first(), ends.last()) else {
        return Err(Report::new(Code::BadInput, "--path needs FROM and TO"));
    };
    let (a, b) = (found.node(from)?, found.node(to)?);
    if a == b {
        let here = NoPath::Here(from.clone());
        return Err(Report::new(
            Code::BadInput,
            format!("topology {}: {here}", found.name),
        ));
    }
    let topology = &found.topology;
    let routes = topology.routes();
    let [v4, v6] = Family::BOTH.map(|family| topology.path(&routes, a, b, family));
    if let (Err(why), Err(_)) = (&v4, &v6) {
        let error = format!("topology {}: from {from} to {to}: {why}", found.name);
        return Err(Report::new(Code::Failed, error));
    }
    if json {
        out::json(&Ways {
            from,
            to,
            ipv4: v4.ok().map(|path| Way::of(topology, &path)),
            ipv6: v6.ok().map(|path| Way::of(topology, &path)),
        });
        return Ok(());
    }
    for (label, path) in [("IPv4", v4), ("IPv6", v6)] {
        match path {
            Ok(path) => Way::of(topology, &path).print(label, from, to),
            Err(why) => out::line(&format!("{label}: {from} to {to}: none: {why}")),
        }
    }
    Ok(())
}

impl<'a> Way<'a> {
    fn of(topology: &'a Topology, path: &Path) -> Self {
        let hops: Vec<_> = path.hops.iter().map(|hop| Step::of(topology, hop)).collect();
        Self {
            destination: path.destination,
            metric: path.metric,
            latency_ms: milliseconds(hops.iter().map(|hop| hop.latency).sum()),
            hops,
        }
    }

    fn print(&self, label: &str, from: &str, to: &str) {
        let latency = Latency::at_most(self.hops.iter().map(|hop| hop.latency).sum());
        out::line(&format!(
            "{label}: {from} to {to} at {}: metric {}, {latency} one way, without queues and jitter",
            self.destination, self.metric
        ));
        let rows: Vec<Vec<String>> = (1..)
            .zip(&self.hops)
            .map(|(number, hop): (u32, _)| {
                vec![
                    number.to_string(),
                    format!("{} {}", hop.segment, hop.direction),
                    Latency::at_most(hop.latency).to_string(),
                    hop.to.to_owned(),
                    match hop.translates {
                        true => format!("{}, translates", hop.kind),
                        false => hop.kind.to_string(),
                    },
                    hop.address.to_string(),
                ]
            })
            .collect();
        out::table(&["HOP", "OVER", "LATENCY", "TO", "KIND", "ADDRESS"], &rows);
    }
}

impl<'a> Step<'a> {
    fn of(topology: &'a Topology, hop: &Hop) -> Self {
        let segment = &topology[hop.segment];
        // Checked when they were read; `none`, as no word of it, is no latency.
        let latency = segment
            .settings(hop.direction)
            .get("latency")
            .and_then(|text| text.parse::<Latency>().ok())
            .unwrap_or_default()
            .duration();
        Self {
            from: &topology[hop.from].name,
            segment: &segment.name,
            direction: match hop.direction {
                Direction::Up => "up",
                Direction::Down => "down",
            },
            to: &topology[hop.to].name,
            kind: topology[hop.to].role.kind(),
            address: hop.address,
            translates: hop.translates,
            latency_ms: milliseconds(latency),
            latency,
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
