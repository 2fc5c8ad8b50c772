//! What is spoken at an address.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is spoken at an address. Written as a word; a word that this program does not know is kept
/// as [`Spoken::Other`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", from = "String")]
pub enum Spoken {
    /// HTTP/1.
    Http,
    /// HTTP/2 without TLS, with prior knowledge.
    H2c,
    /// TLS; what is within may be another's.
    Tls,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
    /// Redis, or one that speaks as it.
    Redis,
    /// MongoDB.
    Mongodb,
    /// AMQP, as RabbitMQ does.
    Amqp,
    /// memcached.
    Memcached,
    /// Kafka.
    Kafka,
    /// SSH.
    Ssh,
    /// SMTP.
    Smtp,
    /// FTP.
    Ftp,
    /// MQTT.
    Mqtt,
    /// NATS.
    Nats,
    /// The Java debugger's wire protocol.
    Jdwp,
    /// Node's inspector, or another that answers as it does.
    Inspector,
    /// Chrome's DevTools.
    Devtools,
    /// The Debug Adapter Protocol, as debugpy speaks it.
    Dap,
    /// GDB's remote protocol.
    Gdb,
    /// gRPC, on HTTP/2 without TLS.
    Grpc,
    /// WebSocket, and no pages beside it.
    Websocket,
    /// DNS.
    Dns,
    /// Docker's API, on HTTP.
    Docker,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// VNC's protocol (RFB).
    Rfb,
    /// Nothing that was tried was answered.
    Silent,
    /// Another one, by name.
    Other(String),
}

const WORDS: &[(&str, Spoken)] = &[
    ("http", Spoken::Http),
    ("h2c", Spoken::H2c),
    ("tls", Spoken::Tls),
    ("postgres", Spoken::Postgres),
    ("mysql", Spoken::Mysql),
    ("redis", Spoken::Redis),
    ("mongodb", Spoken::Mongodb),
    ("amqp", Spoken::Amqp),
    ("memcached", Spoken::Memcached),
    ("kafka", Spoken::Kafka),
    ("ssh", Spoken::Ssh),
    ("smtp", Spoken::Smtp),
    ("ftp", Spoken::Ftp),
    ("mqtt", Spoken::Mqtt),
    ("nats", Spoken::Nats),
    ("jdwp", Spoken::Jdwp),
    ("inspector", Spoken::Inspector),
    ("devtools", Spoken::Devtools),
    ("dap", Spoken::Dap),
    ("gdb", Spoken::Gdb),
    ("grpc", Spoken::Grpc),
    ("websocket", Spoken::Websocket),
    ("dns", Spoken::Dns),
    ("docker", Spoken::Docker),
    ("imap", Spoken::Imap),
    ("pop3", Spoken::Pop3),
    ("rfb", Spoken::Rfb),
    ("silent", Spoken::Silent),
];

impl Spoken {
    /// Its word.
    #[must_use]
    pub fn word(&self) -> &str {
        if let Self::Other(word) = self {
            return word;
        }
        WORDS
            .iter()
            .find(|(_, spoken)| spoken == self)
            .map_or("", |(word, _)| word)
    }
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl From<Spoken> for String {
    fn from(spoken: Spoken) -> Self {
        spoken.word().to_owned()
    }
}

impl From<String> for Spoken {
    fn from(word: String) -> Self {
        WORDS
            .iter()
            .find(|(known, _)| *known == word)
            .map_or(Self::Other(word), |(_, spoken)| spoken.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_reads_back() {
        for (word, spoken) in WORDS {
            assert_eq!(Spoken::from((*word).to_owned()), *spoken);
            assert_eq!(spoken.word(), *word);
        }
        let later = Spoken::from("gopher".to_owned());
        assert_eq!(later.to_string(), "gopher");
    }
}
