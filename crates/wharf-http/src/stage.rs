//! The handle, and the thread behind it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::runtime;
use tokio::sync::oneshot;
use wharf_link::Seed;

use crate::desk::Desk;
use crate::dial::Target;
use crate::rules::{Rule, RuleSet};
use crate::stats::StageStats;
use crate::{StageConfig, StageError, Upstream};

/// Carries the connections of one link through HTTP, on a thread of its own. When it is dropped it ends, and
/// its connections are reset.
#[derive(Debug)]
pub struct HttpStage {
    address: SocketAddr,
    desk: Arc<Desk>,
    seed: Seed,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpStage {
    /// Starts a stage, on a port of 127.0.0.1 that the kernel chooses.
    pub fn start(config: StageConfig) -> Result<Self, StageError> {
        let name = config.name.clone();
        let failed = |operation: &'static str| {
            let name = name.clone();
            move |source: io::Error| StageError::Start {
                name,
                operation,
                source,
            }
        };
        let target = Target::new(&config.upstream)?;
        let seed = config.seed.derive(&config.name).derive("http");
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(4)
            .build()
            .map_err(failed("make a runtime"))?;
        let listener = listen().map_err(failed("listen on 127.0.0.1"))?;
        let address = listener.local_addr().map_err(failed("find its address"))?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed("watch its listener"))?
        };
        let desk = Arc::new(Desk::new(config, target, seed));
        let (end, ended) = oneshot::channel();
        let served = Arc::clone(&desk);
        let thread = std::thread::Builder::new()
            .name("wharf-http".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = served.serve(listener) => {}
                        // The handle was dropped: that is how it is told.
                        _ = ended => {}
                    }
                });
                // A resolver that still asks is not waited for.
                runtime.shutdown_background();
            })
            .map_err(failed("spawn a thread"))?;
        Ok(Self {
            address,
            desk,
            seed,
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// Where it listens: what the relay's link dials.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the rules, for requests whose head comes from now on. Their draws and counts begin again.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        let rules = Arc::new(RuleSet::new(rules, self.seed));
        *held(&self.desk.rules) = rules;
    }

    /// Changes the far side, for connections that are dialled from now on.
    pub fn set_upstream(&self, upstream: &Upstream) -> Result<(), StageError> {
        let target = Arc::new(Target::new(upstream)?);
        *held(&self.desk.target) = target;
        Ok(())
    }

    /// The figures.
    #[must_use]
    pub fn stats(&self) -> StageStats {
        let rules = self.desk.rules();
        self.desk.tally.stats(rules.hits())
    }
}

impl Drop for HttpStage {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
