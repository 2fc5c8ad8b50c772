//! The file as it is written: its tables and keys, and nothing said yet about what they mean.
//!
//! These types give both the reader and the JSON Schema, so that the two cannot drift apart. Their
//! comments are the descriptions that an editor shows.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::at::{At, Named};
use super::carriage::Transport;
use super::conditioned::{LinkTable, ScenarioTable, SegmentTable};
use super::places::NodeTable;
use super::values::{Address, RestartPolicy, ServiceKind, SocketPassing, StopSignal};

/// The services of a project, what they need, and the network between them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "wharf.toml", rename = "wharf.toml")]
pub(super) struct ProjectTable {
    /// The stack's name: a DNS label in lower case. By default the folder's name.
    pub(super) name: Option<At<String>>,
    /// The seed of all chance in the links: jitter, loss and their like. The same each time by
    /// default.
    pub(super) seed: Option<u64>,
    /// The programs that Wharf starts.
    #[serde(default)]
    pub(super) service: Named<ServiceTable>,
    /// The things outside the stack that services need.
    #[serde(default)]
    pub(super) external: Named<ExternalTable>,
    /// The network conditions of links, by name: `[link."web -> api"]`, `[link."door -> web"]`.
    #[serde(default)]
    pub(super) link: Named<LinkTable>,
    /// Places in the network of `wharf up --lab` beside the services, by name: hosts, routers, address
    /// translators, firewalls.
    #[serde(default)]
    pub(super) node: Named<NodeTable>,
    /// Stretches of network that several links share, by name; links say `via = ["home"]`. With `nodes`, a
    /// piece of the network of `wharf up --lab`.
    #[serde(default)]
    pub(super) segment: Named<SegmentTable>,
    /// Timelines of changes to links, by name, for `wharf play`.
    #[serde(default)]
    pub(super) scenario: Named<ScenarioTable>,
}

/// A program that Wharf starts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "service")]
pub(super) struct ServiceTable {
    /// The command: a line for the shell, or a list of words that is run without one.
    ///
    /// `{port}`, `{host}`, `{url}`, `{port.NAME}`, `{needs.NAME.url}` (also `.host`, `.port`,
    /// `.addr`) are replaced.
    pub(super) run: Option<At<RunValue>>,
    /// `service` (the default) runs until it is stopped; `task` runs once, and those that need it
    /// wait for its exit status 0.
    #[serde(default)]
    pub(super) kind: ServiceKind,
    /// The services, tasks and externals that this one needs. Each service or external here is a
    /// link.
    #[serde(default)]
    pub(super) needs: Vec<At<String>>,
    /// The folder it runs in, relative to this file.
    pub(super) cwd: Option<At<String>>,
    /// Environment variables. The placeholders of `run` may stand in their values.
    #[serde(default)]
    pub(super) env: Named<At<EnvValue>>,
    /// A file of variables, or a list of them. By default the `.env` beside this file and the one in
    /// the folder it runs in, as far as they are there.
    pub(super) env_file: Option<At<OneOrMany>>,
    /// A fixed port. By default a lease, the same each time.
    pub(super) port: Option<At<i64>>,
    /// Names of further ports it needs: `ports = ["metrics"]` gives `PORT_METRICS` and
    /// `{port.metrics}`.
    #[serde(default)]
    pub(super) ports: Vec<At<String>>,
    /// `loopback` (the default), or `own` for a loopback address of its own, on which it can keep
    /// its standard port.
    #[serde(default)]
    pub(super) address: Address,
    /// When it is ready: `"listen"` (the default), `"notify"`, `{ connect = true }`,
    /// `{ http = "/health" }`, `{ log = "text" }` or `{ command = "…" }`.
    pub(super) ready: Option<At<ReadyValue>>,
    /// How long it may take until it is ready. By default `60s`.
    pub(super) ready_timeout: Option<At<String>>,
    /// Whether to start it again when it exits by itself: `on-failure` (the default), `always` or
    /// `never`.
    #[serde(default)]
    pub(super) restart: RestartPolicy,
    /// How many restarts in a row before it counts as failed. By default 5.
    pub(super) max_restarts: Option<At<i64>>,
    /// How long it may take to stop before it is killed. By default `10s`.
    pub(super) stop_grace: Option<At<String>>,
    /// The signal that asks it to stop. By default `SIGTERM`.
    #[serde(default)]
    pub(super) stop_signal: StopSignal,
    /// `pass` hands it the listening socket by LISTEN_FDS; it must be run without a shell. By
    /// default `none`.
    pub(super) socket: Option<At<SocketPassing>>,
    /// The user it runs as, where Wharf runs as root.
    pub(super) user: Option<At<String>>,
    /// Whether the door leads to it: `http://NAME.STACK.localhost:62893`. By default it does,
    /// unless it is known to speak another protocol than HTTP.
    pub(super) door: Option<bool>,
    /// Whether its port is held by a bound socket until it listens. By default it is, where the
    /// program bears it.
    pub(super) hold: Option<bool>,
    /// Its application protocol, as a URL's scheme: `http`, `postgresql`, `redis`. By default what
    /// the program is known to speak, else `http`.
    pub(super) protocol: Option<At<String>>,
    /// `tcp` (the default), `udp`, or `both` on one port.
    #[serde(default)]
    pub(super) transport: Transport,
}

