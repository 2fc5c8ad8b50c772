//! Why a process is there, on families of processes that the tests write down.

use wharf_facts::{ProcessFacts, Reason, Seen, Snapshot, Unit, Variable};

/// One process: pid, parent, attributes, and its command behind a colon. `session` is its own pid
/// where none is given, `exe` the first word of the command.
fn process(line: &str) -> ProcessFacts {
    let (head, command) = line.split_once(" : ").expect("a command");
    let mut words = head.split_whitespace();
    let mut number = || words.next().and_then(|word| word.parse().ok()).expect("a number");
    let (pid, parent) = (number(), number());
    // Words are parted by two spaces, since a title may hold one.
    let command: Vec<String> = command.split("  ").map(str::to_owned).collect();
    let mut process = ProcessFacts {
        pid,
        parent,
        session: pid,
        name: command[0].rsplit('/').next().expect("a name").to_owned(),
        exe: Seen::Known(command[0].clone()),
        command: Seen::Known(command),
        ..ProcessFacts::default()
    };
    for word in words {
        let (key, value) = word.split_once('=').expect("an attribute");
        match key {
            "session" => process.session = value.parse().expect("a number"),
            "tty" => process.terminal = Some(value.to_owned()),
            "exe" => process.exe = Seen::Known(value.to_owned()),
            "name" => process.name = value.to_owned(),
            "unit" => process.unit = Unit::of_cgroup(value),
            "container" => process.container = Some(value.to_owned()),
            "tracer" => process.traced_by = value.parse().ok(),
            "stack" => {
                process.environment = Seen::Known(vec![Variable {
                    name: "WHARF_STACK".to_owned(),
                    value: value.to_owned(),
                }]);
            }
            _ => panic!("an unknown attribute: {key}"),
        }
    }
    process
}

fn shown(reason: &Reason) -> String {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    match reason {
        Reason::Stack { stack, .. } => format!("stack {stack}"),
        Reason::Container { id, .. } => format!("container {id}"),
        Reason::ContainerForward { program, target } => format!("{program} to {}", or_none(target)),
        Reason::SshForward { host, forwards } => format!("ssh {} {}", forwards.join(" "), or_none(host)),
        Reason::Debugger { program, by } => format!("debugger {program} {by}"),
        Reason::PackageScript {
            tool,
            script,
            by,
            within,
        } => {
            let within = within
                .as_ref()
                .map_or_else(|| "-".to_owned(), |within| shown(within));
            format!("{tool} {} {by} in {within}", or_none(script))
        }
        Reason::Ide { name, by } => format!("ide {name} {by}"),
        Reason::Agent { name, by } => format!("agent {name} {by}"),
        Reason::Shell {
            shell,
            by,
            terminal,
            within,
        } => {
            format!("{shell} {by} at {} in {}", or_none(terminal), or_none(within))
        }
        Reason::Cron { program, by } => format!("cron {program} {by}"),
        Reason::Supervisor { program, by } => format!("supervisor {program} {by}"),
        Reason::Unit { unit, manager } => format!("unit {unit} {manager:?}"),
        Reason::Orphan { dead_session } => format!("orphan of {dead_session:?}"),
        Reason::Init => "init".to_owned(),
        Reason::Other => "other".to_owned(),
    }
}

/// The reason of the last of `lines`, in a machine where process 1 is systemd and 99 looks.
#[track_caller]
fn check(lines: &[&str], expected: &str) {
    let always = ["1 0 : /usr/lib/systemd/systemd", "99 1 : /usr/bin/wharf"];
    let processes: Vec<ProcessFacts> = always.iter().chain(lines).map(|line| process(line)).collect();
    let last = processes.last().expect("one").pid;
    let mut snapshot = Snapshot {
        processes: Seen::Known(processes),
        ..Snapshot::default()
    };
    snapshot.viewer.pid = Seen::Known(99);
    snapshot.find_reasons();
    let reason = &snapshot.process(last).expect("it").reason;
    assert_eq!(
        reason.as_ref().map(shown),
        Seen::Known(expected.to_owned()),
        "{lines:?}"
    );
}

const TMUX: &str = "10 1 name=tmux:_server : /usr/bin/tmux";
const BASH: &str = "11 10 tty=pts/3 : /bin/bash";

#[test]
fn terminals() {
    let server = "12 11 session=11 tty=pts/3 : /usr/bin/python3  -m  http.server";
    check(&[TMUX, BASH, server], "bash 11 at pts/3 in tmux");
    let login = "11 10 tty=pts/3 exe=/bin/zsh : -zsh";
    let sshd = "10 1 : /usr/sbin/sshd";
    check(&[sshd, login, server], "zsh 11 at pts/3 in sshd");
    // A shell that was given what to do is nobody's prompt.
    let script = "11 10 tty=pts/3 : /bin/sh  -c  ./serve";
    check(&[sshd, script, server], "other");
    let relay = "10 1 name=Relay(12) : /init";
    check(&[relay, BASH, server], "bash 11 at pts/3 in WSL");
}

