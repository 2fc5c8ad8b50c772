//! `wharf up`: a stack in the foreground, in the background, or attached to.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use wharf_stack::control::{Client, ControlError, LogQuery, Reply, Request, StackStatus};
use wharf_stack::logs::Line;
use wharf_stack::supervise::{Haste, Phase};
use wharf_stack::{Carriage, Ended, Handle, Otherwise, Source, Stack, Started};

use super::doors::Door;
use crate::cli::{InLab, Up};
use crate::out::{self, Style};
use crate::report::{Code, Report};
use crate::screen::{Screen, service_rows};
use crate::surroundings::Surroundings;

/// Set for the process in the background, so that it knows to leave the terminal.
const BACKGROUND_VAR: &str = "WHARF_BACKGROUND";
/// How long a stack may take from its lock to its socket.
const OPENING: Duration = Duration::from_secs(10);
/// How long the stop of a stack is waited for.
const STOPPING: Duration = Duration::from_secs(30);
/// How often it is said what is waited for.
const SPEAK_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const POLL: Duration = Duration::from_millis(5);
/// How often the footer is drawn anew, and how long lines are gathered.
const FRAME: Duration = Duration::from_millis(100);

pub(super) fn run(here: &Surroundings, args: &Up) -> Result<ExitCode, Report> {
    let source = Source::File(here.file(args.file.as_deref()));
    if args.detach {
        return detach(here, &source, args.lab);
    }
    start(here, source, args.lab)
}

/// Runs a stack here until it is stopped, or attaches to it where it runs already.
pub(super) fn foreground(here: &Surroundings, source: Source) -> Result<ExitCode, Report> {
    start(here, source, None)
}

fn start(here: &Surroundings, source: Source, lab: Option<InLab>) -> Result<ExitCode, Report> {
    let mut config = here.config(source)?;
    if let Some(when) = lab {
        config.carriage = Carriage::Lab {
            tun: super::lab::tun(),
            otherwise: match when {
                InLab::Always => Otherwise::Fail,
                InLab::Auto => Otherwise::Relays,
            },
        };
    }
    if config.environment.remove(BACKGROUND_VAR).is_some() {
        // Its own session: no terminal's hang-up or Ctrl-C reaches it.
        let _ = rustix::process::setsid();
    }
    match Stack::start(config)? {
        Started::Here(stack) => serve(here, *stack),
        Started::Elsewhere(client) => attach(&client, lab),
    }
}

fn serve(here: &Surroundings, stack: Stack) -> Result<ExitCode, Report> {
    let handle = stack.handle();
    stop_on_signals(&handle)?;
    let door = Door::open(here, &stack);
    let (said, lines) = stack.logs().follow(None, usize::MAX);
    let screen = std::thread::Builder::new()
        .name("screen".to_owned())
        .spawn(move || show(&said, &lines, || status_of(handle.ask(Request::Status)?)))
        .map_err(|error| Report::new(Code::Failed, format!("start the screen: {error}")))?;
    let ended = stack.run();
    // First the names go, then the program: requests in flight are answered.
    door.close();
    let _ = screen.join();
    Ok(match ended? {
        Ended::Stopped => ExitCode::SUCCESS,
        Ended::ByItself(exit) => ExitCode::from(exit.as_shell_code()),
    })
}

/// The first signal stops the stack in order, a second one at once.
fn stop_on_signals(handle: &Handle) -> Result<(), Report> {
    let failed = |error| Report::new(Code::Failed, format!("listen for signals: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let handle = handle.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for (count, _) in signals.forever().enumerate() {
                handle.stop(if count == 0 { Haste::Orderly } else { Haste::AtOnce });
            }
        })
        .map_err(failed)?;
    Ok(())
}

fn status_of(reply: Reply) -> Option<StackStatus> {
    match reply {
        Reply::Status(status) => Some(*status),
        _ => None,
    }
}