/// A thing outside the stack that services need.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "external")]
pub(super) struct ExternalTable {
    /// Where it is: `"127.0.0.1:5432"`, `"[::1]:5432"` or `"db.example.com:5432"`.
    pub(super) address: Option<At<String>>,
    /// Its application protocol, as a URL's scheme. By default what is usual on its port, else
    /// `http`.
    pub(super) protocol: Option<At<String>>,
    /// `tcp` (the default), `udp`, or `both` on one port.
    #[serde(default)]
    pub(super) transport: Transport,
    /// Whether links to it begin TLS: `true`, or `{ name = "…", ca = "ca.pem" }`. Consumers then speak
    /// to the link in clear.
    pub(super) tls: Option<At<TlsValue>>,
}

/// TLS that links begin.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "`tls` is true, false or a table with `name`, `ca` and `dangerously-unverified`"
)]
#[schemars(inline)]
pub(super) enum TlsValue {
    Whether(bool),
    Table(TlsTable),
}

/// How an external is verified.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "tls")]
pub(super) struct TlsTable {
    /// The name that its certificate must bear. By default the address's.
    pub(super) name: Option<String>,
    /// A PEM file with the certificates that may have signed it. By default those that this machine
    /// trusts.
    pub(super) ca: Option<String>,
    /// Takes any certificate: whoever is on the way reads and changes everything.
    #[serde(default)]
    pub(super) dangerously_unverified: bool,
}

/// A rule for HTTP requests, as it is written.
pub(super) type HttpRule = wharf_http::RuleText;

/// One text, or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a text or a list of texts is wanted here")]
#[schemars(inline)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A command: a line for the shell, or its words.
pub(super) type RunValue = OneOrMany;

/// The value of a variable: a number or a truth value stands for its text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a variable's value is a text, a number, true or false")]
#[schemars(inline)]
pub(super) enum EnvValue {
    Text(String),
    Integer(i64),
    Float(f64),
    Truth(bool),
}

/// When a service is ready.
#[derive(Clone, Debug)]
pub(super) enum ReadyValue {
    Word(String),
    Table(ReadyTable),
}

/// A check of readiness: one of these keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct ReadyTable {
    /// `true`: its port accepts a connection.
    pub(super) connect: Option<bool>,
    /// A path: a GET of it is answered with a status below 400.
    pub(super) http: Option<String>,
    /// A text: a line of its output contains it.
    pub(super) log: Option<String>,
    /// A command: it exits with 0.
    pub(super) command: Option<OneOrMany>,
}

// Written out, since an untagged enum would lose the place and the key of what is wrong inside.
impl<'de> Deserialize<'de> for ReadyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ready;

        impl<'de> serde::de::Visitor<'de> for Ready {
            type Value = ReadyValue;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"listen\", \"notify\" or a table")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<ReadyValue, E> {
                Ok(ReadyValue::Word(word.to_owned()))
            }

            fn visit_map<M>(self, map: M) -> Result<ReadyValue, M::Error>
            where
                M: serde::de::MapAccess<'de>,
            {
                let table = serde::de::value::MapAccessDeserializer::new(map);
                let table = ReadyTable::deserialize(table)?;
                let keys = [
                    table.connect.is_some(),
                    table.http.is_some(),
                    table.log.is_some(),
                    table.command.is_some(),
                ];
                match keys.iter().filter(|&&present| present).count() {
                    1 => Ok(ReadyValue::Table(table)),
                    _ => Err(M::Error::custom(
                        "`ready` takes exactly one of `connect`, `http`, `log` and `command`",
                    )),
                }
            }
        }

        deserializer.deserialize_any(Ready)
    }
}

impl JsonSchema for ReadyValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ready".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["listen", "notify"] },
                generator.subschema_for::<ReadyTable>(),
            ]
        })
    }
}
