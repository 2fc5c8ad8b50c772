//! A stack of links alone: something else of Wharf's that carries traffic, listed beside the project files' stacks.
//!
//! It has no services, no guardian and no name at the door. What it has is a record in the run directory, a lock, and
//! a control socket, so that `wharf ps --all`, `wharf links` and `wharf down` find it.

use std::path::PathBuf;

use crate::control::{self, Reply, Request, Serving};
use crate::engine::StackError;
use crate::logs::Logs;
use crate::rundir::{ProcessMark, RunDir, RunRecord, StackFiles, StackLock};

/// Such a stack, listed until this is dropped.
#[derive(Debug)]
pub struct Aside {
    files: StackFiles,
    _lock: StackLock,
    serving: Serving,
}

impl Aside {
    /// Lists this process as the stack `name`. `answer` is called from threads of its own, for every request but those
    /// for the log. `None`: a living process has this identity.
    ///
    /// # Errors
    /// If the run directory cannot be used.
    pub fn register(
        run_dir: &RunDir,
        name: &str,
        identity: &str,
        logs: Logs,
        answer: impl Fn(Request) -> Reply + Send + Sync + 'static,
    ) -> Result<Option<Self>, StackError> {
        let files = run_dir.files(identity);
        let Some(lock) = files.lock()? else {
            return Ok(None);
        };
        files.end_last_run();
        let this = ProcessMark::of(std::process::id()).unwrap_or(ProcessMark {
            pid: std::process::id(),
            start_time: 0,
        });
        files.write_record(&RunRecord {
            stack: name.to_owned(),
            identity: identity.to_owned(),
            // No process bears this mark: there is none to be ended.
            run_id: format!("aside-{}-{}", this.pid, this.start_time),
            wharf: this,
            guardian: this,
            cgroups: Vec::<PathBuf>::new(),
        })?;
        let path = files.socket();
        let answered = move |call: control::Call| call.answer.send(answer(call.request)).is_ok();
        match control::listen(&path, logs, answered) {
            Ok(serving) => Ok(Some(Self {
                files,
                _lock: lock,
                serving,
            })),
            Err(source) => {
                files.remove();
                Err(StackError::Control { path, source })
            }
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.files.remove();
        // Whoever asked it to end is still to be told that it does.
        self.serving.await_last_words();
    }
}
