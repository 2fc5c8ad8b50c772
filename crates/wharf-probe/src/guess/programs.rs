//! Programs that speak one protocol, or one that their port tells.

use wharf_facts::Spoken;

use super::Owner;

/// What a program speaks.
pub(super) struct Program {
    /// Its names: of its file, its script, its module or its class.
    names: &'static [&'static str],
    /// What it speaks; `None` where it depends on the port.
    pub(super) spoken: Option<Spoken>,
}

const fn speaks(spoken: Spoken, names: &'static [&'static str]) -> Program {
    Program {
        names,
        spoken: Some(spoken),
    }
}

static PROGRAMS: &[Program] = &[
    speaks(
        Spoken::Redis,
        &[
            "redis-server",
            "redis-sentinel",
            "valkey-server",
            "keydb-server",
            "dragonfly",
        ],
    ),
    speaks(
        Spoken::Postgres,
        &["postgres", "postmaster", "pgbouncer", "pgcat", "cockroach"],
    ),
    speaks(
        Spoken::Mysql,
        &[
            "mysqld",
            "mysqld-debug",
            "mariadbd",
            "proxysql",
            "mysqlrouter",
            "maxscale",
        ],
    ),
    speaks(Spoken::Mongodb, &["mongod", "mongos", "ferretdb"]),
    speaks(Spoken::Memcached, &["memcached"]),
    speaks(Spoken::Ssh, &["sshd", "dropbear"]),
    speaks(Spoken::Mqtt, &["mosquitto"]),
    speaks(Spoken::Kafka, &["kafka.Kafka", "redpanda"]),
    speaks(Spoken::Ftp, &["vsftpd", "proftpd", "pure-ftpd"]),
    speaks(
        Spoken::Dns,
        &[
            "dnsmasq",
            "named",
            "unbound",
            "coredns",
            "systemd-resolved",
            "systemd-resolve",
        ],
    ),
    speaks(
        Spoken::Http,
        &[
            "nginx",
            "apache2",
            "httpd",
            "caddy",
            "lighttpd",
            "traefik",
            "node",
            "nodejs",
            "deno",
            "bun",
            "next-server",
            "vite",
            "http.server",
            "uvicorn",
            "gunicorn",
            "hypercorn",
            "daphne",
            "flask",
            "manage.py",
            "streamlit",
            "jupyter-lab",
            "jupyter-notebook",
            "jupyter-server",
            "puma",
            "rails",
            "rackup",
            "unicorn",
            "php",
            "php-fpm",
            "hugo",
            "jekyll",
            "esbuild",
            "trunk",
            "grafana",
            "grafana-server",
            "prometheus",
            "ollama",
            "minio",
            "cupsd",
            "syncthing",
            "squid",
            "tinyproxy",
            "mitmproxy",
            "mitmdump",
            "mitmweb",
            "dotnet",
            "org.elasticsearch.bootstrap.Elasticsearch",
            "org.elasticsearch.server",
        ],
    ),
    // Several ports each.
    Program {
        names: &[
            "beam.smp",
            "rabbitmq-server",
            "nats-server",
            "dockerd",
            "mailpit",
            "MailHog",
            "mailhog",
            "haproxy",
            "envoy",
        ],
        spoken: None,
    },
];

/// Programs that run another one, whose name comes later in their arguments.
const INTERPRETERS: &[&str] = &[
    "node", "nodejs", "deno", "bun", "python", "python2", "python3", "ruby", "php", "java", "perl", "pypy3",
];

/// Arguments in which a name is looked for. Command lines of Java can be very long.
const LOOKED_AT: usize = 64;

/// The program of the table that `owner` is, and the name that shows it.
pub(super) fn find(owner: &Owner<'_>) -> Option<(&'static Program, String)> {
    // What an interpreter runs says more than the interpreter does.
    let scripts = scripts(owner);
    scripts
        .into_iter()
        .chain(own_names(owner))
        .find_map(|name| Some((known(name)?, name.to_owned())))
}

fn known(name: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.names.contains(&name))
}

/// The names of the program itself: of its file, and how it was called.
fn own_names<'a>(owner: &Owner<'a>) -> Vec<&'a str> {
    // Programs write their titles there: `nginx: master process …`, `redis-server *:6379`.
    let called = owner
        .command
        .first()
        .and_then(|first| first.split_whitespace().next())
        .map(|word| file_name(word.trim_end_matches(':')));
    let file = owner
        .exe
        .map(|exe| file_name(exe.strip_suffix(" (deleted)").unwrap_or(exe)));
    called.into_iter().chain(file).collect()
}

/// The script, module or class that an interpreter runs.
fn scripts<'a>(owner: &Owner<'a>) -> Vec<&'a str> {
    let names = own_names(owner);
    if !names.iter().any(|name| is_interpreter(name)) {
        return Vec::new();
    }
    let arguments = owner.command.iter().skip(1).take(LOOKED_AT);
    arguments
        .filter(|argument| !argument.starts_with('-'))
        .map(|argument| file_name(argument))
        .collect()
}

/// Whether `name` is an interpreter's; `python3.12` is `python3`.
fn is_interpreter(name: &str) -> bool {
    let plain = name.split_once('.').map_or(name, |(plain, _)| plain);
    INTERPRETERS.contains(&plain)
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
