//! Real servers. Each is met twice: by its command line, and as a stranger.
//!
//! A server that was known by its command line must have nothing to complain of in its log.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use wharf_facts::{Connect, Seen, Silence, Spoken, Trust};
use wharf_probe::{Consent, Owner, Plan, Target, Touch, Whose, guess, probe};

use crate::server::{Port, Program, find};
use crate::{skip, summary};

/// A machine that tests is a busy one, and whether a real server answers is no question of speed.
pub(crate) const PATIENT: Duration = Duration::from_secs(4);

/// A real server.
struct Real {
    name: &'static str,
    /// What must be there, and the package of Debian's that has it.
    needs: (&'static str, &'static str),
    /// Its command line; `PORT` and `DIR` stand for the port and a directory of its own.
    command: &'static [&'static str],
    /// What it speaks, and a part of what it says of itself.
    speaks: (Spoken, &'static str),
    /// What it speaks to one who does not know it.
    to_strangers: Spoken,
    /// What its log must not hold after it was met by its command line.
    complaints: &'static [&'static str],
}

#[track_caller]
fn check(real: &Real) {
    check_with(real, |_| {});
}

/// The same, with `prepare` for the server's directory.
#[track_caller]
fn check_with(real: &Real, prepare: impl Fn(&Path)) {
    let Real { name, needs, .. } = real;
    let Some(file) = find(needs.0) else {
        return skip(
            name,
            &format!("{} is not installed (package {})", needs.0, needs.1),
        );
    };
    let port = Port::held();
    let directory = tempfile::Builder::new()
        .prefix("wharf")
        .tempdir()
        .expect("a directory");
    prepare(directory.path());
    let place = directory.path().display().to_string();
    let words: Vec<String> = real
        .command
        .iter()
        .map(|word| {
            word.replace("PORT", &port.number.to_string())
                .replace("DIR", &place)
        })
        .collect();
    let mut command = Command::new(if words[0] == needs.0 {
        file.as_path()
    } else {
        Path::new(&words[0])
    });
    command.args(&words[1..]).current_dir(directory.path());
    let mut program = Program::start(command, &port, directory.path());

    let words = program.command();
    let own = Owner {
        command: &words,
        ..Owner::of_port(port.number, Whose::Own)
    };
    let known = guess(&own);
    let target = || Target::new(port.address()).expect("an address of this machine");
    let plan = Plan {
        consent: Consent::Asked,
        budget: PATIENT,
        ..Plan::default()
    };
    let met = probe(&target().guessed(known.clone()), &plan);
    assert_eq!(
        met.protocol.known(),
        Some(&real.speaks.0),
        "{name}: {}\n{}",
        summary(&met),
        program.log()
    );
    assert!(summary(&met).contains(real.speaks.1), "{name}: {}", summary(&met));
    assert!(met.connect_us.is_known(), "{name}: {met:?}");
    let log = program.log();
    for complaint in real.complaints {
        assert!(
            !log.contains(complaint),
            "{name} complains of {complaint:?}:\n{log}"
        );
    }
    if real.speaks.0 == Spoken::Dns {
        let met = probe(&target().over_udp().guessed(known.clone()), &plan);
        assert_eq!(
            met.protocol.known(),
            Some(&Spoken::Dns),
            "{name}, by UDP: {met:?}"
        );
        let met = probe(&target().over_udp(), &plan);
        assert!(
            matches!(met.connect, Connect::NotTried(_)),
            "{name}, by UDP: {met:?}"
        );
    }
    // A stranger is only met where that does no harm.
    if known.touch == Touch::Freely {
        let plan = Plan {
            consent: Consent::WhereHarmless,
            ..plan
        };
        let met = probe(&target(), &plan);
        assert_eq!(
            met.protocol.known(),
            Some(&real.to_strangers),
            "{name}, unknown: {}",
            summary(&met)
        );
    }
    assert!(!program.has_ended(), "{name} ended:\n{}", program.log());
}

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
fn python_http_server() {
    check(&Real {
        name: "python_http_server",
        needs: ("python3", "python3"),
        command: &["python3", "-m", "http.server", "PORT", "--bind", "127.0.0.1"],
        speaks: (
            Spoken::Http,
            "framework: Python http.server | title: Directory listing for /",
        ),
        to_strangers: Spoken::Http,
        complaints: &["Exception", "400"],
    });
}

