//! Wharf's end of the guardian's socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};

use super::frame::{Command, Launch, Report, receive, send};

/// What went wrong between Wharf and its guardian.
#[derive(Debug, thiserror::Error)]
pub enum GuardianError {
    /// It could not be started.
    #[error("start the guardian {exe}: {source}")]
    Start {
        /// The program.
        exe: String,
        /// Why.
        source: io::Error,
    },
    /// A message could not be sent: it is gone.
    #[error("tell the guardian to {what}: {source}")]
    Tell {
        /// What it was told.
        what: String,
        /// Why.
        source: io::Error,
    },
}

/// A running guardian. Dropping it ends the guardian and all of its services.
#[derive(Debug)]
pub struct Guardian {
    socket: Option<UnixStream>,
    child: Child,
}

impl Guardian {
    /// Starts `exe __guardian`, and reports what it says to `report`, from a thread of its own.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(
        exe: &Path,
        run_id: &str,
        report: impl Fn(Report) + Send + 'static,
    ) -> Result<Self, GuardianError> {
        let failed = |source| GuardianError::Start {
            exe: exe.display().to_string(),
            source,
        };
        let (socket, theirs) = UnixStream::pair().map_err(failed)?;
        let child = Process::new(exe)
            .arg("__guardian")
            .env(super::RUN_ID_VAR, run_id)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut listening = socket.try_clone().map_err(failed)?;
        std::thread::Builder::new()
            .name("guardian".to_owned())
            .spawn(move || {
                while let Ok(Some((said, _))) = receive::<Report>(&mut listening) {
                    report(said);
                }
                report(Report::Lost);
            })
            .map_err(failed)?;
        Ok(Guardian {
            socket: Some(socket),
            child,
        })
    }

    /// The guardian's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts a process with these standard streams and listening sockets.
    ///
    /// # Errors
    /// If the guardian is gone.
    pub fn launch(
        &mut self,
        launch: Launch,
        streams: &[OwnedFd; 3],
        sockets: &[OwnedFd],
    ) -> Result<(), GuardianError> {
        let fds: Vec<BorrowedFd<'_>> = streams.iter().chain(sockets).map(AsFd::as_fd).collect();
        let what = format!("launch {}", launch.instance);
        self.tell(what, &Command::Launch(Box::new(launch)), &fds)
    }

    /// Sends a signal to the process group of an instance.
    ///
    /// # Errors
    /// If the guardian is gone.
    pub fn signal(&mut self, instance: &str, signal: i32) -> Result<(), GuardianError> {
        let command = Command::Signal {
            instance: instance.to_owned(),
            signal,
        };
        self.tell(format!("signal {instance}"), &command, &[])
    }

    /// Kills every process of an instance.
    ///
    /// # Errors
    /// If the guardian is gone.
    pub fn kill(&mut self, instance: &str) -> Result<(), GuardianError> {
        let command = Command::Kill {
            instance: instance.to_owned(),
        };
        self.tell(format!("kill {instance}"), &command, &[])
    }

    fn tell(&mut self, what: String, command: &Command, fds: &[BorrowedFd<'_>]) -> Result<(), GuardianError> {
        let sent = match &mut self.socket {
            Some(socket) => send(socket, command, fds),
            None => Err(io::Error::from(io::ErrorKind::NotConnected)),
        };
        sent.map_err(|source| GuardianError::Tell { what, source })
    }

    /// Lets the guardian end what is left, and waits until it has.
    pub fn finish(&mut self) {
        if let Some(socket) = self.socket.take() {
            // The reading thread holds a second handle: closing ours would not end it.
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.finish();
    }
}
