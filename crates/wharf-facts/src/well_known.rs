//! Whose a port is by custom.

use std::sync::OnceLock;

use crate::Protocol;

/// A port that developers meet, and who is usually found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WellKnown {
    /// The port.
    pub port: u16,
    /// Whether it is known for TCP.
    pub tcp: bool,
    /// Whether it is known for UDP.
    pub udp: bool,
    /// The name that IANA assigned, if it assigned one.
    pub name: Option<&'static str>,
    /// Who is found there in practice: `PostgreSQL`, `Vite's dev server`.
    pub usual: &'static str,
}

/// Who is usually found at `port` of `protocol`.
#[must_use]
pub fn well_known(protocol: Protocol, port: u16) -> Option<&'static WellKnown> {
    let table = table();
    let row = table.get(table.binary_search_by_key(&port, |row| row.port).ok()?)?;
    let is_known = match protocol {
        Protocol::Tcp => row.tcp,
        Protocol::Udp => row.udp,
    };
    is_known.then_some(row)
}

/// Every row of the table, by port: one a port.
fn table() -> &'static [WellKnown] {
    static TABLE: OnceLock<Vec<WellKnown>> = OnceLock::new();
    TABLE.get_or_init(|| {
        include_str!("../data/ports.tsv")
            .lines()
            .filter_map(row)
            .collect()
    })
}

/// A row as written: port, transport, name or `-`, usual owner, with tabs between. `None` for a
/// comment.
fn row(line: &'static str) -> Option<WellKnown> {
    let mut fields = line.split('\t');
    let port = fields.next()?.parse().ok()?;
    let transport = fields.next()?;
    Some(WellKnown {
        port,
        tcp: transport != "udp",
        udp: transport != "tcp",
        name: Some(fields.next()?).filter(|&name| name != "-"),
        usual: fields.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_row_and_they_are_in_order() {
        let lines = include_str!("../data/ports.tsv").lines();
        let written: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
        assert_eq!(table().len(), written.len());
        assert!(table().len() > 300, "{}", table().len());
        assert!(table().is_sorted_by(|a, b| a.port < b.port));
        for line in written {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 4, "{line}");
            assert!(["tcp", "udp", "both"].contains(&fields[1]), "{line}");
        }
    }

    #[test]
    fn a_port_is_known_for_its_transport() {
        let usual = |protocol, port| well_known(protocol, port).map(|row| row.usual);
        assert_eq!(usual(Protocol::Tcp, 5432), Some("PostgreSQL"));
        assert_eq!(usual(Protocol::Udp, 5432), None);
        assert_eq!(usual(Protocol::Udp, 5353), Some("mDNS"));
        assert_eq!(usual(Protocol::Tcp, 20001), None);
        assert_eq!(well_known(Protocol::Tcp, 5173).and_then(|row| row.name), None);
    }
}