#[test]
fn node_express_like() {
    check(&Real {
        name: "node_express_like",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "require('http').createServer((q, s) => { s.setHeader('X-Powered-By', 'Express'); s.setHeader('Set-Cookie', ['sid=secret; Path=/', 'theme=dark']); s.end('<!doctype html><TITLE>\\n Caf&eacute; &amp; \\x1b[31mbar</TITLE>') }).listen(PORT, '127.0.0.1')",
        ],
        speaks: (
            Spoken::Http,
            "framework: Express | title: Café & [31mbar | cookies: sid,theme",
        ),
        to_strangers: Spoken::Http,
        complaints: &["rror"],
    });
}

#[test]
fn node_inspector() {
    check(&Real {
        name: "node_inspector",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "--inspect=127.0.0.1:PORT",
            "-e",
            "setInterval(() => {}, 1e6)",
        ],
        speaks: (Spoken::Inspector, "node.js/v"),
        to_strangers: Spoken::Inspector,
        complaints: &["Debugger attached"],
    });
}

#[test]
fn node_http2() {
    check(&Real {
        name: "node_http2",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "require('http2').createServer((q, s) => s.end('<title>two</title>')).listen(PORT, '127.0.0.1')",
        ],
        speaks: (Spoken::H2c, "title: two"),
        to_strangers: Spoken::H2c,
        complaints: &["rror"],
    });
}

/// gRPC's answer to a method that is not there, as its document has it, by Node's HTTP/2.
#[test]
fn node_grpc() {
    check(&Real {
        name: "node_grpc",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "require('http2').createServer().on('stream', (s, h) => { if (h[':method'] !== 'POST') s.close(8); else { s.respond({':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12'}); s.end() } }).listen(PORT, '127.0.0.1')",
        ],
        speaks: (Spoken::Grpc, ""),
        to_strangers: Spoken::Grpc,
        complaints: &["rror"],
    });
}

#[test]
fn node_websocket() {
    check(&Real {
        name: "node_websocket",
        needs: ("node", "nodejs"),
        command: &[
            "node",
            "-e",
            "const h = require('http').createServer((q, s) => { s.writeHead(426, {Upgrade: 'websocket'}); s.end('Upgrade Required') }); h.on('upgrade', (q, s) => { const k = require('crypto').createHash('sha1').update(q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64'); s.on('error', () => {}); s.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + k + '\\r\\n\\r\\n'); s.on('end', () => s.end()) }); h.listen(PORT, '127.0.0.1')",
        ],
        speaks: (Spoken::Websocket, "http: / 426"),
        to_strangers: Spoken::Websocket,
        complaints: &["rror"],
    });
}

/// nginx with a certificate for `localhost` that it signed itself.
fn signed_by_itself(directory: &Path) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    nginx(directory, &made.cert.pem(), &made.signing_key.serialize_pem());
}

