//! Firewalls: which packets pass, in virtual time.

use std::time::Duration;

use insta::assert_snapshot;
use wharf_packet::Packet;
use wharf_packet::icmp::{self, Problem};
use wharf_topology::firewall::{Ground, Verdict};
use wharf_topology::{Firewall, Side};

use crate::made::{Kind, end, packet};

/// A firewall between `office` (10.9.9.0/24 in these packets, whatever its true address) and the world.
pub(crate) fn firewall(rules: &str) -> Firewall {
    let topology = crate::topology(&format!(
        "
        node.pc = {{}}
        node.server = {{}}
        segment.lan.nodes = ['pc', 'wall']
        segment.net.nodes = ['wall', 'server']
        [node.wall]
        kind = 'firewall'
        inside = ['lan']
        {rules}
    "
    ));
    let wall = topology.node("wall").expect("a node");
    topology.firewall(wall).expect("it is one")
}

const PC: &str = "10.9.9.1:4000";
const WEB: &str = "198.18.1.1:443";
const SSH: &str = "198.18.1.1:22";

fn judge(wall: &mut Firewall, at: u64, side: Side, kind: Kind, from: &str, to: &str) -> Verdict {
    let bytes = packet(kind, end(from), end(to));
    wall.judge(
        Duration::from_secs(at),
        side,
        &Packet::parse(&bytes).expect("a packet"),
    )
}

const OUT_ALONE: &str = "rules = [{ action = 'allow', direction = 'out' }]";

