//! This binary, executed again to be another process.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The variable that says what a worker is to do.
const ROLE: &str = "WHARF_LEASE_TEST_ROLE";
/// Begins each line that a worker says; the harness says others.
const MARK: &str = "@@ ";

/// What a worker is to do.
const ROLES: &[(&str, fn())] = &[
    ("crowd", crate::crowd::worker),
    ("noise", crate::crowd::noise),
    ("rude", crate::crowd::rude),
    ("coordinator", crate::namespace::coordinator),
    ("kill", crate::kill::worker),
    ("hold", crate::hold::worker),
    ("disk", crate::bad_disk::worker),
    ("pass", crate::fd::worker),
    ("lease", crate::leases::worker),
];

/// Not a test: what a worker does. Ignored, so that nobody runs it by chance.
#[test]
#[ignore = "what the other tests execute as another process"]
fn worker() {
    let role = std::env::var(ROLE).expect("only other tests execute this");
    let (_, work) = ROLES
        .iter()
        .find(|(name, _)| *name == role)
        .expect("a known role");
    work();
}

/// A command that is a worker.
pub(crate) fn command(role: &str) -> Command {
    command_under(&[], role)
}

/// The same, executed by way of another program.
pub(crate) fn command_under(wrapper: &[&str], role: &str) -> Command {
    let this = std::env::current_exe().expect("this binary");
    let mut command = match wrapper {
        [] => Command::new(this),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(this);
            command
        }
    };
    command.args([
        "--exact",
        "worker::worker",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// A worker says something to the test.
pub(crate) fn say(words: impl std::fmt::Display) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{MARK}{words}").expect("the test listens");
    output.flush().expect("the test listens");
}

/// A worker waits for a line from the test. None: the test is over, and so is the worker.
pub(crate) fn hear() -> Option<String> {
    std::io::stdin().lines().next()?.ok()
}

/// A worker that is ended with the test.
pub(crate) struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    pub(crate) fn start(mut command: Command) -> std::io::Result<Self> {
        let mut child = crate::spawn(&mut command)?;
        let input = child.stdin.take();
        let output = child.stdout.take().expect("a pipe");
        Ok(Self {
            child,
            input,
            lines: BufReader::new(output).lines(),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it says next. None when it has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?.ok()?;
            // The harness ends its own lines, but not always before ours begin.
            if let Some(at) = line.find(MARK) {
                return Some(line[at + MARK.len()..].to_owned());
            }
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, words: &str) {
        assert_eq!(self.next().as_deref(), Some(words));
    }

    pub(crate) fn tell(&mut self, words: &str) {
        let input = self.input.as_mut().expect("it was not told to end");
        writeln!(input, "{words}").expect("it listens");
    }

    /// Ends its input, and waits for its end.
    pub(crate) fn end(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}
