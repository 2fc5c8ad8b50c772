//! Why processes are there: of real ones, started in the ways that the reasons tell apart.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use wharf_facts::{ProcessFacts, Reason, Seen, Snapshot};
use wharf_host::process;
use wharf_host::snapshot::Scope;

use crate::worker::{Held, look};
use crate::{Waiter, eventually, skip};

/// The last of the descendants of `pid`, once there are `generations` of them.
fn last_descendant(pid: u32, generations: usize) -> u32 {
    eventually("the descendants", || process::tree(pid).len() == generations + 1);
    *process::tree(pid).last().expect("it")
}

/// Waits until `pid` runs `program`: between fork and exec it is its parent's.
fn runs(pid: u32, program: &str) {
    eventually(program, || {
        process::describe(pid).is_some_and(|process| process.name == program)
    });
}

#[track_caller]
fn reason(snapshot: &Snapshot, pid: u32) -> Reason {
    let process = snapshot.process(pid).expect("the process");
    process
        .reason
        .known()
        .cloned()
        .expect("every process has a reason")
}

/// Both ends of a new terminal.
fn terminal() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("openpt");
    grantpt(&master).expect("grantpt");
    unlockpt(&master).expect("unlockpt");
    let path = ptsname(&master, Vec::new()).expect("ptsname");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(path.as_c_str(), flags, Mode::empty()).expect("open the terminal");
    (master, slave)
}

#[test]
fn what_is_typed_in_a_terminal_is_the_shells() {
    let (master, slave) = terminal();
    let input = || Stdio::from(slave.try_clone().expect("a descriptor"));
    let shell = Waiter::start(
        Command::new("setsid")
            .args(["--ctty", "sh"])
            .stdin(input())
            .stdout(input())
            .stderr(input()),
    );
    drop(slave);
    rustix::io::write(&master, b"cat; true\n").expect("type");
    let typed = last_descendant(shell.pid(), 1);
    runs(typed, "cat");
    let snapshot = look(&Scope::everything());
    let Reason::Shell {
        shell: name,
        by,
        terminal,
        ..
    } = reason(&snapshot, typed)
    else {
        panic!("not the shell's: {:?}", reason(&snapshot, typed))
    };
    assert_eq!(by, shell.pid());
    assert!(terminal.is_some_and(|terminal| terminal.starts_with("pts/")));
    assert!(!name.is_empty());
    // The terminal is closed, and with it what was typed ends.
    drop(master);
    let start = snapshot.process(typed).expect("it").start_time;
    eventually("the end of what was typed", || !process::is_alive(typed, start));
}

#[test]
fn what_a_package_script_starts_is_the_scripts() {
    // As npm does: it writes what it was told into its title, and runs a shell that runs the program.
    let mut npm = Held::start(Command::new("sh").arg0("npm run dev").stdout(Stdio::null()));
    npm.write("sh -c 'cat; true'\n");
    let program = last_descendant(npm.pid(), 2);
    runs(program, "cat");
    let snapshot = look(&Scope::everything());
    let Reason::PackageScript { tool, script, by, .. } = reason(&snapshot, program) else {
        panic!("not the script's: {:?}", reason(&snapshot, program))
    };
    assert_eq!(
        (tool.as_str(), script.as_deref(), by),
        ("npm", Some("dev"), npm.pid())
    );
}

#[test]
fn what_make_starts_is_the_targets() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("Makefile"), "serve:\n\tcat; true\n").expect("a makefile");
    let mut command = Command::new("make");
    command.arg("serve").current_dir(&directory).stdout(Stdio::null());
    if let Err(error) = Command::new("make").arg("--version").output() {
        return skip("what_make_starts_is_the_targets", &error);
    }
    let make = Held::start(&mut command);
    let program = last_descendant(make.pid(), 2);
    runs(program, "cat");
    let snapshot = look(&Scope::everything());
    let Reason::PackageScript { tool, script, .. } = reason(&snapshot, program) else {
        panic!("not make's: {:?}", reason(&snapshot, program))
    };
    assert_eq!((tool.as_str(), script.as_deref()), ("make", Some("serve")));
}

