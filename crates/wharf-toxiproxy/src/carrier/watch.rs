//! A thread beside the relay's: it looks names up, and says what the relay only counts.
//!
//! A name is looked up when its proxy starts, and again, each second, while clients come; so a name that moves is
//! followed. It never blocks anybody: clients that come before the first answer wait at the link.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wharf_relay::{LinkId, Provider, Relay};

use super::address::{Upstream, look_up};
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
    /// Answered when it has been done.
    Forget(LinkId, Sender<()>),
    Found(LinkId, Name, Result<Vec<SocketAddr>, String>),
    End,
}

type Name = (String, u16);

/// A link that is watched.
#[derive(Debug)]
struct Followed {
    proxy: String,
    upstream: String,
    /// A name to look up, if it is one.
    name: Option<Name>,
    found: Option<Result<Vec<SocketAddr>, String>>,
    looking: bool,
    connections: u64,
    refused: u64,
}

impl Watch {
    pub(crate) fn start(relay: Arc<Relay>, log: Log) -> std::io::Result<Self> {
        let (orders, inbox) = channel();
        let watcher = Watcher {
            relay,
            log,
            links: BTreeMap::new(),
            answers: orders.clone(),
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
    pub(crate) fn follow(&self, id: LinkId, proxy: &str, upstream: &str) {
        let name = match Upstream::read(upstream) {
            Ok(Upstream::Named(host, port)) => Some((host, port)),
            _ => None,
        };
        self.order(Order::Follow(
            id,
            Followed {
                proxy: proxy.to_owned(),
                upstream: upstream.to_owned(),
                name,
                found: None,
                looking: false,
                connections: 0,
                refused: 0,
            },
        ));
    }

    /// Does so no longer: nothing that it finds out changes the link after this.
    pub(crate) fn forget(&self, id: LinkId) {
        let (done, forgotten) = channel();
        self.order(Order::Forget(id, done));
        // An error says that the thread is gone, which forgets as well.
        let _ = forgotten.recv();
    }

    fn order(&self, order: Order) {
        // Without the thread there is nobody to watch, and links go on with what they have.
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
    answers: Sender<Order>,
}

impl Watcher {
    fn run(mut self, inbox: &Receiver<Order>) {
        let mut next = Instant::now() + EVERY;
        loop {
            match inbox.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Order::Follow(id, mut followed)) => {
                    // The link may have carried before.
                    if let Ok(stats) = self.relay.stats(id) {
                        followed.connections = stats.total_connections;
                        followed.refused = stats.refused;
                    }
                    self.links.insert(id, followed);
                    self.look_up(id);
                }
                Ok(Order::Forget(id, done)) => {
                    self.links.remove(&id);
                    let _ = done.send(());
                }
                Ok(Order::Found(id, name, found)) => self.on_found(id, &name, found),
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    next = Instant::now() + EVERY;
                }
            }
        }
    }

    fn look(&mut self) {
        let mut names = Vec::new();
        for (id, followed) in &mut self.links {
            let Ok(stats) = self.relay.stats(*id) else {
                continue;
            };
            let refused = stats.refused.saturating_sub(followed.refused);
            if refused > 0 {
                let connections = if refused == 1 { "connection" } else { "connections" };
                let why = stats.unreached.map(|why| format!(": {why}")).unwrap_or_default();
                self.log.say(
                    Level::Warn,
                    &format!(
                        "proxy {}: reset {refused} {connections}: no upstream at {}{why}",
                        followed.proxy, followed.upstream
                    ),
                );
            }
            if stats.total_connections != followed.connections {
                names.push(*id);
            }
            followed.refused = stats.refused;
            followed.connections = stats.total_connections;
        }
        for id in names {
            self.look_up(id);
        }
    }

    /// Looks a link's name up, on a thread that may take its time. One at a time for each link.
    fn look_up(&mut self, id: LinkId) {
        let Some(followed) = self.links.get_mut(&id).filter(|followed| !followed.looking) else {
            return;
        };
        let Some(name) = followed.name.clone() else {
            return;
        };
        let answers = self.answers.clone();
        let spawned = std::thread::Builder::new()
            .name("toxiproxy-lookup".to_owned())
            .spawn(move || {
                // Nobody may be left to be told.
                let found = look_up(&name.0, name.1);
                let _ = answers.send(Order::Found(id, name, found));
            });
        followed.looking = spawned.is_ok();
    }

    fn on_found(&mut self, id: LinkId, name: &Name, found: Result<Vec<SocketAddr>, String>) {
        // The proxy may have been led elsewhere meanwhile.
        let asked = |followed: &&mut Followed| followed.name.as_ref() == Some(name);
        let Some(followed) = self.links.get_mut(&id).filter(asked) else {
            return;
        };
        followed.looking = false;
        if followed.found.as_ref() == Some(&found) {
            return;
        }
        if let Err(error) = &found {
            self.log
                .say(Level::Warn, &format!("proxy {}: {error}", followed.proxy));
        }
        // With nowhere to go, connections are reset.
        let addresses = found.clone().unwrap_or_default();
        followed.found = Some(found);
        // The link may have gone meanwhile.
        let _ = self.relay.set_provider(id, Provider::Ready(addresses));
    }
}
