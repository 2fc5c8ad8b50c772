//! A lab for each test, with a command whose output is read.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wharf_lab::{Allow, Exit, Figures, Lab, LabSpec, Segment, Tools, Waiting};
use wharf_link::{Conditions, Seed, Settings};

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) figures: Figures,
}

impl Ran {
    /// What it printed, as numbers. `-` is none.
    #[track_caller]
    pub(crate) fn numbers(&self) -> Vec<Option<u64>> {
        assert_eq!(self.exit, Exit::Code(0), "{self:?}");
        self.out
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect()
    }

    /// The one number that it printed, or the first.
    #[track_caller]
    pub(crate) fn number(&self) -> u64 {
        self.numbers()[0].unwrap_or_else(|| panic!("no number: {self:?}"))
    }
}

/// Times are true only if nothing else of ours competes for the machine.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the command is: beside this test, or where an ordinary user's copy of it was put.
pub(crate) fn traveller() -> PathBuf {
    match std::env::var_os("WHARF_TEST_BIN_DIR") {
        Some(directory) => Path::new(&directory).join("examples/traveller"),
        None => {
            let test = std::env::current_exe().expect("a path");
            let target = test.parent().and_then(Path::parent).expect("target/debug");
            target.join("examples/traveller")
        }
    }
}

/// Conditions as they are written: `latency=20ms loss=1%`; a value may have no spaces here.
pub(crate) fn conditions(text: &str) -> Conditions {
    let mut settings = Settings::default();
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').expect("key=value");
        settings.set(key, &value.replace('+', " ")).expect("a setting");
    }
    settings
        .resolve(&Conditions::CLEAR, &mut |file| {
            std::fs::read_to_string(file).map_err(|error| error.to_string())
        })
        .expect("conditions")
}

/// A segment with the same conditions each way.
pub(crate) fn both(name: &str, text: &str) -> Segment {
    Segment {
        name: name.to_owned(),
        up: conditions(text),
        down: conditions(text),
    }
}

/// A path of one segment with its own conditions each way.
pub(crate) fn each_way(up: &str, down: &str) -> Vec<Segment> {
    vec![Segment {
        name: "link".to_owned(),
        up: conditions(up),
        down: conditions(down),
    }]
}

pub(crate) fn spec(path: Vec<Segment>, command: &[&str]) -> LabSpec {
    let mut words = vec![traveller().into_os_string()];
    words.extend(command.iter().map(Into::into));
    LabSpec {
        exe: traveller(),
        command: words,
        path,
        seed: Seed(7),
        allow: Allow::All,
        local: Vec::new(),
        waiting: Waiting::Asleep,
        congestion: None,
        tools: Tools::Ordinary,
        tun: "/dev/net/tun".into(),
        capture: None,
    }
}

/// A lab that runs on.
pub(crate) struct Running {
    pub(crate) lab: Lab,
    out: PipeReader,
    err: PipeReader,
}

pub(crate) fn start(spec: &LabSpec) -> Running {
    let (out, out_end): (PipeReader, PipeWriter) = pipe().expect("a pipe");
    let (err, err_end) = pipe().expect("a pipe");
    let nothing = std::fs::File::open("/dev/null").expect("/dev/null");
    let lab = Lab::start(spec, [nothing.as_fd(), out_end.as_fd(), err_end.as_fd()]);
    let lab = lab.unwrap_or_else(|error| panic!("{error}; hint: {:?}", error.hint()));
    Running { lab, out, err }
}

impl Running {
    /// Waits for the command.
    pub(crate) fn finish(self) -> Ran {
        self.finish_with(|_| ()).0
    }

    /// Waits for the command, and looks at the lab before it ends.
    pub(crate) fn finish_with<T>(mut self, look: impl FnOnce(&Lab) -> T) -> (Ran, T) {
        let exit = self.lab.wait().expect("the command ran");
        let seen = look(&self.lab);
        let figures = self.lab.figures().expect("the switch runs");
        drop(self.lab);
        let mut ran = Ran {
            exit,
            out: String::new(),
            err: String::new(),
            figures,
        };
        self.out.read_to_string(&mut ran.out).expect("read");
        self.err.read_to_string(&mut ran.err).expect("read");
        (ran, seen)
    }
}

/// Runs a command behind a path, to its end.
pub(crate) fn run(path: Vec<Segment>, command: &[&str]) -> Ran {
    start(&spec(path, command)).finish()
}

/// A listener on the host's loopback.
pub(crate) fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port.to_string())
}

/// Takes one connection and writes so many bytes.
pub(crate) fn serve(listener: TcpListener, bytes: usize) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.write_all(&vec![1; bytes]).expect("written");
    })
}

/// Takes one connection and reads all that comes.
pub(crate) fn read_all(listener: TcpListener) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("read");
        bytes
    })
}

/// Says aloud that a test cannot run here. The gate knows which may be skipped.
pub(crate) fn skip(name: &str, why: &str) {
    // Not eprintln: the test harness would capture it.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {why}");
}

/// A socket for datagrams on the host's loopback.
pub(crate) fn datagrams() -> (UdpSocket, String) {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
    let port = socket.local_addr().expect("an address").port();
    (socket, port.to_string())
}

/// The `share`-th of the sorted values, such as 0.5.
pub(crate) fn quantile(values: &[u64], share: f64) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    let index = (values.len() as f64 * share) as usize;
    values[index.min(values.len() - 1)]
}
