//! A thread beside the relay's, which says what the relay only counts: connections that had nowhere to go.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wharf_http::HttpStage;
use wharf_relay::{LinkId, Relay};

use crate::log::{Level, Log};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    Follow(LinkId, Followed),
    Forget(LinkId),
    End,
}

/// A link that is watched.
#[derive(Debug)]
struct Followed {
    proxy: String,
    upstream: String,
    /// What looks its name up, if it has one.
    stage: Option<Weak<HttpStage>>,
    refused: u64,
}

impl Watch {
    pub(crate) fn start(relay: Arc<Relay>, log: Log) -> std::io::Result<Self> {
        let (orders, inbox) = channel();
        let watcher = Watcher {
            relay,
            log,
            links: BTreeMap::new(),
        };
        let thread = std::thread::Builder::new()
            .name("toxiproxy-watch".to_owned())
            .spawn(move || watcher.run(&inbox))?;
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// Watches a link from now on.
    pub(crate) fn follow(&self, id: LinkId, proxy: &str, upstream: &str, stage: Option<&Arc<HttpStage>>) {
        self.order(Order::Follow(
            id,
            Followed {
                proxy: proxy.to_owned(),
                upstream: upstream.to_owned(),
                stage: stage.map(Arc::downgrade),
                refused: 0,
            },
        ));
    }

    /// Does so no longer.
    pub(crate) fn forget(&self, id: LinkId) {
        self.order(Order::Forget(id));
    }

    fn order(&self, order: Order) {
        // Without the thread there is nobody to watch, and links go on.
        let _ = self.orders.send(order);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.order(Order::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Watcher {
    relay: Arc<Relay>,
    log: Log,
    links: BTreeMap<LinkId, Followed>,
}

impl Watcher {
    fn run(mut self, inbox: &Receiver<Order>) {
        let mut next = Instant::now() + EVERY;
        loop {
            match inbox.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Order::Follow(id, mut followed)) => {
                    // The link may have carried before.
                    followed.refused = self.refused(id, &followed).map_or(0, |(refused, _)| refused);
                    self.links.insert(id, followed);
                }
                Ok(Order::Forget(id)) => {
                    self.links.remove(&id);
                }
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    next = Instant::now() + EVERY;
                }
            }
        }
    }

    fn look(&mut self) {
        let figures: Vec<_> = self
            .links
            .iter()
            .filter_map(|(id, followed)| Some((*id, self.refused(*id, followed)?)))
            .collect();
        for (id, (refused, why)) in figures {
            let Some(followed) = self.links.get_mut(&id) else {
                continue;
            };
            let more = refused.saturating_sub(followed.refused);
            followed.refused = refused;
            if more > 0 {
                let connections = if more == 1 { "connection" } else { "connections" };
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                let Followed { proxy, upstream, .. } = followed;
                let text =
                    format!("proxy {proxy}: reset {more} {connections}: no upstream at {upstream}{why}");
                self.log.say(Level::Warn, &text);
            }
        }
    }

    /// How many connections had nowhere to go, and why the last of them.
    fn refused(&self, id: LinkId, followed: &Followed) -> Option<(u64, Option<String>)> {
        match followed.stage.as_ref().map(Weak::upgrade) {
            Some(Some(stage)) => {
                let stats = stage.stats();
                Some((stats.refused + stats.dial_timeouts, stats.last_failure))
            }
            // It has been taken away meanwhile, and another order is on its way.
            Some(None) => None,
            None => {
                let stats = self.relay.stats(id).ok()?;
                Some((stats.refused, stats.unreached))
            }
        }
    }
}
