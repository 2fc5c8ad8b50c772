//! A `wharf` that runs on while a test goes about.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::world::{PATIENCE, Ran, kill, within};

/// A `wharf` that runs on, and what it has said.
pub(crate) struct Running {
    pub(crate) child: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("wharf starts");
        let said = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("piped")),
            Box::new(child.stderr.take().expect("piped")),
        ];
        let readers = streams.map(|stream| {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let mut said = said.lock().expect("not poisoned");
                    said.push_str(&line);
                    said.push('\n');
                }
            })
        });
        Running {
            child,
            said,
            readers: readers.into(),
        }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("not poisoned").clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has said this.
    #[track_caller]
    pub(crate) fn await_line(&self, text: &str) {
        let came = within(PATIENCE, || self.said().contains(text));
        assert!(came, "{text:?} was never said; said was:\n{}", self.said());
    }

    /// Asks it to stop, and waits for its end.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Ran {
        kill(self.child.id(), rustix::process::Signal::TERM);
        self.wait()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Ran {
        let mut status = None;
        let ended = within(PATIENCE, || {
            status = self.child.try_wait().expect("it is ours");
            status.is_some()
        });
        assert!(ended, "it did not end; said was:\n{}", self.said());
        for reader in self.readers.drain(..) {
            reader.join().expect("no panic");
        }
        Ran {
            code: status.and_then(|status| status.code()).unwrap_or(-1),
            out: self.said(),
            err: self.said(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            kill(self.child.id(), rustix::process::Signal::TERM);
            let _ = within(PATIENCE, || !matches!(self.child.try_wait(), Ok(None)));
        }
    }
}
