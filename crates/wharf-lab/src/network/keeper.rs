//! The process that owns the namespaces of a network, as it is spoken with.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use super::NetworkSpec;
use super::message::{Answer, Ask};
use crate::channel::Channel;
use crate::error::LabError;
use crate::message::Names;

/// The keeper, as it is spoken with.
#[derive(Debug)]
pub(super) struct Keeper(Mutex<Channel>);

impl Keeper {
    pub(super) fn new(channel: Channel) -> Self {
        Self(Mutex::new(channel))
    }

    /// Ends it.
    pub(super) fn end(&self) {
        let channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = rustix::net::shutdown(&*channel, rustix::net::Shutdown::Both);
    }

    pub(super) fn ask(
        &self,
        ask: &Ask,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(Answer, Vec<OwnedFd>), LabError> {
        let channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = channel.send(ask, descriptors);
        sent.map_err(|_| LabError::Killed("keeper of namespaces"))?;
        match channel.receive() {
            Ok(Some((Answer::Failed(trouble), _))) => Err(trouble.into()),
            Ok(Some(answer)) => Ok(answer),
            Ok(None) | Err(_) => Err(LabError::Killed("keeper of namespaces")),
        }
    }

    pub(super) fn begin(&self, spec: &NetworkSpec, names: &Names) -> Result<(String, i32), LabError> {
        let begin = Ask::Begin {
            tun: spec.tun.clone(),
            congestion: spec.congestion.clone(),
        };
        let file = in_memory(names).map_err(LabError::io("keep the names of the lab"))?;
        match self.ask(&begin, &[file.as_fd()])? {
            (Answer::Begun { owner, names }, _) => Ok((owner, names)),
            _ => Err(LabError::Killed("keeper of namespaces")),
        }
    }
}

fn in_memory(names: &Names) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("wharf-names", rustix::fs::MemfdFlags::CLOEXEC)?;
    let text = serde_json::to_vec(names).map_err(io::Error::other)?;
    let mut file = File::from(file);
    file.write_all(&text)?;
    Ok(file.into())
}
