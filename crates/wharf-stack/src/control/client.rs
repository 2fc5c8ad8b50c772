use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::protocol::{Refusal, Reply, Request, StackStatus};

/// What can go wrong when a stack is asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody answers at the socket: the stack is not running.
    #[error("ask the stack at {}: {source}", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another user answers at the socket.
    #[error("ask the stack at {}: another user's process answers there", path.display())]
    Stranger {
        /// The socket.
        path: PathBuf,
    },
    /// The stack went away, or spoke what this version does not understand.
    #[error("ask the stack at {}: {why}", path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What came instead of an answer.
        why: String,
    },
    /// The stack said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A client of one stack's control socket.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
    patience: Option<Duration>,
}

impl Client {
    /// A client of the socket at `path`. Nothing is connected yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Client {
            path: path.to_owned(),
            patience: None,
        }
    }

    /// The same client, that waits no longer than `patience` for each line of an answer: for those
    /// who look at many stacks, of which one may stand still.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Client {
            patience: Some(patience),
            ..self
        }
    }

    /// Asks, and returns the one answer.
    ///
    /// # Errors
    /// If the stack cannot be reached, or refuses.
    pub fn ask(&self, request: &Request) -> Result<Reply, ControlError> {
        let mut replies = self.ask_for_many(request)?;
        match replies.next() {
            Some(Ok(Reply::Refused(refusal))) => Err(refusal.into()),
            Some(reply) => reply,
            None => Err(self.no_answer("it closed the connection")),
        }
    }

    /// The stack's status.
    ///
    /// # Errors
    /// If the stack cannot be reached.
    pub fn status(&self) -> Result<StackStatus, ControlError> {
        match self.ask(&Request::Status)? {
            Reply::Status(status) => Ok(*status),
            other => Err(self.no_answer(&format!("it answered {other:?}"))),
        }
    }

    /// Asks, and returns the answers as they come.
    ///
    /// # Errors
    /// If the stack cannot be reached.
    pub fn ask_for_many(
        &self,
        request: &Request,
    ) -> Result<impl Iterator<Item = Result<Reply, ControlError>> + use<>, ControlError> {
        let unreachable = |source| ControlError::Unreachable {
            path: self.path.clone(),
            source,
        };
        let mut stream = UnixStream::connect(&self.path).map_err(unreachable)?;
        if !super::is_same_user(&stream) {
            return Err(ControlError::Stranger {
                path: self.path.clone(),
            });
        }
        stream
            .set_write_timeout(Some(self.patience.unwrap_or(Duration::from_secs(10))))
            .and_then(|()| stream.set_read_timeout(self.patience))
            .map_err(unreachable)?;
        let mut line = serde_json::to_vec(request).map_err(|error| self.no_answer(&error.to_string()))?;
        line.push(b'\n');
        stream.write_all(&line).map_err(unreachable)?;
        let client = self.clone();
        Ok(BufReader::new(stream).lines().map(move |line| {
            let line = line.map_err(|error| client.no_answer(&error.to_string()))?;
            serde_json::from_str(&line).map_err(|error| client.no_answer(&error.to_string()))
        }))
    }

    fn no_answer(&self, why: &str) -> ControlError {
        ControlError::NoAnswer {
            path: self.path.clone(),
            why: why.to_owned(),
        }
    }
}
