use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
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
pub(crate) struct Serving {
    open: Arc<AtomicUsize>,
    last_word: Arc<OnceLock<Refusal>>,
}

impl Serving {
    /// From here on whoever asks and finds that nobody answers any more is told this: a question may
    /// come at any instant of an end, and one who asks why must not hear only that it is over.
    pub(crate) fn leave_word(&self, why: Refusal) {
        // A stack ends once.
        let _ = self.last_word.set(why);
    }

    /// Waits until the answers under way are written: who ends before leaves its client without.
    /// Followers of the log stay on, so not for long.
    pub(crate) fn await_last_words(&self) {
        let begun = Instant::now();
        while self.open.load(Ordering::Relaxed) > 0 && begun.elapsed() < LAST_WORDS {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What a connection is served with.
struct Desk {
    logs: Logs,
    calls: Box<dyn Fn(Call) -> bool + Send + Sync>,
    last_word: Arc<OnceLock<Refusal>>,
}

impl Desk {
    /// Has the engine answer. If it has ended, what comes back is empty and closed.
    fn call(&self, request: Request) -> Receiver<Reply> {
        let (answer, answers) = channel();
        (self.calls)(Call { request, answer });
        answers
    }

    /// The engine's one answer, or what there is to say when it has ended.
    fn ask(&self, request: Request) -> Reply {
        let wants_the_end = request == Request::Down;
        match self.call(request).recv() {
            Ok(reply) => reply,
            Err(_) if wants_the_end => Reply::stopped(),
            Err(_) => Reply::Refused(self.farewell()),
        }
    }

    fn farewell(&self) -> Refusal {
        let word = self.last_word.get().cloned();
        word.unwrap_or_else(Refusal::stopping)
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
    let serving = Serving::default();
    let open = Arc::clone(&serving.open);
    let desk = Arc::new(Desk {
        logs,
        calls: Box::new(calls),
        last_word: Arc::clone(&serving.last_word),
    });
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
                let (desk, served) = (Arc::clone(&desk), Arc::clone(&open));
                open.fetch_add(1, Ordering::Relaxed);
                let spawned = std::thread::Builder::new()
                    .name("control-peer".to_owned())
                    .spawn(move || {
                        // An error here is the client's going away.
                        let _ = serve(&stream, &desk);
                        served.fetch_sub(1, Ordering::Relaxed);
                    });
                if spawned.is_err() {
                    open.fetch_sub(1, Ordering::Relaxed);
                }
            }
        })?;
    Ok(serving)
}

fn serve(stream: &UnixStream, desk: &Desk) -> io::Result<()> {
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
    match request {
        Request::Logs(query) => serve_logs(stream, &desk.logs, &query),
        Request::Play { .. } => serve_play(stream, request, desk),
        Request::Capture { .. } => serve_capture(stream, request, desk),
        _ => send(stream, &desk.ask(request)),
    }
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
fn serve_play(stream: &UnixStream, request: Request, desk: &Desk) -> io::Result<()> {
    let answers = desk.call(request);
    let mut said = false;
    loop {
        let left = match answers.recv_timeout(Duration::from_millis(100)) {
            // Whoever was refused plays nothing, and has nothing to stop.
            Ok(reply @ Reply::Refused(_)) => return send(stream, &reply),
            Ok(reply) => {
                said = true;
                send(stream, &reply).is_err()
            }
            Err(RecvTimeoutError::Timeout) => peer_has_left(stream),
            Err(RecvTimeoutError::Disconnected) if said => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return send(stream, &Reply::Refused(desk.farewell())),
        };
        if left {
            drop(desk.call(Request::StopPlaying));
            return Ok(());
        }
    }
}

/// Says how far a capture has come, and ends it when nobody listens any more. It is asked for by its
/// number: by the time that this looks again, another may have begun on the same link.
fn serve_capture(stream: &UnixStream, request: Request, desk: &Desk) -> io::Result<()> {
    let first = desk.ask(request);
    let mut told = send(stream, &first);
    let Reply::Captured { link, capture, .. } = first else {
        return told;
    };
    let capture = Some(capture);
    loop {
        std::thread::sleep(FIGURES_EVERY);
        let link = link.clone();
        if told.is_err() || peer_has_left(stream) {
            desk.ask(Request::StopCapture { link, capture });
            return told;
        }
        match desk.ask(Request::Captured { link, capture }) {
            reply @ Reply::Captured { .. } => told = send(stream, &reply),
            // It has been ended by somebody else.
            _ => return Ok(()),
        }
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