#[test]
fn package_scripts() {
    let npm = "12 11 session=11 tty=pts/3 exe=/usr/bin/node : npm run dev";
    let sh = "13 12 session=11 tty=pts/3 : /bin/sh  -c  vite";
    let vite = "14 13 session=11 tty=pts/3 : /usr/bin/node  /a/node_modules/.bin/vite";
    check(
        &[TMUX, BASH, npm, sh, vite],
        "npm dev 12 in bash 11 at pts/3 in tmux",
    );
    // As later versions leave it: the room that the title did not need is empty words.
    check(
        &[TMUX, BASH, &format!("{npm}  {0}{0}{0}", "  "), sh, vite],
        "npm dev 12 in bash 11 at pts/3 in tmux",
    );
    let pnpm = "15 13 session=11 : /usr/bin/node  /usr/bin/pnpm  run  web";
    // The nearest of several, in what the outermost is in.
    check(
        &[TMUX, BASH, npm, sh, pnpm, "16 15 session=11 : /usr/bin/vite"],
        "pnpm web 15 in bash 11 at pts/3 in tmux",
    );
    let cargo = "12 11 session=11 : /usr/bin/cargo  run  -p  api";
    check(
        &[TMUX, BASH, cargo, "13 12 session=11 : /a/target/debug/api"],
        "cargo api 12 in bash 11 at pts/3 in tmux",
    );
    let start = "12 1 exe=/usr/bin/node : npm start";
    check(
        &[start, "13 12 session=12 : /usr/bin/node  server.js"],
        "npm start 12 in -",
    );
}

#[test]
fn editors_debuggers_and_agents() {
    let remote = "10 1 : /root/.vscode-server/bin/x/node  server-main.js";
    check(
        &[remote, "11 10 session=10 : /usr/bin/node  a.js"],
        "ide Visual Studio Code 10",
    );
    let idea = "10 1 : /opt/jbr/bin/java  -Didea.home=/x  com.intellij.idea.Main";
    check(
        &[idea, "11 10 session=10 : /usr/bin/java  App"],
        "ide IntelliJ IDEA 10",
    );
    check(
        &["10 1 : /usr/bin/dlv  debug", "11 10 : /tmp/__debug_bin"],
        "debugger dlv 10",
    );
    check(
        &["10 1 : /usr/bin/gdb", "11 1 tracer=10 : /a/server"],
        "debugger gdb 10",
    );
    check(
        &["10 1 : /usr/bin/node  /usr/bin/codex", "11 10 : /a/server"],
        "agent codex 10",
    );
}

#[test]
fn forwarders() {
    let proxy = "10 1 : /usr/bin/docker-proxy  -proto  tcp  -container-ip  172.17.0.2  -container-port  80";
    check(&[proxy], "docker-proxy to 172.17.0.2:80");
    let proxy = "10 1 : /usr/bin/docker-proxy  -container-ip  fd00::2  -container-port  80";
    check(&[proxy], "docker-proxy to [fd00::2]:80");
    check(
        &["10 1 : /usr/bin/ssh  -NfL  8080:db:80  -D1080  -p  22  ada@host"],
        "ssh -L 8080:db:80 -D 1080 ada@host",
    );
    let kubectl = "10 1 : /usr/bin/kubectl  -n  shop  port-forward  svc/db  5432:5432";
    check(&[kubectl], "kubectl to svc/db 5432:5432");
    check(
        &["10 1 exe=C:\\Windows\\System32\\wslrelay.exe : wslrelay.exe"],
        "wslrelay to -",
    );
    // Other errands of kubectl listen for nobody.
    check(&["10 1 : /usr/bin/kubectl  get  pods"], "init");
}

#[test]
fn services_and_what_was_left_behind() {
    check(
        &["10 1 unit=/system.slice/nginx.service : /usr/sbin/nginx"],
        "unit nginx.service System",
    );
    let users = "10 1 unit=/user.slice/user-1.slice/user@1.service/app.slice/db.service : /a/db";
    check(&[users], "unit db.service User");
    check(&["10 1 : /usr/sbin/cron", "11 10 : /a/job"], "cron cron 10");
    check(
        &["10 1 : /usr/bin/supervisord", "11 10 : /a/job"],
        "supervisor supervisord 10",
    );
    check(&["10 1 container=0123 : /a/db"], "container 0123");
    check(&["10 1 stack=shop : /a/db"], "stack shop");
    check(&["10 1 session=7 : /a/server"], "orphan of Some(7)");
    // A subreaper is a parent by adoption, which the session shows.
    check(
        &["10 1 : /a/reaper", "11 10 session=7 : /a/server"],
        "orphan of Some(7)",
    );
    check(&["10 1 : /a/daemon"], "init");
    check(&["2 0 session=0 : kthreadd"], "init");
}

#[test]
fn a_kernel_thread_is_the_kernels() {
    let thread = |pid, parent, name: &str| ProcessFacts {
        pid,
        parent,
        name: name.to_owned(),
        command: Seen::Known(Vec::new()),
        ..ProcessFacts::default()
    };
    let processes = vec![thread(2, 0, "kthreadd"), thread(31, 2, "kworker/0:1")];
    let mut snapshot = Snapshot {
        processes: Seen::Known(processes),
        ..Snapshot::default()
    };
    snapshot.find_reasons();
    assert_eq!(
        snapshot.process(31).expect("it").reason,
        Seen::Known(Reason::Init)
    );
}

#[test]
fn a_ring_of_parents_ends() {
    check(&["10 11 session=7 : /a/a", "11 10 session=7 : /a/b"], "other");
}
