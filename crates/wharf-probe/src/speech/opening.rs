//! What may be said first to a listener, and in which order.

use std::time::Duration;

use wharf_facts::Spoken;

use super::{brokers, databases, debuggers, dns};
use crate::{By, Guess};

/// How to begin with a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Say nothing, and listen.
    Listen,
    /// Ask for a page.
    Http,
    /// A ClientHello.
    Tls,
    /// HTTP/2's preface, with prior knowledge.
    Http2,
    /// These bytes.
    Say(&'static [u8]),
}

/// How long those who speak first are given. A server that is known to do so gets longer.
const SILENCE: Duration = Duration::from_millis(80);
const GREETING: Duration = Duration::from_millis(250);
/// How long an answer may take: of the one that is known to speak so, of one that should by custom,
/// of a page, of any other.
const KNOWN: Duration = Duration::from_millis(250);
const CUSTOMARY: Duration = Duration::from_millis(120);
const PAGE: Duration = Duration::from_millis(100);
const ANSWER: Duration = Duration::from_millis(50);

/// What to try with a listener of which `guess` is thought, and how long to wait for each: the
/// likeliest first, then the cheapest and most telling. MongoDB, memcached and RabbitMQ need no
/// opening of their own here: they answer to HTTP.
pub(crate) fn openings(guess: Option<&Guess>) -> Vec<(Opening, Duration)> {
    let mut all = Vec::new();
    if let Some((opening, spoken, by)) = guess.and_then(|guess| {
        let spoken = guess.spoken.known()?;
        Some((first(spoken)?, spoken, &guess.by))
    }) {
        all.push((opening, patience(opening, by)));
        // Who takes one client, or is no server that could be taken for another, is asked only this.
        if matches!(spoken, Spoken::Jdwp | Spoken::Dap | Spoken::Gdb | Spoken::Mysql) {
            return all;
        }
    }
    let others = [
        (Opening::Listen, SILENCE),
        (Opening::Http, PAGE),
        (Opening::Tls, ANSWER),
        (Opening::Say(databases::POSTGRES), ANSWER),
        (Opening::Http2, ANSWER),
        (Opening::Say(databases::REDIS), ANSWER),
        (Opening::Say(brokers::MQTT), ANSWER),
    ];
    for (opening, patience) in others {
        if all.iter().all(|(known, _)| *known != opening) {
            all.push((opening, patience));
        }
    }
    all
}

fn patience(opening: Opening, by: &By) -> Duration {
    match (opening, by) {
        (Opening::Listen, By::Port(_) | By::Nothing) => SILENCE,
        (Opening::Listen, _) => GREETING,
        (_, By::Port(_) | By::Nothing) => CUSTOMARY,
        _ => KNOWN,
    }
}

/// How to begin with one who speaks `spoken`.
fn first(spoken: &Spoken) -> Option<Opening> {
    Some(match spoken {
        Spoken::Http | Spoken::Inspector | Spoken::Devtools | Spoken::Docker | Spoken::Websocket => {
            Opening::Http
        }
        Spoken::Tls => Opening::Tls,
        Spoken::H2c | Spoken::Grpc => Opening::Http2,
        Spoken::Mysql
        | Spoken::Ssh
        | Spoken::Smtp
        | Spoken::Ftp
        | Spoken::Nats
        | Spoken::Imap
        | Spoken::Pop3
        | Spoken::Rfb => Opening::Listen,
        Spoken::Postgres => Opening::Say(databases::POSTGRES),
        Spoken::Redis => Opening::Say(databases::REDIS),
        Spoken::Mongodb => Opening::Say(databases::MONGODB),
        Spoken::Memcached => Opening::Say(databases::MEMCACHED),
        Spoken::Amqp => Opening::Say(brokers::AMQP),
        Spoken::Kafka => Opening::Say(brokers::KAFKA),
        Spoken::Mqtt => Opening::Say(brokers::MQTT),
        Spoken::Dns => Opening::Say(dns::QUERY),
        Spoken::Jdwp => Opening::Say(debuggers::JDWP),
        Spoken::Dap => Opening::Say(debuggers::DAP),
        Spoken::Gdb => Opening::Say(debuggers::GDB),
        Spoken::Silent | Spoken::Other(_) => return None,
    })
}
