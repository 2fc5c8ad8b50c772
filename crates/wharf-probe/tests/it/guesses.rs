//! What is thought of owners, without a connection.

use std::fmt::Write;

use wharf_facts::{Seen, Spoken, Variable};
use wharf_probe::{Caution, Guess, Owner, Touch, Whose, guess};

fn shown(guess: &Guess) -> String {
    let spoken = match &guess.spoken {
        Seen::Known(spoken) => spoken.to_string(),
        Seen::Unknown(_) => "?".to_owned(),
    };
    let touch = match guess.touch {
        Touch::Freely => "freely".to_owned(),
        Touch::OnlyIfAsked(caution) => format!("only if asked: {caution}"),
    };
    format!("{spoken} ({}; {:?}; {touch})", guess.by, guess.slot)
}

/// Port, command line; options of Node's and Java's after `ENV`.
const OWNERS: &[(u16, &str)] = &[
    (6379, "/usr/bin/redis-server 127.0.0.1:6379"),
    (9999, "redis-server *:9999"),
    (5432, "postgres -D /var/lib/postgresql/15/main"),
    (3306, "/usr/sbin/mysqld"),
    (13306, "/usr/sbin/mariadbd --port=13306"),
    (
        3306,
        "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 3306",
    ),
    (3306, "node server.js"),
    (80, "nginx: master process /usr/sbin/nginx -g daemon off;"),
    (3000, "node /src/shop/node_modules/.bin/vite"),
    (9229, "node --inspect server.js"),
    (9230, "node --inspect=0.0.0.0:9230 server.js"),
    (3000, "node --inspect=9229 server.js"),
    (9229, "node server.js ENV NODE_OPTIONS=--inspect"),
    (
        9222,
        "/opt/google/chrome/chrome --remote-debugging-port=9222 --user-data-dir=/tmp/x",
    ),
    (
        5005,
        "java -agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:5005 -jar app.jar",
    ),
    (
        8080,
        "java -agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:5005 -jar app.jar",
    ),
    (
        41234,
        "java -agentlib:jdwp=transport=dt_socket,server=y,suspend=n -jar app.jar",
    ),
    (
        8080,
        "java -agentlib:jdwp=transport=dt_socket,suspend=y,address=127.0.0.1:62893 -jar app.jar",
    ),
    (
        5005,
        "java -jar app.jar ENV JAVA_TOOL_OPTIONS=-agentlib:jdwp=transport=dt_socket,server=y,address=5005",
    ),
    (9092, "java -Xmx1G kafka.Kafka /etc/kafka/server.properties"),
    (5678, "python3 -m debugpy --listen 5678 app.py"),
    (8000, "python3 -m debugpy --listen 5678 -m uvicorn app:app"),
    (
        5678,
        "/usr/bin/python3 /usr/lib/python3/dist-packages/debugpy/adapter --for-server 40001 --host 127.0.0.1 --port 5678",
    ),
    (5678, "node /usr/bin/n8n"),
    (8000, "python3.12 -m http.server"),
    (8000, "python manage.py runserver"),
    (2345, "dlv debug --headless --listen=:2345"),
    (1234, "gdbserver :1234 ./a.out"),
    (1234, "qemu-system-x86_64 -gdb tcp::1234 disk.img"),
    (5672, "/usr/lib/erlang/erts-13/bin/beam.smp -W w"),
    (15672, "/usr/lib/erlang/erts-13/bin/beam.smp -W w"),
    (25672, "/usr/lib/erlang/erts-13/bin/beam.smp -W w"),
    (41111, "./my-server"),
    (8080, "./my-server"),
    (4000, ""),
];

#[test]
fn owners_tell_what_they_speak() {
    let mut table = String::new();
    for (port, line) in OWNERS {
        let (command, environment) = line.split_once(" ENV ").unwrap_or((line, ""));
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let environment: Vec<Variable> = environment
            .split_once('=')
            .map(|(name, value)| Variable {
                name: name.to_owned(),
                value: value.to_owned(),
            })
            .into_iter()
            .collect();
        let guessed = guess(&Owner {
            command: &command,
            environment: &environment,
            ..Owner::of_port(*port, Whose::Own)
        });
        let _ = writeln!(table, "{port} {line}\n    {}", shown(&guessed));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn others_are_left_alone() {
    for (whose, caution) in [
        (Whose::Anothers, Caution::Anothers),
        (Whose::Unknown, Caution::OwnerUnknown),
    ] {
        let guessed = guess(&Owner::of_port(8080, whose));
        assert_eq!(guessed.spoken.known(), Some(&Spoken::Http));
        assert_eq!(guessed.touch, Touch::OnlyIfAsked(caution));
    }
}
