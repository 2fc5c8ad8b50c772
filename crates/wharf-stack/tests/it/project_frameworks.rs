//! What each known program is told: one table, one check.

use std::net::SocketAddr;

use wharf_stack::project::frameworks::{self, Applied, apply};
use wharf_stack::project::{Command, ServiceKind};

/// The scripts of a package.json.
fn scripts(name: &str) -> Option<String> {
    let text = match name {
        "dev" => "vite",
        "start" => "react-scripts start",
        "chain" => "tsc -b && NODE_ENV=development vite --mode x",
        "pipe" => "vite | tee log",
        "outer" => "npm run dev",
        "loop" => "npm run loop",
        "own" => "vite --port 3000",
        "dashes" => "uvicorn x:y -- z",
        "build" => "vite build",
        _ => return None,
    };
    Some(text.to_owned())
}

/// A command, the program it should be known as, and the words it should become.
const TABLE: &str = include_str!("project_frameworks.txt");

fn told(command: &Command) -> Applied {
    let own = SocketAddr::from(([127, 0, 0, 1], 4000));
    apply(command, &scripts, ServiceKind::Service, own)
}

#[test]
fn each_program_is_told_where_to_listen() {
    let rows = TABLE
        .lines()
        .filter(|row| !row.is_empty() && !row.starts_with('#'));
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [line, name, wanted] = cells[..] else {
            panic!("a row has three cells: {row}");
        };
        let wanted = if wanted == "=" { line } else { wanted };
        let command = Command::Shell(line.to_owned());
        let applied = told(&command);
        let known = applied.framework.map_or("-", |framework| framework.name());
        assert_eq!(known, name, "{line}");
        let joined = |command: &Command| command.words().expect("no shell is needed").join(" ");
        assert_eq!(joined(&applied.command), wanted, "{line}");
        // The words themselves are treated as the line is.
        let words = Command::Argv(command.words().expect("no shell is needed"));
        let applied = told(&words);
        assert_eq!(joined(&applied.command), wanted, "{line}");
        // What has been told once is not told again.
        assert_eq!(told(&applied.command).command, applied.command, "{line}");
    }
}

#[test]
fn lines_for_a_shell_get_their_flags_at_the_end() {
    for (line, wanted) in [
        (
            "cd web && npx vite",
            "cd web && npx vite --port 4000 --strictPort --host 127.0.0.1",
        ),
        (
            "cd web && npm run dev",
            "cd web && npm run dev -- --port 4000 --strictPort --host 127.0.0.1",
        ),
        (
            "A=\"$B\" vite",
            "A=\"$B\" vite --port 4000 --strictPort --host 127.0.0.1",
        ),
        (
            "sleep 1; vite\n",
            "sleep 1; vite --port 4000 --strictPort --host 127.0.0.1",
        ),
        (
            "date > log; vite",
            "date > log; vite --port 4000 --strictPort --host 127.0.0.1",
        ),
        (
            "ls | cat && vite",
            "ls | cat && vite --port 4000 --strictPort --host 127.0.0.1",
        ),
        ("vite | cat", "vite | cat"),
        ("vite > log", "vite > log"),
        ("(vite)", "(vite)"),
        ("vite &", "vite &"),
        ("vite && echo done", "vite && echo done"),
        ("echo 'a && vite' $X", "echo 'a && vite' $X"),
    ] {
        let command = Command::Shell(line.to_owned());
        let applied = told(&command);
        assert_eq!(applied.command, Command::Shell(wanted.to_owned()), "{line}");
    }
}

#[test]
fn variables_protocols_and_reuseaddr() {
    let applied = |line: &str| told(&Command::Shell(line.to_owned()));
    let spring = applied("./mvnw spring-boot:run").env;
    let wanted = [("SERVER_ADDRESS", "127.0.0.1"), ("SERVER_PORT", "4000")];
    assert_eq!(
        spring,
        wanted.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    let react = applied("npm start").env;
    assert!(
        react.contains(&("PORT".to_owned(), "4000".to_owned())),
        "{react:?}"
    );
    let known = |line: &str| applied(line).framework.expect("it is known");
    let scheme = |line: &str| known(line).protocol().map(|protocol| protocol.to_string());
    assert_eq!(scheme("postgres -D x").as_deref(), Some("postgresql"));
    assert_eq!(scheme("redis-server").as_deref(), Some("redis"));
    assert_eq!(scheme("vite"), None);
    assert!(applied("vite").reuse_address);
    assert!(applied("./unknown").reuse_address);
    assert!(!applied("socat - -").reuse_address);
    let six = "[::1]:4000".parse().expect("an address");
    let command = Command::Shell("gunicorn a:app".to_owned());
    let service = apply(&command, &frameworks::no_scripts, ServiceKind::Service, six);
    assert_eq!(service.command.to_string(), "gunicorn a:app --bind '[::1]:4000'");
    let task = apply(&command, &frameworks::no_scripts, ServiceKind::Task, six);
    assert_eq!(task.command, command);
}
