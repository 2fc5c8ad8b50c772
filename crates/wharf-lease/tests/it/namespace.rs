//! The crowd where it is narrow: in a network namespace whose ephemeral range *is* the lease range,
//! with 40 ports to spare.

use std::io::{Read, Write};

use socket2::{Domain, Protocol, Socket, Type};
use wharf_facts::PortRange;
use wharf_lease::{HoldPolicy, LeaseRange, RegistryConfig};

use crate::crowd::{ALONE, Crowd, Outcome};
use crate::worker::{self, Worker, command_under};
use crate::{Place, skip, v4};

/// 200 processes with 10 ports each, and 40.
const USABLE: usize = 2040;
const FIRST: u16 = 20_000;
const RUDE: usize = 20;

/// In the namespace: sets it up, runs the crowd, and says what came of it.
pub(crate) fn coordinator() {
    let hold = match worker::hear().as_deref() {
        Some("bind") => HoldPolicy::Bind,
        _ => HoldPolicy::RowOnly,
    };
    if let Err(error) = bring_loopback_up() {
        return worker::say(format_args!("cannot: bring the loopback device up: {error}"));
    }
    let range = range();
    let setting = "/proc/sys/net/ipv4/ip_local_port_range";
    if let Err(error) = std::fs::write(setting, format!("{} {}", range.first(), range.last())) {
        return worker::say(format_args!("cannot: write {setting}: {error}"));
    }
    worker::say("ready");
    let config = RegistryConfig {
        range: LeaseRange::Exactly(range),
        hold,
    };
    let Outcome {
        leased,
        collisions,
        strayed,
    } = Crowd {
        config,
        rude: RUDE,
        sink: v4(9),
    }
    .run();
    worker::say(format_args!("{leased} {collisions} {strayed}"));
}

/// The least range from [`FIRST`] on with [`USABLE`] ports that may be leased.
fn range() -> PortRange {
    let wide = PortRange::new(FIRST, 32_000).expect("a range");
    let config = RegistryConfig {
        range: LeaseRange::Exactly(wide),
        ..Default::default()
    };
    let registry = Place::with(config).registry;
    let last = wide
        .ports()
        .filter(|port| registry.why_avoided(*port).is_none())
        .nth(USABLE - 1);
    PortRange::new(FIRST, last.expect("the wide range is wide enough")).expect("a range")
}

/// By rtnetlink(7), since `ip` may not be installed: RTM_NEWLINK for interface 1 with IFF_UP.
fn bring_loopback_up() -> std::io::Result<()> {
    const AF_NETLINK: i32 = 16;
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 1 | 4;
    const IFF_UP: u32 = 1;
    let mut request = Vec::new();
    request.extend(32_u32.to_ne_bytes()); // the length of header and struct ifinfomsg
    request.extend(RTM_NEWLINK.to_ne_bytes());
    request.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    request.extend([0; 8]); // sequence, port id
    request.extend([0; 4]); // family, padding, type
    request.extend(1_i32.to_ne_bytes()); // the loopback device is always the first
    request.extend(IFF_UP.to_ne_bytes()); // flags
    request.extend(IFF_UP.to_ne_bytes()); // which of them to change
    let mut socket = Socket::new(Domain::from(AF_NETLINK), Type::DGRAM, Some(Protocol::from(0)))?;
    socket.write_all(&request)?;
    let mut answer = [0; 256];
    let length = socket.read(&mut answer)?;
    match answer.get(16..20).filter(|_| length >= 20) {
        Some([0, 0, 0, 0]) => Ok(()),
        Some(&[a, b, c, d]) => Err(std::io::Error::from_raw_os_error(-i32::from_ne_bytes([
            a, b, c, d,
        ]))),
        _ => Err(std::io::Error::other("no answer")),
    }
}

/// Runs the crowd in a namespace of its own; none, and a word on stderr, where that cannot be.
fn run(test: &str, policy: &str) -> Option<Outcome> {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let command = command_under(&["unshare", "-r", "-n", "--"], "coordinator");
    let mut coordinator = match Worker::start(command) {
        Ok(worker) => worker,
        Err(error) => {
            skip(test, format_args!("unshare: {error}"));
            return None;
        }
    };
    coordinator.tell(policy);
    match coordinator.next().as_deref() {
        Some("ready") => {}
        other => {
            skip(test, other.unwrap_or("no user namespace may be made here"));
            return None;
        }
    }
    let said = coordinator
        .next()
        .expect("the coordinator failed: see its words above");
    let mut counts = said.split(' ').map(|count| count.parse().expect("a count"));
    let mut next = || counts.next().expect("three counts");
    Some(Outcome {
        leased: next(),
        collisions: next(),
        strayed: next(),
    })
}

#[test]
fn a_crowd_in_the_ephemeral_range_does_not_collide() {
    let test = "a_crowd_in_the_ephemeral_range_does_not_collide";
    if let Some(outcome) = run(test, "bind") {
        assert_eq!(
            outcome,
            Outcome {
                leased: USABLE - 40,
                collisions: 0,
                strayed: 0
            }
        );
    }
}

/// Without the hold the same must fail, or the test above shows nothing.
#[test]
fn without_the_hold_the_same_crowd_collides() {
    if let Some(outcome) = run("without_the_hold_the_same_crowd_collides", "row only") {
        assert_eq!(outcome.leased, USABLE - 40);
        assert!(outcome.collisions > 0, "{outcome:?}");
        assert!(outcome.strayed > 0, "{outcome:?}");
    }
}
