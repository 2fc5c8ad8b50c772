//! A program that runs as long as the test needs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here may take.
const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    /// Starts a program on a port that the system chooses, and waits until it says where.
    pub(crate) fn start(program: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .env_clear()
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let out = child.stdout.take().expect("it is piped");
        let mut out = BufReader::new(out);
        let mut line = String::new();
        out.read_line(&mut line).expect("it writes where it listens");
        // What it writes later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let words = line.trim().strip_prefix("listening on ").expect("it listens");
        let word = words.split(',').next().expect("a first word");
        let address = word.trim_start_matches("http://").parse().expect("an address");
        Self { child, address }
    }

    pub(crate) fn store(folder: &Path) -> Self {
        let folder = folder.to_str().expect("a path that is text");
        Self::start(env!("CARGO_BIN_EXE_shop-store"), &[("DATA_DIR", folder)])
    }

    pub(crate) fn api(store: SocketAddr) -> Self {
        Self::start(
            env!("CARGO_BIN_EXE_shop-api"),
            &[("STORE_ADDR", &store.to_string())],
        )
    }

    pub(crate) fn web(api: SocketAddr) -> Self {
        Self::start(
            env!("CARGO_BIN_EXE_shop-web"),
            &[("API_URL", &format!("http://{api}"))],
        )
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// Gets a path as JSON.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    }

    /// Posts a body of a type.
    pub(crate) fn post(&self, path: &str, content_type: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn ask(&self, request: &str) -> (u16, Value) {
        let text = self.exchange(request.as_bytes());
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        (
            status.expect("a status"),
            serde_json::from_str(body).expect("JSON"),
        )
    }

    /// Sends bytes and takes all that comes until the end.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("it takes them");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers and closes");
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(LONG))
        .expect("a time that is not zero");
    stream
}

/// A folder of a test's own, gone with it.
pub(crate) struct Folder(std::path::PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the folder for tests can be written to");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
