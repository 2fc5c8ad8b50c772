use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::protocol::{LogQuery, Refusal, Reply, Request};
use crate::logs::Logs;

/// The longest request line.
const REQUEST_BYTES: u64 = 64 * 1024;
/// Connections served at once; more are closed.
const CONNECTIONS: usize = 128;
/// How long a connected client may take to say what it wants, or to read its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// For so long an end waits for answers that are being written.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often the figures of a capture are told.
const FIGURES_EVERY: Duration = Duration::from_millis(250);

/// A request that the engine must answer.
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) answer: Sender<Reply>,
}

/// The connections that are being served, for those who end right after an answer.
#[derive(Debug, Default)]
pub(crate) struct Serving(Arc<AtomicUsize>);

impl Serving {
    /// Waits until the answers under way are written: who ends before leaves its client without.
    /// Followers of the log stay on, so not for long.
    pub(crate) fn await_last_words(&self) {
        let begun = Instant::now();
        while self.0.load(Ordering::Relaxed) > 0 && begun.elapsed() < LAST_WORDS {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Binds the control socket and serves it from threads of its own. What it receives goes to
/// `calls`, except for the log, which needs no turn of the engine.
pub(crate) fn listen(
    path: &Path,
    logs: Logs,
    calls: impl Fn(Call) -> bool + Send + Sync + 'static,
) -> io::Result<Serving> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // The directory is 0700 already: nobody else can connect before the mode is set.
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let calls = Arc::new(calls);
    let open = Arc::new(AtomicUsize::new(0));
    let serving = Arc::clone(&open);
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    // EMFILE and the like: pause, so that others can close theirs.
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                };
                if !super::is_same_user(&stream) || open.load(Ordering::Relaxed) >= CONNECTIONS {
                    continue;
                }
                let (logs, calls, served) = (logs.clone(), Arc::clone(&calls), Arc::clone(&open));
                open.fetch_add(1, Ordering::Relaxed);
                let spawned = std::thread::Builder::new()
                    .name("control-peer".to_owned())
                    .spawn(move || {
                        // An error here is the client's going away.
                        let _ = serve(&stream, &logs, &*calls);
                        served.fetch_sub(1, Ordering::Relaxed);
                    });
                if spawned.is_err() {
                    open.fetch_sub(1, Ordering::Relaxed);
                }
            }
        })?;
    Ok(Serving(serving))
}

fn serve(stream: &UnixStream, logs: &Logs, calls: &dyn Fn(Call) -> bool) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_BYTES)).read_line(&mut line)?;
    let request = match serde_json::from_str::<Request>(&line) {
        Ok(request) => request,
        Err(error) => {
            return send(
                stream,
                &Reply::Refused(Refusal {
                    error: format!("understand the request: {error}"),
                    hint: Some("use the same version of wharf for the stack and the command".to_owned()),
                }),
            );
        }
    };
    if let Request::Logs(query) = request {
        return serve_logs(stream, logs, &query);
    }
    match request {
        Request::Play { .. } => return serve_play(stream, request, calls),
        Request::Capture { ref link, .. } => {
            let link = link.clone();
            return serve_capture(stream, request, &link, calls);
        }
        _ => {}
    }
    let (answer, answers) = channel();
    let reply = if calls(Call { request, answer }) {
        answers.recv().ok()
    } else {
        None
    };
    let gone = || {
        Reply::Refused(Refusal {
            error: "the stack is stopping".to_owned(),
            hint: None,
        })
    };
    send(stream, &reply.unwrap_or_else(gone))
}

fn serve_logs(stream: &UnixStream, logs: &Logs, query: &LogQuery) -> io::Result<()> {
    let service = query.service.as_deref();
    if !query.follow {
        for line in logs.last(service, query.last) {
            send(stream, &Reply::Line(line))?;
        }
        return Ok(());
    }
    let (last, lines) = logs.follow(service, query.last);
    for line in last {
        send(stream, &Reply::Line(line))?;
    }
    loop {
        match lines.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => send(stream, &Reply::Line(line))?,
            Err(RecvTimeoutError::Timeout) => {
                if peer_has_left(stream) {
                    return Ok(());
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Passes on what a scenario says, and ends it when nobody listens any more.
fn serve_play(stream: &UnixStream, request: Request, calls: &dyn Fn(Call) -> bool) -> io::Result<()> {
    let (answer, answers) = channel();
    if !calls(Call { request, answer }) {
        return Ok(());
    }
    loop {
        let left = match answers.recv_timeout(Duration::from_millis(100)) {
            // Whoever was refused plays nothing, and has nothing to stop.
            Ok(reply @ Reply::Refused(_)) => return send(stream, &reply),
            Ok(reply) => send(stream, &reply).is_err(),
            Err(RecvTimeoutError::Timeout) => peer_has_left(stream),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        if left {
            let (answer, _) = channel();
            let request = Request::StopPlaying;
            calls(Call { request, answer });
            return Ok(());
        }
    }
}

/// Says how far a capture has come, and ends it when nobody listens any more.
fn serve_capture(
    stream: &UnixStream,
    request: Request,
    link: &str,
    calls: &dyn Fn(Call) -> bool,
) -> io::Result<()> {
    let ask = |request| {
        let (answer, answers) = channel();
        calls(Call { request, answer })
            .then(|| answers.recv().ok())
            .flatten()
    };
    let mut reply = ask(request);
    let stop = || {
        ask(Request::StopCapture {
            link: link.to_owned(),
        })
    };
    loop {
        let told = match &reply {
            Some(reply) => send(stream, reply),
            None => return Ok(()),
        };
        if !matches!(reply, Some(Reply::Captured { .. })) {
            return told;
        }
        std::thread::sleep(FIGURES_EVERY);
        if told.is_err() || peer_has_left(stream) {
            stop();
            return told;
        }
        reply = ask(Request::Captured {
            link: link.to_owned(),
        });
    }
}

fn peer_has_left(stream: &UnixStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(stream, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).is_ok_and(|count| count > 0)
        && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

fn send(mut stream: &UnixStream, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    stream.write_all(&line)
}