/// Shows what was said so far, and lines and status until the lines end.
fn show(said: &[Line], lines: &Receiver<Line>, mut status: impl FnMut() -> Option<StackStatus>) {
    let first = status();
    let names: Vec<String> = first
        .iter()
        .flat_map(|status| status.services.iter().map(|service| service.name.clone()))
        .collect();
    let mut screen = Screen::new(&names);
    screen.print(said);
    let mut asked = Instant::now();
    loop {
        let mut batch = Vec::new();
        let ended = match lines.recv_timeout(FRAME) {
            Ok(line) => {
                batch.push(line);
                batch.extend(lines.try_iter().take(1000));
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        screen.print(&batch);
        if ended {
            return screen.close();
        }
        // Once a frame, however many lines come: each answer takes a turn of the engine.
        if screen.has_footer() && asked.elapsed() >= FRAME {
            asked = Instant::now();
            if let Some(status) = status() {
                screen.show(&status);
            }
        }
    }
}

/// Attaches to a running stack: applies what changed in its file, and follows its log.
fn attach(client: &Client, lab: Option<InLab>) -> Result<ExitCode, Report> {
    // It may be about to open its socket, or about to end.
    let begun = Instant::now();
    while client.status().is_err() && begun.elapsed() < OPENING {
        std::thread::sleep(POLL);
    }
    apply(client, lab)?;
    let status = client.status()?;
    out::error_line(&format!("attached to {}; Ctrl-C leaves it running", status.stack));
    let (sender, lines) = std::sync::mpsc::channel();
    let query = LogQuery {
        service: None,
        last: 20,
        follow: true,
    };
    let replies = client.ask_for_many(&Request::Logs(query))?;
    let asking = client.clone();
    let reading = std::thread::spawn(move || {
        for reply in replies {
            match reply {
                Ok(Reply::Line(line)) => {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    });
    show(&[], &lines, || asking.status().ok());
    let _ = reading.join();
    out::error_line(&format!("{} is down", status.stack));
    Ok(ExitCode::SUCCESS)
}

fn apply(client: &Client, lab: Option<InLab>) -> Result<(), Report> {
    let status = client.status()?;
    if lab == Some(InLab::Always) && status.lab.is_none() && !status.services.is_empty() {
        return Err(Report::new(
            Code::BadInput,
            format!("{} runs already, and in no lab", status.stack),
        )
        .hint("`wharf down`, then `wharf up --lab`"));
    }
    if let Reply::Done { said } = client.ask(&Request::Apply)? {
        for text in said {
            out::error_line(&text);
        }
    }
    Ok(())
}

/// Starts a stack in the background and returns once everything is up.
fn detach(here: &Surroundings, source: &Source, lab: Option<InLab>) -> Result<ExitCode, Report> {
    let identity = source.identity()?;
    let files = here.run_dir.files(&identity);
    let client = Client::new(&files.socket());
    let mut started = None;
    if client.status().is_ok() {
        apply(&client, lab)?;
    } else {
        let Source::File(file) = source else {
            return Err(Report::new(
                Code::BadInput,
                "start in the background: only a project file can be",
            ));
        };
        let log = files.background_log();
        let child = started.insert(start_in_background(file, &log, lab)?);
        await_socket(&client, child, &log)?;
    }
    if let Err(error) = settle_aloud(&client) {
        // The stack stops by itself after a first start that failed: it is gone when this returns.
        let begun = Instant::now();
        while client.status().is_ok_and(|status| status.stopping) && begun.elapsed() < STOPPING {
            std::thread::sleep(POLL);
        }
        // It may be gone before it could be asked: then its own words tell why.
        let own = match (&error, started) {
            (ControlError::Refused(_), _) | (_, None) => None,
            (_, Some(child)) => last_words(child, &files.background_log()),
        };
        return Err(own.unwrap_or_else(|| Report::from(error).with_code(Code::Failed)));
    }
    print_summary(&client.status()?);
    Ok(ExitCode::SUCCESS)
}

/// Waits until everything is settled, and says now and then what it waits for.
fn settle_aloud(client: &Client) -> Result<(), ControlError> {
    let (sender, settled) = std::sync::mpsc::channel();
    let asking = client.clone();
    std::thread::spawn(move || sender.send(asking.ask(&Request::Settle).map(drop)));
    loop {
        match settled.recv_timeout(SPEAK_EVERY) {
            Ok(result) => return result,
            // The thread cannot end without an answer.
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        for service in client.status().map(|status| status.services).unwrap_or_default() {
            if !service.phase.is_settled() && service.phase != Phase::Waiting {
                let word = service.phase.word();
                out::error_line(&format!(
                    "{}: {word} for {}",
                    service.name,
                    out::age(service.since_ms)
                ));
            }
        }
    }
}

fn start_in_background(file: &Path, log: &Path, lab: Option<InLab>) -> Result<Child, Report> {
    let failed =
        |error: std::io::Error| Report::new(Code::Unusable, format!("start in the background: {error}"));
    let output = std::fs::File::create(log).map_err(failed)?;
    Command::new(std::env::current_exe().map_err(failed)?)
        .arg("up")
        .args(lab.map(|when| match when {
            InLab::Always => "--lab",
            InLab::Auto => "--lab=auto",
        }))
        .arg(file)
        .env(BACKGROUND_VAR, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .process_group(0)
        .spawn()
        .map_err(failed)
}

/// Waits until the stack answers, or has ended, with its error on our standard error.
fn await_socket(client: &Client, child: &mut Child, log: &Path) -> Result<(), Report> {
    loop {
        if client.status().is_ok() {
            return Ok(());
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(report_of(status, log));
        }
        std::thread::sleep(POLL);
    }
}

/// What a stack that failed said before it was gone.
fn last_words(mut child: Child, log: &Path) -> Option<Report> {
    let begun = Instant::now();
    while begun.elapsed() < STOPPING {
        if let Ok(Some(status)) = child.try_wait() {
            return (!status.success()).then(|| report_of(status, log));
        }
        std::thread::sleep(POLL);
    }
    None
}

/// The error with which a process in the background ended, from its standard error.
fn report_of(status: ExitStatus, log: &Path) -> Report {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let said = said.trim();
    let (error, hint) = match said.split_once(" hint: ") {
        Some((error, hint)) => (error.trim(), Some(hint.trim().to_owned())),
        None => (said, None),
    };
    let code = Code::from_exit(status.code());
    let error = error.trim_start_matches("error: ").to_owned();
    Report::new(code, error).maybe_hint(hint)
}

fn print_summary(status: &StackStatus) {
    for row in service_rows(status, Style::of_stdout()) {
        out::line(row.trim_end());
    }
}
