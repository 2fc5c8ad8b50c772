//! `/proc/net`: what the kernel has counted.

use std::fs;

use wharf_facts::{Counters, Seen};

pub(crate) fn counters() -> Seen<Counters> {
    let snmp = fs::read_to_string("/proc/self/net/snmp");
    let netstat = fs::read_to_string("/proc/self/net/netstat");
    let sockstat = fs::read_to_string("/proc/self/net/sockstat");
    match (snmp, netstat, sockstat) {
        (Err(error), Err(_), Err(_)) => Seen::unknown(format_args!("read /proc/self/net: {error}")),
        (snmp, netstat, sockstat) => Seen::Known(parse(
            &snmp.unwrap_or_default(),
            &netstat.unwrap_or_default(),
            &sockstat.unwrap_or_default(),
        )),
    }
}

fn parse(snmp: &str, netstat: &str, sockstat: &str) -> Counters {
    let extended = |name| column(netstat, "TcpExt:", name);
    let tcp = |name| column(snmp, "Tcp:", name);
    let udp = |name| column(snmp, "Udp:", name);
    let sockets = |name| word_after(sockstat, "TCP:", name);
    Counters {
        listen_overflows: extended("ListenOverflows"),
        listen_drops: extended("ListenDrops"),
        request_queue_drops: extended("TCPReqQFullDrop"),
        request_queue_cookies: extended("TCPReqQFullDoCookies"),
        backlog_drops: extended("TCPBacklogDrop"),
        aborted_on_overflow: extended("TCPAbortFailed"),
        active_opens: tcp("ActiveOpens"),
        passive_opens: tcp("PassiveOpens"),
        attempt_fails: tcp("AttemptFails"),
        retransmitted: tcp("RetransSegs"),
        tcp_in_use: sockets("inuse"),
        tcp_orphans: sockets("orphan"),
        tcp_time_wait: sockets("tw"),
        udp_receive_drops: udp("RcvbufErrors"),
        udp_no_ports: udp("NoPorts"),
    }
}

/// A value of a table of two lines that both begin with `key`: names, then values.
fn column(text: &str, key: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(key));
    let index = lines
        .next()?
        .split_ascii_whitespace()
        .position(|column| column == name)?;
    // MaxConn may be -1; no counter that we ask for is.
    lines.next()?.split_ascii_whitespace().nth(index)?.parse().ok()
}

/// The number behind `name` in the line that begins with `key`.
fn word_after(text: &str, key: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let mut words = line.split_ascii_whitespace();
    words.find(|&word| word == name)?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_read_as_the_kernel_writes_them() {
        let counters = parse(
            "Tcp: MaxConn ActiveOpens\nTcp: -1 7\nUdp: InDatagrams NoPorts\nUdp: 1 2\n",
            "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 3 4\n",
            "sockets: used 9\nTCP: inuse 5 orphan 0 tw 6 alloc 7 mem 1\n",
        );
        let expected = Counters {
            active_opens: Some(7),
            udp_no_ports: Some(2),
            listen_overflows: Some(3),
            listen_drops: Some(4),
            tcp_in_use: Some(5),
            tcp_orphans: Some(0),
            tcp_time_wait: Some(6),
            ..Counters::default()
        };
        assert_eq!(counters, expected);
        assert_eq!(
            parse("", "TcpExt: ListenDrops\n", "TCP: inuse"),
            Counters::default()
        );
    }
}