#[test]
fn answers_come_in_and_nothing_else() {
    let wall = &mut firewall(OUT_ALONE);
    let closed = Verdict::Drop(Ground::Default);
    assert_eq!(judge(wall, 0, Side::Outside, Kind::Udp, WEB, PC), closed);
    assert_eq!(judge(wall, 0, Side::Inside, Kind::Udp, PC, WEB), Verdict::Allow);
    assert_eq!(judge(wall, 1, Side::Outside, Kind::Udp, WEB, PC), Verdict::Allow);
    assert_eq!(
        judge(wall, 1, Side::Outside, Kind::Udp, SSH, PC),
        closed,
        "from another port"
    );
    assert_eq!(
        judge(wall, 1, Side::Outside, Kind::Ack, WEB, PC),
        closed,
        "of another protocol"
    );
    // What came in at 1 s has held it.
    assert_eq!(
        judge(wall, 300, Side::Outside, Kind::Udp, WEB, PC),
        Verdict::Allow
    );
    assert_eq!(judge(wall, 600, Side::Outside, Kind::Udp, WEB, PC), closed);
    assert_eq!(wall.sessions(), 0);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let wall = &mut firewall(
        "default = 'reject'
        rules = [
            { action = 'drop', protocol = 'tcp', port = 22 },
            { action = 'allow', protocol = 'tcp', port = [443, '8000-8010'], to = '198.18.0.0/15' },
            { action = 'allow', protocol = 'udp', from-port = '5000-5001' },
            { action = 'allow', protocol = 'icmp', from = ['pc', '10.9.9.0/24'] },
            { action = 'reject', direction = 'in', protocol = 'icmp' },
        ]",
    );
    let mut said = String::new();
    for (side, kind, from, to) in [
        (Side::Inside, Kind::Syn, PC, SSH),
        (Side::Inside, Kind::Syn, PC, WEB),
        (Side::Outside, Kind::SynAck, WEB, PC),
        (Side::Inside, Kind::Syn, PC, "198.18.1.1:8010"),
        (Side::Inside, Kind::Syn, PC, "198.18.1.1:8011"),
        (Side::Inside, Kind::Syn, PC, "9.9.9.9:443"),
        (Side::Inside, Kind::Udp, "10.9.9.1:5001", SSH),
        (Side::Inside, Kind::Udp, "10.9.9.1:5002", SSH),
        (Side::Inside, Kind::Ping, PC, "198.18.1.1:0"),
        (Side::Outside, Kind::Pong, "198.18.1.1:0", PC),
        (Side::Outside, Kind::Ping, "198.18.1.1:7", "10.9.9.1:0"),
        (Side::Inside, Kind::Ping, "10.8.8.8:7", "198.18.1.1:0"),
    ] {
        let verdict = judge(wall, 0, side, kind, from, to);
        said += &format!("{kind:?} {from} to {to}: {verdict:?}\n");
    }
    assert_snapshot!(said, @r"
    Syn 10.9.9.1:4000 to 198.18.1.1:22: Drop(Rule(1))
    Syn 10.9.9.1:4000 to 198.18.1.1:443: Allow
    SynAck 198.18.1.1:443 to 10.9.9.1:4000: Allow
    Syn 10.9.9.1:4000 to 198.18.1.1:8010: Allow
    Syn 10.9.9.1:4000 to 198.18.1.1:8011: Reject(Default, PortUnreachable)
    Syn 10.9.9.1:4000 to 9.9.9.9:443: Reject(Default, PortUnreachable)
    Udp 10.9.9.1:5001 to 198.18.1.1:22: Allow
    Udp 10.9.9.1:5002 to 198.18.1.1:22: Reject(Default, PortUnreachable)
    Ping 10.9.9.1:4000 to 198.18.1.1:0: Allow
    Pong 198.18.1.1:0 to 10.9.9.1:4000: Reject(Rule(5), Prohibited)
    Ping 198.18.1.1:7 to 10.9.9.1:0: Reject(Rule(5), Prohibited)
    Ping 10.8.8.8:7 to 198.18.1.1:0: Reject(Default, Prohibited)
    ");
}

#[test]
fn a_rule_may_be_about_new_or_established_packets_alone() {
    let wall =
        &mut firewall("default = 'allow'\nrules = [{ action = 'drop', direction = 'in', state = 'new' }]");
    assert_eq!(
        judge(wall, 0, Side::Outside, Kind::Syn, WEB, PC),
        Verdict::Drop(Ground::Rule(1))
    );
    assert_eq!(judge(wall, 0, Side::Inside, Kind::Syn, PC, WEB), Verdict::Allow);
    assert_eq!(
        judge(wall, 0, Side::Outside, Kind::SynAck, WEB, PC),
        Verdict::Allow
    );
    let wall = &mut firewall(
        "default = 'allow'\nrules = [{ action = 'drop', direction = 'in', state = 'established' }]",
    );
    assert_eq!(judge(wall, 0, Side::Inside, Kind::Syn, PC, WEB), Verdict::Allow);
    assert_eq!(
        judge(wall, 0, Side::Outside, Kind::SynAck, WEB, PC),
        Verdict::Drop(Ground::Rule(1))
    );
}

#[test]
fn tcp_is_remembered_by_its_state() {
    let wall = &mut firewall(OUT_ALONE);
    let is_open = |wall: &Firewall, at| {
        judge(&mut wall.clone(), at, Side::Outside, Kind::Ack, WEB, PC) == Verdict::Allow
    };
    for (side, kind) in [
        (Side::Inside, Kind::Syn),
        (Side::Outside, Kind::SynAck),
        (Side::Inside, Kind::Ack),
    ] {
        let (from, to) = if side == Side::Inside {
            (PC, WEB)
        } else {
            (WEB, PC)
        };
        assert_eq!(judge(wall, 0, side, kind, from, to), Verdict::Allow);
    }
    assert!(is_open(wall, 7439) && !is_open(wall, 7440));
    assert_eq!(judge(wall, 0, Side::Inside, Kind::Fin, PC, WEB), Verdict::Allow);
    assert!(is_open(wall, 7439));
    assert_eq!(judge(wall, 0, Side::Outside, Kind::Fin, WEB, PC), Verdict::Allow);
    assert!(is_open(wall, 239) && !is_open(wall, 240));
}

#[test]
fn errors_about_what_was_allowed_come_in() {
    let wall = &mut firewall(OUT_ALONE);
    let error_about = |to: &str| {
        let bytes = packet(Kind::Udp, end(PC), end(to));
        let about = Packet::parse(&bytes).expect("a packet");
        let mut buffer = vec![0; icmp::LONGEST];
        let router = std::net::Ipv4Addr::new(198, 18, 5, 5);
        let len = icmp::error(&about, Problem::TimeExceeded, router.into(), &mut buffer).expect("an error");
        buffer.truncate(len);
        buffer
    };
    assert_eq!(judge(wall, 0, Side::Inside, Kind::Udp, PC, WEB), Verdict::Allow);
    let mut come_in = |bytes: &[u8]| {
        wall.judge(
            Duration::ZERO,
            Side::Outside,
            &Packet::parse(bytes).expect("a packet"),
        )
    };
    assert_eq!(come_in(&error_about(WEB)), Verdict::Allow);
    assert_eq!(come_in(&error_about(SSH)), Verdict::Drop(Ground::Default));
}

#[test]
fn later_fragments_meet_what_the_first_met() {
    let wall = &mut firewall(OUT_ALONE);
    let part = |from: &str, to: &str, offset: u8| {
        let mut bytes = packet(Kind::Udp, end(from), end(to));
        bytes[6] = if offset == 0 { 0x20 } else { 0 };
        bytes[7] = offset;
        bytes
    };
    let mut pass =
        |side, bytes: &[u8]| wall.judge(Duration::ZERO, side, &Packet::parse(bytes).expect("a packet"));
    assert_eq!(
        pass(Side::Inside, &part(PC, WEB, 2)),
        Verdict::Drop(Ground::Fragment)
    );
    assert_eq!(pass(Side::Inside, &part(PC, WEB, 0)), Verdict::Allow);
    assert_eq!(pass(Side::Inside, &part(PC, WEB, 2)), Verdict::Allow);
    let closed = Verdict::Drop(Ground::Default);
    assert_eq!(pass(Side::Outside, &part(SSH, PC, 0)), closed);
    assert_eq!(pass(Side::Outside, &part(SSH, PC, 2)), closed);
}

#[test]
fn the_table_is_bounded() {
    let wall = &mut firewall(OUT_ALONE);
    for number in 0..65_536_u32 {
        let [.., high, low] = number.to_be_bytes();
        let to = format!("198.18.{high}.{low}:53");
        assert_eq!(judge(wall, 0, Side::Inside, Kind::Udp, PC, &to), Verdict::Allow);
    }
    assert_eq!(
        judge(wall, 0, Side::Inside, Kind::Udp, PC, "9.9.9.9:53"),
        Verdict::Drop(Ground::Full)
    );
    assert_eq!(
        judge(wall, 0, Side::Inside, Kind::Udp, PC, "198.18.0.0:53"),
        Verdict::Allow,
        "it is known"
    );
    assert_eq!(
        judge(wall, 300, Side::Inside, Kind::Udp, PC, "9.9.9.9:53"),
        Verdict::Allow
    );
    assert_eq!(wall.sessions(), 1);
}
