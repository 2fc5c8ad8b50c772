//! What is spoken at a port by custom. A weak hint: it decides which question comes first.

use wharf_facts::Spoken;

/// First port, last port, what is spoken there.
static CUSTOM: &[(u16, u16, Spoken)] = &[
    (21, 21, Spoken::Ftp),
    (22, 22, Spoken::Ssh),
    (25, 25, Spoken::Smtp),
    (53, 53, Spoken::Dns),
    (80, 81, Spoken::Http),
    (110, 110, Spoken::Pop3),
    (143, 143, Spoken::Imap),
    (443, 443, Spoken::Tls),
    (465, 465, Spoken::Tls),
    (587, 587, Spoken::Smtp),
    (631, 631, Spoken::Http),
    (993, 993, Spoken::Tls),
    (995, 995, Spoken::Tls),
    (1025, 1025, Spoken::Smtp),
    (1313, 1313, Spoken::Http),
    (1883, 1883, Spoken::Mqtt),
    (2222, 2222, Spoken::Ssh),
    (2375, 2375, Spoken::Docker),
    (2376, 2376, Spoken::Tls),
    (3000, 3010, Spoken::Http),
    (3306, 3306, Spoken::Mysql),
    (3307, 3307, Spoken::Mysql),
    (4000, 4000, Spoken::Http),
    (4200, 4200, Spoken::Http),
    (4222, 4222, Spoken::Nats),
    (4321, 4321, Spoken::Http),
    (5000, 5001, Spoken::Http),
    (5005, 5005, Spoken::Jdwp),
    (5173, 5180, Spoken::Http),
    (5432, 5434, Spoken::Postgres),
    (5672, 5672, Spoken::Amqp),
    (5678, 5678, Spoken::Dap),
    (5900, 5901, Spoken::Rfb),
    (6006, 6006, Spoken::Http),
    (6379, 6381, Spoken::Redis),
    (6432, 6432, Spoken::Postgres),
    (8000, 8010, Spoken::Http),
    (8080, 8090, Spoken::Http),
    (8443, 8443, Spoken::Tls),
    (8888, 8888, Spoken::Http),
    (9000, 9000, Spoken::Http),
    (9090, 9090, Spoken::Http),
    (9092, 9092, Spoken::Kafka),
    (9200, 9200, Spoken::Http),
    (9222, 9222, Spoken::Devtools),
    (9229, 9230, Spoken::Inspector),
    (9443, 9443, Spoken::Tls),
    (11211, 11211, Spoken::Memcached),
    (11434, 11434, Spoken::Http),
    (15672, 15672, Spoken::Http),
    (26379, 26379, Spoken::Redis),
    (27017, 27019, Spoken::Mongodb),
    (33060, 33060, Spoken::Mysql),
    (50051, 50051, Spoken::Grpc),
    (62893, 62893, Spoken::Http),
];

/// What is spoken at `port` by custom.
pub(super) fn spoken(port: u16) -> Option<Spoken> {
    CUSTOM
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&port))
        .map(|(_, _, spoken)| spoken.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_no_port_is_there_twice() {
        assert!(CUSTOM.iter().all(|(first, last, _)| first <= last));
        assert!(CUSTOM.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
