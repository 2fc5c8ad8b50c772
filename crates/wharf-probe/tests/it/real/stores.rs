//! Databases, brokers, names and shells.

use std::process::Command;

use wharf_facts::Spoken;

use super::{Real, check, check_with};

#[test]
fn redis() {
    check(&Real {
        name: "redis",
        needs: ("redis-server", "redis-server"),
        command: &[
            "redis-server",
            "--port",
            "PORT",
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            "DIR",
        ],
        speaks: (Spoken::Redis, "+PONG"),
        to_strangers: Spoken::Redis,
        complaints: &["SECURITY"],
    });
}

#[test]
fn redis_with_a_password() {
    check(&Real {
        name: "redis_with_a_password",
        needs: ("redis-server", "redis-server"),
        command: &[
            "redis-server",
            "--port",
            "PORT",
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            "DIR",
            "--requirepass",
            "x",
        ],
        speaks: (Spoken::Redis, "NOAUTH"),
        to_strangers: Spoken::Redis,
        complaints: &["SECURITY"],
    });
}

#[test]
fn memcached() {
    check(&Real {
        name: "memcached",
        needs: ("memcached", "memcached"),
        command: &[
            "memcached",
            "-u",
            "nobody",
            "-l",
            "127.0.0.1",
            "-p",
            "PORT",
            "-U",
            "0",
        ],
        speaks: (Spoken::Memcached, "banner: 1."),
        to_strangers: Spoken::Memcached,
        complaints: &["rror"],
    });
}

#[test]
fn mosquitto() {
    check(&Real {
        name: "mosquitto",
        needs: ("mosquitto", "mosquitto"),
        command: &["mosquitto", "-p", "PORT"],
        speaks: (Spoken::Mqtt, "accepts without a password"),
        to_strangers: Spoken::Mqtt,
        complaints: &["rror", "closed its connection"],
    });
}

#[test]
fn nats() {
    check(&Real {
        name: "nats",
        needs: ("nats-server", "nats-server"),
        command: &["nats-server", "-a", "127.0.0.1", "-p", "PORT"],
        speaks: (Spoken::Nats, "NATS 2."),
        to_strangers: Spoken::Nats,
        complaints: &["[ERR]"],
    });
}

#[test]
fn dnsmasq() {
    check(&Real {
        name: "dnsmasq",
        needs: ("dnsmasq", "dnsmasq-base"),
        command: &[
            "dnsmasq",
            "-k",
            "-p",
            "PORT",
            "--listen-address=127.0.0.1",
            "--bind-interfaces",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--user=",
        ],
        speaks: (Spoken::Dns, ""),
        to_strangers: Spoken::Silent,
        complaints: &[],
    });
}

#[test]
fn sshd() {
    check_with(
        &Real {
            name: "sshd",
            needs: ("/usr/sbin/sshd", "openssh-server"),
            command: &[
                "/usr/sbin/sshd",
                "-D",
                "-e",
                "-f",
                "/dev/null",
                "-p",
                "PORT",
                "-h",
                "DIR/key",
                "-o",
                "ListenAddress=127.0.0.1",
                "-o",
                "PidFile=none",
            ],
            speaks: (Spoken::Ssh, "SSH-2.0-OpenSSH"),
            to_strangers: Spoken::Ssh,
            complaints: &["fatal"],
        },
        |directory| {
            if rustix::process::getuid().is_root() {
                // It separates its privileges into an empty directory, which a unit would make.
                std::fs::create_dir_all("/run/sshd").expect("/run/sshd");
            }
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(directory.join("key"))
                .status();
            assert!(made.expect("ssh-keygen").success());
        },
    );
}

#[test]
fn postgresql() {
    check_with(
        &Real {
            name: "postgresql",
            needs: ("initdb", "postgresql"),
            command: &POSTGRES,
            speaks: (Spoken::Postgres, ""),
            to_strangers: Spoken::Postgres,
            complaints: &[
                "FATAL",
                "incomplete startup packet",
                "invalid length",
                "could not receive",
            ],
        },
        |directory| {
            // It refuses to run as root.
            let mut command = Command::new("sh");
            command.args(["-c", INITDB, "sh"]).arg(directory);
            let made = command.output().expect("initdb");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        },
    );
}

const INITDB: &str = "PATH=$PATH:/usr/lib/postgresql/15/bin; cd \"$1\"; \
    if [ \"$(id -u)\" = 0 ]; then chown postgres .; as='setpriv --reuid=postgres --regid=postgres --clear-groups'; fi; \
    $as initdb -A trust -N -D data";
const POSTGRES: [&str; 3] = [
    "sh",
    "-c",
    "PATH=$PATH:/usr/lib/postgresql/15/bin; \
     if [ \"$(id -u)\" = 0 ]; then as='setpriv --reuid=postgres --regid=postgres --clear-groups'; fi; \
     exec $as postgres -D data -p PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c log_connections=off",
];

#[test]
fn mariadb() {
    check(&Real {
        name: "mariadb",
        needs: ("mariadbd", "mariadb-server-core"),
        command: &[
            "mariadbd",
            "--no-defaults",
            "--user=root",
            "--datadir=DIR",
            "--skip-grant-tables",
            "--innodb=OFF",
            "--default-storage-engine=MyISAM",
            "--bind-address=127.0.0.1",
            "--port=PORT",
            "--socket=DIR/s",
            "--pid-file=DIR/pid",
        ],
        speaks: (Spoken::Mysql, "MariaDB"),
        to_strangers: Spoken::Mysql,
        complaints: &[],
    });
}
