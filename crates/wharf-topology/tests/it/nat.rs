//! Translators, told apart as STUN tells them apart, and held against the requirements of their RFCs.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;
use wharf_packet::icmp::{self, Problem};
use wharf_packet::{Checksum, Packet, Transport, Verdict};
use wharf_topology::nat::{Dependence, Hairpinning, NatDrop, NatOutcome, NatSpec, PortAssignment};
use wharf_topology::{Behaviour, Nat, Side};

use crate::made::{Kind, end, ends, packet, with};

const OUTSIDE: &str = "198.18.7.1";
const A: &str = "10.1.1.1:5000";
const B: &str = "10.1.1.2:6000";
const SERVER: &str = "198.18.9.9:53";
const OTHER_PORT: &str = "198.18.9.9:54";
const OTHER_HOST: &str = "198.18.8.8:53";

fn nat(behaviour: Behaviour) -> Nat {
    Nat::new(behaviour, vec![OUTSIDE.parse().expect("an address")])
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends a packet from inside. What comes out at which side, from where and to where.
fn send(
    nat: &mut Nat,
    at: u64,
    kind: Kind,
    from: &str,
    to: SocketAddrV4,
) -> Result<(SocketAddrV4, SocketAddrV4), NatOutcome> {
    translate(nat, at, Side::Inside, kind, end(from), to)
}

fn translate(
    nat: &mut Nat,
    at: u64,
    side: Side,
    kind: Kind,
    from: SocketAddrV4,
    to: SocketAddrV4,
) -> Result<(SocketAddrV4, SocketAddrV4), NatOutcome> {
    let mut bytes = packet(kind, from, to);
    let before = bytes.clone();
    let outcome = with(&mut bytes, |packet| {
        nat.translate(s(at), side, packet, Checksum::Complete)
    });
    match outcome {
        NatOutcome::Forward(_) => Ok(ends(&bytes)),
        other => {
            assert_eq!(bytes, before, "it is as it was");
            Err(other)
        }
    }
}

/// The outside end that a packet from inside gets.
#[track_caller]
fn mapped(nat: &mut Nat, at: u64, kind: Kind, from: &str, to: &str) -> SocketAddrV4 {
    let (source, destination) = send(nat, at, kind, from, end(to)).expect("it passes");
    assert_eq!(destination, end(to));
    source
}

/// Who inside gets a packet from outside, if anyone.
fn received(
    nat: &mut Nat,
    at: u64,
    kind: Kind,
    from: &str,
    to: SocketAddrV4,
) -> Result<SocketAddrV4, NatOutcome> {
    let (source, destination) = translate(nat, at, Side::Outside, kind, end(from), to)?;
    assert_eq!(source, end(from));
    Ok(destination)
}

fn presets() -> [(&'static str, Behaviour); 5] {
    [
        ("full cone", Behaviour::FULL_CONE),
        ("restricted", Behaviour::RESTRICTED),
        ("port-restricted", Behaviour::PORT_RESTRICTED),
        ("symmetric", Behaviour::SYMMETRIC),
        ("carrier-grade", Behaviour::CARRIER_GRADE),
    ]
}

/// What a prober finds out, as in RFC 5780: from one inside port it sends to three ends and compares what
/// they see; then it has others answer.
fn probe(behaviour: Behaviour, kind: Kind) -> (Dependence, Dependence) {
    let nat = &mut nat(behaviour);
    let first = mapped(nat, 0, kind, A, SERVER);
    let (port, host) = {
        let mut other = nat.clone();
        (
            mapped(&mut other, 0, kind, A, OTHER_PORT),
            mapped(&mut other, 0, kind, A, OTHER_HOST),
        )
    };
    let mapping = match (port == first, host == first) {
        (true, true) => Dependence::EndpointIndependent,
        (true, false) => Dependence::AddressDependent,
        (false, _) => Dependence::AddressAndPortDependent,
    };
    let answer = if kind == Kind::Syn { Kind::Syn } else { kind };
    let from_port = received(&mut nat.clone(), 1, answer, OTHER_PORT, first).is_ok();
    let from_host = received(&mut nat.clone(), 1, answer, OTHER_HOST, first).is_ok();
    let filtering = match (from_port, from_host) {
        (true, true) => Dependence::EndpointIndependent,
        (true, false) => Dependence::AddressDependent,
        (false, _) => Dependence::AddressAndPortDependent,
    };
    assert_eq!(
        received(nat, 1, answer, SERVER, first),
        Ok(end(A)),
        "who was sent to may always answer"
    );
    (mapping, filtering)
}

#[test]
fn each_kind_is_told_by_a_prober() {
    let mut said = String::new();
    for (name, behaviour) in presets() {
        for kind in [Kind::Udp, Kind::Syn] {
            let (mapping, filtering) = probe(behaviour, kind);
            said += &format!("{name}, {kind:?}: mapping {mapping:?}, filtering {filtering:?}\n");
        }
    }
    assert_snapshot!(said, @r"
    full cone, Udp: mapping EndpointIndependent, filtering EndpointIndependent
    full cone, Syn: mapping EndpointIndependent, filtering EndpointIndependent
    restricted, Udp: mapping EndpointIndependent, filtering AddressDependent
    restricted, Syn: mapping EndpointIndependent, filtering AddressDependent
    port-restricted, Udp: mapping EndpointIndependent, filtering AddressAndPortDependent
    port-restricted, Syn: mapping EndpointIndependent, filtering AddressAndPortDependent
    symmetric, Udp: mapping AddressAndPortDependent, filtering AddressAndPortDependent
    symmetric, Syn: mapping AddressAndPortDependent, filtering AddressAndPortDependent
    carrier-grade, Udp: mapping EndpointIndependent, filtering EndpointIndependent
    carrier-grade, Syn: mapping EndpointIndependent, filtering EndpointIndependent
    ");
}

#[test]
fn every_combination_is_told_by_a_prober() {
    let all = [
        Dependence::EndpointIndependent,
        Dependence::AddressDependent,
        Dependence::AddressAndPortDependent,
    ];
    for mapping in all {
        for filtering in all {
            let behaviour = Behaviour {
                mapping,
                filtering,
                ..Behaviour::PORT_RESTRICTED
            };
            assert_eq!(probe(behaviour, Kind::Udp), (mapping, filtering));
        }
    }
}

#[test]
fn ports_are_kept_counted_or_of_the_same_parity() {
    let mut said = String::new();
    for ports in [
        PortAssignment::Preserved,
        PortAssignment::PreservedParity,
        PortAssignment::Counted,
    ] {
        let behaviour = Behaviour {
            ports,
            ..Behaviour::PORT_RESTRICTED
        };
        let nat = &mut nat(behaviour);
        // Three hosts have the same port, then one of the last, and one that only the privileged have.
        let hosts = [
            "10.0.0.1:5000",
            "10.0.0.2:5000",
            "10.0.0.3:5000",
            "10.0.0.4:65535",
            "10.0.0.5:65535",
            "10.0.0.6:123",
        ];
        let given = hosts.map(|host| mapped(nat, 0, Kind::Udp, host, SERVER).port().to_string());
        said += &format!("{ports:?}: {}\n", given.join(" "));
    }
    assert_snapshot!(said, @r"
    Preserved: 5000 5001 5002 65535 1024 123
    PreservedParity: 5000 5002 5004 65535 1025 123
    Counted: 1025 1026 1027 1028 1029 7
    ");
}

#[test]
fn udp_is_held_by_what_goes_out_alone() {
    let nat = &mut nat(Behaviour::PORT_RESTRICTED);
    let outside = mapped(nat, 0, Kind::Udp, A, SERVER);
    assert_eq!(received(nat, 299, Kind::Udp, SERVER, outside), Ok(end(A)));
    // What came in at 299 s has not held it (RFC 4787, REQ-6).
    assert_eq!(
        received(nat, 300, Kind::Udp, SERVER, outside),
        Err(NatOutcome::Drop(NatDrop::Unsolicited))
    );
    assert_eq!((nat.sessions(), nat.mappings()), (0, 0));
    mapped(nat, 400, Kind::Udp, A, SERVER);
    mapped(nat, 600, Kind::Udp, A, SERVER);
    assert_eq!(received(nat, 899, Kind::Udp, SERVER, outside), Ok(end(A)));
}

#[test]
fn a_port_lives_as_long_as_its_last_conversation() {
    let nat = &mut nat(Behaviour::FULL_CONE);
    let outside = mapped(nat, 0, Kind::Udp, A, SERVER);
    mapped(nat, 200, Kind::Udp, A, OTHER_HOST);
    assert_eq!((nat.sessions(), nat.mappings()), (2, 1));
    assert_eq!(received(nat, 400, Kind::Udp, OTHER_PORT, outside), Ok(end(A)));
    assert_eq!((nat.sessions(), nat.mappings()), (1, 1));
    assert!(received(nat, 500, Kind::Udp, OTHER_PORT, outside).is_err());
}

/// How long after the last packet answers still come in, and one second later no more.
#[track_caller]
fn lives(seconds: u64, packets: &[(Side, Kind)]) {
    let mut nat = nat(Behaviour::PORT_RESTRICTED);
    let outside = end(&format!("{OUTSIDE}:5000"));
    for (side, kind) in packets {
        let passed = match side {
            Side::Inside => send(&mut nat, 0, *kind, A, end(SERVER)).is_ok(),
            Side::Outside => received(&mut nat, 0, *kind, SERVER, outside).is_ok(),
        };
        assert!(passed);
    }
    let answer = if packets[0].1 == Kind::Ping {
        Kind::Pong
    } else {
        Kind::Ack
    };
    let from = if answer == Kind::Pong {
        "198.18.9.9:0"
    } else {
        SERVER
    };
    assert_eq!(
        received(&mut nat.clone(), seconds - 1, answer, from, outside),
        Ok(end(A))
    );
    assert!(received(&mut nat, seconds, answer, from, outside).is_err());
}

#[test]
fn tcp_is_remembered_by_its_state() {
    use Kind::{Ack, Fin, Ping, Rst, Syn, SynAck};
    use Side::{Inside, Outside};
    let opened = [(Inside, Syn), (Outside, SynAck), (Inside, Ack)];
    let and = |more: &[(Side, Kind)]| [&opened[..], more].concat();
    lives(240, &[(Inside, Syn)]);
    lives(240, &[(Inside, Syn), (Outside, SynAck)]);
    lives(7440, &opened);
    lives(7440, &and(&[(Inside, Fin)]));
    lives(240, &and(&[(Inside, Fin), (Outside, Fin)]));
    lives(240, &and(&[(Outside, Rst)]));
    lives(240, &and(&[(Inside, Fin), (Outside, Fin), (Inside, Ack)]));
    // The ports are used anew.
    lives(
        7440,
        &and(&[(Inside, Rst), (Inside, Syn), (Outside, SynAck), (Inside, Ack)]),
    );
    lives(60, &[(Inside, Ping)]);
}

#[test]
fn pings_go_by_their_identifier() {
    let nat = &mut nat(Behaviour::PORT_RESTRICTED);
    let server = "198.18.9.9:0";
    let a = mapped(nat, 0, Kind::Ping, "10.1.1.1:7", server);
    let b = mapped(nat, 0, Kind::Ping, "10.1.1.2:7", server);
    assert_ne!(a, b);
    assert_eq!(received(nat, 1, Kind::Pong, server, a), Ok(end("10.1.1.1:7")));
    assert_eq!(received(nat, 1, Kind::Pong, server, b), Ok(end("10.1.1.2:7")));
    let own = end("198.18.7.1:0");
    assert_eq!(
        received(nat, 1, Kind::Ping, "198.18.9.9:9", own),
        Err(NatOutcome::Own),
        "a ping to itself"
    );
    assert_eq!(send(nat, 1, Kind::Ping, "10.1.1.1:7", own), Err(NatOutcome::Own));
}

#[test]
fn hairpins() {
    let nat_of = |hairpinning| {
        nat(Behaviour {
            hairpinning,
            ..Behaviour::FULL_CONE
        })
    };
    let nat = &mut nat_of(Hairpinning::Supported);
    let b = mapped(nat, 0, Kind::Udp, B, SERVER);
    let (source, destination) = send(nat, 1, Kind::Udp, A, b).expect("it turns round");
    assert_eq!(destination, end(B));
    assert_eq!(
        source,
        end(&format!("{OUTSIDE}:5000")),
        "it sees the outside end (RFC 4787, REQ-9a)"
    );
    let (back_from, back_to) = send(nat, 1, Kind::Udp, B, source).expect("and back");
    assert_eq!((back_from, back_to), (b, end(A)));
    let nobody = end(&format!("{OUTSIDE}:9"));
    assert_eq!(
        send(nat, 1, Kind::Udp, A, nobody),
        Err(NatOutcome::Drop(NatDrop::Unsolicited))
    );
    let nat = &mut nat_of(Hairpinning::Dropped);
    let b = mapped(nat, 0, Kind::Udp, B, SERVER);
    assert_eq!(
        send(nat, 1, Kind::Udp, A, b),
        Err(NatOutcome::Drop(NatDrop::Hairpin))
    );
}

/// Two hosts behind two translators send to each other at once, as told by a third.
#[test]
fn holes_are_punched_unless_a_translator_is_symmetric() {
    let mut said = String::new();
    for (left_name, left) in presets() {
        for (right_name, right) in presets() {
            let left = &mut Nat::new(left, vec![Ipv4Addr::new(198, 18, 1, 1)]);
            let right = &mut Nat::new(right, vec![Ipv4Addr::new(198, 18, 2, 1)]);
            let a = mapped(left, 0, Kind::Udp, A, SERVER);
            let b = mapped(right, 0, Kind::Udp, B, SERVER);
            let mut reached = [false; 2];
            for at in 1..4 {
                let (from, _) = send(left, at, Kind::Udp, A, b).expect("it goes out");
                reached[1] |= translate(right, at, Side::Outside, Kind::Udp, from, b).is_ok();
                let (from, _) = send(right, at, Kind::Udp, B, a).expect("it goes out");
                reached[0] |= translate(left, at, Side::Outside, Kind::Udp, from, a).is_ok();
            }
            // Whoever is reached sees the other's true end, and answers there.
            if reached == [false; 2] {
                said += &format!("{left_name} and {right_name} never meet\n");
            }
        }
    }
    assert_snapshot!(said, @r"
    port-restricted and symmetric never meet
    symmetric and port-restricted never meet
    symmetric and symmetric never meet
    ");
}

/// An error about a packet that a translator has rewritten comes back to its sender, about the packet as it
/// was sent.
#[test]
fn errors_find_their_way_in_and_out() {
    for kind in [Kind::Udp, Kind::Syn, Kind::Ping] {
        let nat = &mut nat(Behaviour::SYMMETRIC);
        let server = if kind == Kind::Ping {
            "198.18.9.9:0"
        } else {
            SERVER
        };
        let sent = packet(kind, end(A), end(server));
        let mut bytes = sent.clone();
        let outcome = with(&mut bytes, |packet| {
            nat.translate(s(0), Side::Inside, packet, Checksum::Complete)
        });
        assert_eq!(outcome, NatOutcome::Forward(Side::Outside));
        let router: Ipv4Addr = "198.18.5.5".parse().expect("an address");
        let mut buffer = [0; icmp::LONGEST];
        let about = Packet::parse(&bytes).expect("a packet");
        let len = icmp::error(&about, Problem::TimeExceeded, router.into(), &mut buffer).expect("an error");
        let mut damaged = buffer[..len].to_vec();
        damaged[len - 1] ^= 1;
        let outcome = with(&mut damaged, |packet| {
            nat.translate(s(1), Side::Outside, packet, Checksum::Complete)
        });
        assert_eq!(outcome, NatOutcome::Drop(NatDrop::Checksum));
        let late = &mut nat.clone();
        let mut stale = buffer[..len].to_vec();
        let outcome = with(&mut stale, |packet| {
            late.translate(s(9000), Side::Outside, packet, Checksum::Complete)
        });
        assert_eq!(outcome, NatOutcome::Drop(NatDrop::Unsolicited));
        let error = &mut buffer[..len];
        let outcome = with(error, |packet| {
            nat.translate(s(1), Side::Outside, packet, Checksum::Complete)
        });
        assert_eq!(outcome, NatOutcome::Forward(Side::Inside));
        let read = Packet::parse(error).expect("a packet");
        assert_eq!(
            (read.source(), read.destination()),
            (router.into(), (*end(A).ip()).into())
        );
        assert_eq!(read.transport_checksum(), Verdict::Right);
        let Transport::Icmp(message) = read.transport() else {
            panic!("{:?}", read.transport());
        };
        assert_eq!(message.payload(), sent);
    }
    // From inside: a host says that it has no such port, about what came in.
    let nat = &mut nat(Behaviour::FULL_CONE);
    let outside = mapped(nat, 0, Kind::Udp, A, SERVER);
    let came = packet(Kind::Udp, end(SERVER), outside);
    let mut inside = came.clone();
    let outcome = with(&mut inside, |packet| {
        nat.translate(s(1), Side::Outside, packet, Checksum::Complete)
    });
    assert_eq!(outcome, NatOutcome::Forward(Side::Inside));
    let mut buffer = [0; icmp::LONGEST];
    let about = Packet::parse(&inside).expect("a packet");
    let len = icmp::error(
        &about,
        Problem::PortUnreachable,
        (*end(A).ip()).into(),
        &mut buffer,
    )
    .expect("an error");
    let error = &mut buffer[..len];
    let outcome = with(error, |packet| {
        nat.translate(s(1), Side::Inside, packet, Checksum::Complete)
    });
    assert_eq!(outcome, NatOutcome::Forward(Side::Outside));
    let read = Packet::parse(error).expect("a packet");
    assert_eq!(read.source(), *outside.ip());
    assert_eq!(read.transport_checksum(), Verdict::Right);
    let Transport::Icmp(message) = read.transport() else {
        panic!("{:?}", read.transport());
    };
    assert_eq!(message.payload(), came);
}

#[test]
fn later_fragments_go_where_the_first_went() {
    let nat = &mut nat(Behaviour::PORT_RESTRICTED);
    let part = |offset: u8, id: u8| {
        let mut bytes = packet(Kind::Udp, end(A), end(SERVER));
        bytes[5] = id;
        bytes[6] = if offset == 0 { 0x20 } else { 0 };
        bytes[7] = offset;
        bytes[10..12].fill(0);
        let checksum = wharf_packet::Sum::default().bytes(&bytes[..20]).checksum();
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        bytes
    };
    let mut pass = |at, mut bytes: Vec<u8>| {
        let outcome = with(&mut bytes, |packet| {
            nat.translate(s(at), Side::Inside, packet, Checksum::Complete)
        });
        (
            outcome,
            Packet::parse(&bytes).expect("a packet").source().to_string(),
        )
    };
    assert_eq!(pass(0, part(2, 1)).0, NatOutcome::Drop(NatDrop::Fragment));
    assert_eq!(pass(0, part(0, 1)).1, OUTSIDE);
    assert_eq!(
        pass(1, part(2, 1)),
        (NatOutcome::Forward(Side::Outside), OUTSIDE.to_owned())
    );
    assert_eq!(
        pass(1, part(2, 9)).0,
        NatOutcome::Drop(NatDrop::Fragment),
        "of another packet"
    );
    assert_eq!(
        pass(17, part(2, 1)).0,
        NatOutcome::Drop(NatDrop::Fragment),
        "too late"
    );
}

#[test]
fn tables_are_bounded() {
    let behaviour = Behaviour {
        most_sessions: 5,
        most_ports: 3,
        ..Behaviour::SYMMETRIC
    };
    let nat = &mut nat(behaviour);
    let to = |port: u16| SocketAddrV4::new(Ipv4Addr::new(198, 18, 9, 9), port);
    for port in 0..3 {
        send(nat, 0, Kind::Udp, A, to(port)).expect("there is room");
    }
    assert_eq!(
        send(nat, 0, Kind::Udp, A, to(3)),
        Err(NatOutcome::Drop(NatDrop::HostLimit))
    );
    for port in 0..2 {
        send(nat, 0, Kind::Udp, B, to(port)).expect("there is room");
    }
    assert_eq!(
        send(nat, 0, Kind::Udp, B, to(2)),
        Err(NatOutcome::Drop(NatDrop::Full))
    );
    assert_eq!((nat.sessions(), nat.mappings()), (5, 5));
    send(nat, 300, Kind::Udp, B, to(2)).expect("all others are over");
    assert_eq!((nat.sessions(), nat.mappings()), (1, 1));
    assert_eq!(self::nat(Behaviour::FULL_CONE).mappings(), 0);
    let nowhere = &mut Nat::new(behaviour, Vec::new());
    assert_eq!(
        send(nowhere, 0, Kind::Udp, A, to(1)),
        Err(NatOutcome::Drop(NatDrop::NoPort))
    );
}

#[test]
fn every_port_may_be_taken() {
    let behaviour = Behaviour {
        most_sessions: 100_000,
        most_ports: 100_000,
        ..Behaviour::SYMMETRIC
    };
    let nat = &mut nat(behaviour);
    let to =
        |number: u32| SocketAddrV4::new(Ipv4Addr::from_bits(u32::from_be_bytes([9, 0, 0, 0]) + number), 53);
    let ports: BTreeSet<_> = (0..64_512)
        .map(|number| {
            send(nat, 0, Kind::Udp, A, to(number))
                .expect("there is one")
                .0
                .port()
        })
        .collect();
    assert_eq!((ports.len(), ports.first()), (64_512, Some(&1024)));
    assert_eq!(
        send(nat, 0, Kind::Udp, A, to(64_512)),
        Err(NatOutcome::Drop(NatDrop::NoPort))
    );
}

#[test]
fn other_protocols_end_here_and_ipv6_passes() {
    let nat = &mut nat(Behaviour::FULL_CONE);
    let mut bytes = packet(Kind::Udp, end(A), end(SERVER));
    bytes[9] = 47;
    let outcome = with(&mut bytes, |packet| {
        nat.translate(s(0), Side::Inside, packet, Checksum::Complete)
    });
    assert_eq!(outcome, NatOutcome::Drop(NatDrop::Protocol));
    let mut v6 = Vec::new();
    let builder = etherparse::PacketBuilder::ipv6([1; 16], [2; 16], 9).udp(1, 2);
    builder.write(&mut v6, b"x").expect("a packet");
    let before = v6.clone();
    for (from, to) in [(Side::Inside, Side::Outside), (Side::Outside, Side::Inside)] {
        let outcome = with(&mut v6, |packet| {
            nat.translate(s(0), from, packet, Checksum::Complete)
        });
        assert_eq!(outcome, NatOutcome::Forward(to));
    }
    assert_eq!(v6, before);
}

#[test]
fn a_behaviour_is_a_name_or_a_table() {
    #[derive(serde::Deserialize)]
    struct File {
        nat: NatSpec,
    }
    let read = |text: &str| toml::from_str::<File>(text).expect("it reads").nat.behaviour();
    assert_eq!(read("nat = 'carrier-grade'"), Behaviour::CARRIER_GRADE);
    let own =
        read("nat = { like = 'symmetric', hairpinning = 'supported', udp-timeout = '30s', most-ports = 9 }");
    let mut expected = Behaviour {
        hairpinning: Hairpinning::Supported,
        most_ports: 9,
        ..Behaviour::SYMMETRIC
    };
    expected.timeouts.udp = s(30);
    assert_eq!(own, expected);
}

proptest! {
    /// Whatever happens: an answer to what was sent comes back to who sent it, no two inside ends ever have
    /// one outside end, and no table is over its limit.
    #[test]
    fn answers_come_back(
        preset in 0..5_usize,
        steps in proptest::collection::vec((0..4_u8, 0..6_u16, 0..4_u8, 0..3_u16, 0..100_u64), 1..200),
    ) {
        let behaviour = Behaviour { most_sessions: 20, most_ports: 6, ..presets()[preset].1 };
        let mut nat = nat(behaviour);
        let mut now = 0;
        for (host, port, remote, remote_port, wait) in steps {
            now += wait;
            let inside = SocketAddrV4::new(Ipv4Addr::new(10, 1, 1, host), 5000 + port);
            let remote = SocketAddrV4::new(Ipv4Addr::new(198, 18, 9, remote), 50 + remote_port);
            match send(&mut nat, now, Kind::Udp, &inside.to_string(), remote) {
                Ok((outside, to)) => {
                    prop_assert_eq!(to, remote);
                    prop_assert_eq!(outside.ip().to_string(), OUTSIDE);
                    let back = received(&mut nat, now, Kind::Udp, &remote.to_string(), outside);
                    prop_assert_eq!(back, Ok(inside));
                }
                Err(outcome) => prop_assert!(matches!(outcome,
                    NatOutcome::Drop(NatDrop::Full | NatDrop::HostLimit))),
            }
            prop_assert!(nat.sessions() <= 20 && nat.mappings() <= 24);
            prop_assert!(nat.mappings() <= nat.sessions());
        }
        // When all is over, nothing is left.
        let _ = received(&mut nat, now + 301, Kind::Udp, SERVER, end(&format!("{OUTSIDE}:1")));
        prop_assert_eq!((nat.sessions(), nat.mappings()), (0, 0));
    }
}