#[test]
fn what_a_dead_session_left_is_an_orphan() {
    // The leader of a session starts it in the background, and ends.
    let (leader, said) = Held::start_and_hear(Command::new("setsid").args([
        "sh",
        "-c",
        "exec 3<&0; cat <&3 >/dev/null & echo $!",
    ]));
    let orphan: u32 = said.parse().expect("a pid");
    runs(orphan, "cat");
    let start = process::start_time(leader.pid());
    eventually("the leader's end", || {
        !process::is_alive(leader.pid(), start.unwrap_or_default())
    });
    let parent = |snapshot: &Snapshot| snapshot.process(orphan).map_or(0, |process| process.parent);
    let snapshot = look(&Scope::everything());
    // The leader is a zombie until this test reaps it; its child has a new parent at once.
    assert_ne!(parent(&snapshot), leader.pid());
    assert!(matches!(reason(&snapshot, orphan), Reason::Orphan { .. }));
    let leader_pid = leader.pid();
    let start = snapshot.process(orphan).expect("it").start_time;
    drop(leader);
    eventually("the orphan's end", || !process::is_alive(orphan, start));
    assert_ne!(leader_pid, orphan);
}

#[test]
fn kernel_threads_are_the_first_processes() {
    let snapshot = look(&Scope::everything());
    // In a container the second process is another.
    let is_the_kernels = snapshot
        .process(2)
        .is_some_and(|second| second.name == "kthreadd");
    let threads: Vec<&ProcessFacts> = snapshot
        .processes
        .items()
        .iter()
        .filter(|process| is_the_kernels && (process.pid == 2 || process.parent == 2))
        .collect();
    if threads.is_empty() {
        return skip("kernel_threads_are_the_first_processes", &"none can be seen here");
    }
    for thread in threads {
        assert_eq!(thread.reason, Seen::Known(Reason::Init), "{}", thread.name);
    }
}

#[test]
fn a_program_that_was_deleted_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("gone");
    fs::copy("/bin/cat", &program).expect("a copy");
    let child = Held::start(Command::new(&program).stdout(Stdio::null()));
    runs(child.pid(), "gone");
    fs::remove_file(&program).expect("remove it");
    let snapshot = look(&Scope::everything());
    let exe = &snapshot.process(child.pid()).expect("it").exe;
    assert_eq!(*exe, Seen::Known(format!("{} (deleted)", program.display())));
}

#[test]
fn worktrees_are_told_apart() {
    let directory = tempfile::tempdir().expect("a directory");
    let base = directory.path().canonicalize().expect("a path");
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        command.args(words).current_dir(&base);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").output()
    };
    if let Err(error) = git(&["--version"]) {
        return skip("worktrees_are_told_apart", &format_args!("git: {error}"));
    }
    for words in [
        &["init", "-q", "-b", "trunk", "main"][..],
        &["-C", "main", "commit", "-q", "--allow-empty", "-m", "a"],
        &["-C", "main", "worktree", "add", "-q", "-b", "fix/a", "../other"],
    ] {
        let output = git(words).expect("git");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let start = |name: &str| {
        let mut command = Command::new("cat");
        Held::start(command.current_dir(base.join(name)).stdout(Stdio::null()))
    };
    let (main, other) = (start("main"), start("other"));
    runs(main.pid(), "cat");
    runs(other.pid(), "cat");
    let snapshot = look(&Scope::everything());
    let told = |pid: u32| {
        let process = snapshot.process(pid).expect("it");
        let checkout = process.checkout.known().cloned().flatten().expect("a checkout");
        (
            checkout.root,
            format!("{:?}", checkout.head),
            checkout.worktree_of,
        )
    };
    let root = |name: &str| base.join(name).display().to_string();
    let branch = |name: &str| format!("Known(Branch({name:?}))");
    assert_eq!(told(main.pid()), (root("main"), branch("trunk"), None));
    assert_eq!(
        told(other.pid()),
        (root("other"), branch("fix/a"), Some(root("main")))
    );
}