/// nginx with a certificate for `localhost` of an authority, whose own is `authority.pem`.
fn signed_by_an_authority(directory: &Path) {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = parameters.self_signed(&key).expect("an authority");
    std::fs::write(directory.join("authority.pem"), authority.pem()).expect("its certificate");
    let issuer = rcgen::Issuer::new(parameters, key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = rcgen::CertificateParams::new(["localhost".to_owned()])
        .expect("a name")
        .signed_by(&key, &issuer)
        .expect("a certificate");
    nginx(directory, &made.pem(), &key.serialize_pem());
}

fn nginx(directory: &Path, certificate: &str, key: &str) {
    std::fs::write(directory.join("cert.pem"), certificate).expect("the certificate");
    std::fs::write(directory.join("key.pem"), key).expect("its key");
    // Without a folder to itself nginx wants those of the system.
    let text = "pid DIR/pid; error_log stderr; events {} daemon off; master_process off;
        http { access_log off; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR;
        uwsgi_temp_path DIR; scgi_temp_path DIR; server { listen 127.0.0.1:LISTEN ssl http2;
        ssl_certificate DIR/cert.pem; ssl_certificate_key DIR/key.pem;
        location / { default_type text/html; return 200 '<title>safe</title>'; } } }";
    let text = text.replace("DIR", &directory.display().to_string());
    std::fs::write(directory.join("template"), text).expect("nginx's template");
}

const NGINX: [&str; 3] = [
    "sh",
    "-c",
    "sed s/LISTEN/PORT/ template >conf; exec /usr/sbin/nginx -e stderr -c DIR/conf",
];

#[test]
fn nginx_with_tls() {
    check_with(
        &Real {
            name: "nginx_with_tls",
            needs: ("nginx", "nginx"),
            command: &NGINX,
            speaks: (
                Spoken::Tls,
                "alpn: h2 | http: / 200 | framework: nginx | title: safe | subject: CN=rcgen self signed cert | \
                 names: localhost,127.0.0.1 | self-signed: true | trusted: Known(Refused(",
            ),
            to_strangers: Spoken::Tls,
            complaints: &["[error]", "[crit]"],
        },
        signed_by_itself,
    );
}

/// A system that trusts the authority is another process, by rustls-native-certs' variable.
#[test]
fn an_authority_is_trusted_for_its_names_alone() {
    let Some(_) = find("nginx") else {
        return skip(
            "an_authority_is_trusted_for_its_names_alone",
            "nginx is not installed (package nginx)",
        );
    };
    let example = std::env::current_exe().expect("this test");
    let example = example.ancestors().nth(2).expect("target").join("examples/probe");
    if !example.exists() {
        return skip(
            "an_authority_is_trusted_for_its_names_alone",
            "the example is not beside this test",
        );
    }
    let port = Port::held();
    let directory = tempfile::Builder::new()
        .prefix("wharf")
        .tempdir()
        .expect("a directory");
    signed_by_an_authority(directory.path());
    let mut command = Command::new("sh");
    let place = directory.path().display().to_string();
    let script = NGINX[2]
        .replace("PORT", &port.number.to_string())
        .replace("DIR", &place);
    command.args(["-c", &script]).current_dir(directory.path());
    let _program = Program::start(command, &port, directory.path());
    let trusted = |name: &str| {
        let output = Command::new(&example)
            .args([&port.address().to_string(), name])
            .env("SSL_CERT_FILE", directory.path().join("authority.pem"))
            .env_remove("SSL_CERT_DIR")
            .output()
            .expect("the example");
        let met: wharf_facts::Probe = serde_json::from_slice(&output.stdout).expect("a probe");
        let certificate = met
            .certificate
            .unwrap_or_else(|| panic!("no certificate: {:?}", met.protocol));
        assert!(!certificate.self_signed);
        certificate.trusted
    };
    assert_eq!(trusted("localhost"), Seen::Known(Trust::Trusted));
    let Seen::Known(Trust::Refused(why)) = trusted("shop.test") else {
        panic!("trusted for another name");
    };
    assert!(why.contains("not valid for name"), "{why}");
}

#[test]
fn java_debugger() {
    check(&Real {
        name: "java_debugger",
        needs: ("java", "default-jre-headless"),
        command: &[
            "java",
            "-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=127.0.0.1:PORT",
            "-version",
        ],
        speaks: (Spoken::Jdwp, ""),
        to_strangers: Spoken::Jdwp,
        complaints: &["ERROR"],
    });
}

#[test]
fn debugpy() {
    check(&Real {
        name: "debugpy",
        needs: ("/usr/lib/python3/dist-packages/debugpy", "python3-debugpy"),
        command: &[
            "/usr/bin/python3",
            "-Xfrozen_modules=off",
            "-m",
            "debugpy",
            "--listen",
            "127.0.0.1:PORT",
            "--wait-for-client",
            "-c",
            "pass",
        ],
        speaks: (Spoken::Dap, "debugpy"),
        to_strangers: Spoken::Dap,
        complaints: &["Traceback"],
    });
}

#[test]
fn gdbserver() {
    check(&Real {
        name: "gdbserver",
        needs: ("gdbserver", "gdbserver"),
        command: &["gdbserver", "127.0.0.1:PORT", "/bin/true"],
        speaks: (Spoken::Gdb, ""),
        to_strangers: Spoken::Gdb,
        complaints: &[],
    });
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

/// A server that was known to speak first, or to answer, is not first listened to in silence.
#[test]
fn a_known_one_is_asked_at_once() {
    let fake = crate::server::Fake::answering(|_| b"+PONG\r\n".to_vec());
    let words = ["/usr/bin/redis-server".to_owned()];
    let own = Owner {
        command: &words,
        ..Owner::of_port(fake.address().port(), Whose::Own)
    };
    let target = Target::new(fake.address()).expect("loopback");
    let met = probe(&target.clone().guessed(guess(&own)), &Plan::default());
    assert_eq!(met.protocol.known(), Some(&Spoken::Redis));
    assert!(!met.silence.is_known(), "{met:?}");
    let met = probe(&target, &Plan::default());
    assert_eq!(met.silence.known(), Some(&Silence::Waited), "{met:?}");
}
