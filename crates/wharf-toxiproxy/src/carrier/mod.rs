//! Proxies as links of a relay.
//!
//! A proxy's link outlives its being disabled: it does not listen then and keeps its port, so that a proxy that was
//! given a port by the system finds it again, whatever else the system gave ports to meanwhile.

mod address;
mod listen;
mod loss;
mod named;
mod stages;
mod summary;
mod tally;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use wharf_link::{Conditions, Seed, Settings};
use wharf_relay::{
    Cut, Effect, LinkId, LinkSpec, LinkStats, OnRemoval, ParkLimits, Provider, Relay, Stage, StageId,
};

use crate::log::{Level, Log};
use crate::model::{Carrier, Direction, Proxy};
pub(crate) use address::ListenAt;
use address::Upstream;
pub use listen::Exposure;
pub(crate) use listen::{Bound, bind, in_go_words};
use named::Named;
pub(crate) use tally::Series;
use tally::Tally;
use watch::Watch;

/// The links of all proxies that were ever started.
#[derive(Debug)]
pub(crate) struct Links {
    relay: Arc<Relay>,
    watch: Watch,
    links: BTreeMap<String, Carried>,
    tally: Tally,
    exposure: Exposure,
    seed: Seed,
    log: Log,
}

/// A proxy's link.
#[derive(Debug)]
struct Carried {
    id: LinkId,
    /// Where it listens, as it is told.
    listen: String,
    upstream: String,
    address: std::net::SocketAddr,
    /// The way to its upstream, where that has a name.
    named: Option<Named>,
    /// What its toxics come to, towards the upstream and back.
    told: [Settings; 2],
}

/// A link as it is now, for those who list links.
#[derive(Clone, Debug)]
pub struct LinkView {
    /// The proxy's name.
    pub proxy: String,
    /// Where clients connect. Of a wildcard, the first loopback address.
    pub address: std::net::SocketAddr,
    /// What its toxics come to, towards the upstream. Each connection has it for itself.
    pub up: Settings,
    /// What they come to on the way back.
    pub down: Settings,
    /// Its figures.
    pub stats: LinkStats,
}

impl Links {
    pub(crate) fn new(relay: Relay, exposure: Exposure, seed: Seed, log: Log) -> std::io::Result<Self> {
        let relay = Arc::new(relay);
        Ok(Self {
            watch: Watch::start(Arc::clone(&relay), log.clone())?,
            relay,
            links: BTreeMap::new(),
            tally: Tally::default(),
            exposure,
            seed,
            log,
        })
    }

    /// The links that are there, disabled ones included.
    pub(crate) fn views(&self) -> Vec<LinkView> {
        let view = |(name, carried): (&String, &Carried)| {
            Some(LinkView {
                proxy: name.clone(),
                address: carried.address,
                up: carried.told[0].clone(),
                down: carried.told[1].clone(),
                stats: self.relay.stats(carried.id).ok()?,
            })
        };
        self.links.iter().filter_map(view).collect()
    }

    /// Cuts the link of a proxy, or heals it. Whether there is one.
    pub(crate) fn cut(&self, name: &str, cut: Option<Cut>) -> bool {
        self.links.get(name).is_some_and(|carried| {
            match cut {
                Some(cut) => self.relay.cut(carried.id, cut),
                None => self.relay.heal(carried.id),
            }
            .is_ok()
        })
    }

    /// What has been carried, by the addresses of the time.
    pub(crate) fn series(&mut self) -> Vec<Series> {
        for (name, carried) in &self.links {
            if let Ok(stats) = self.relay.stats(carried.id) {
                self.tally
                    .note(name, &carried.listen, &carried.upstream, carried.id, &stats);
            }
        }
        self.tally.series()
    }

    fn carry(&mut self, proxy: &Proxy) -> Result<String, String> {
        let same = self
            .links
            .get(&proxy.name)
            .is_some_and(|carried| carried.listen == proxy.listen);
        if !same {
            self.forget(&proxy.name);
            self.add(proxy)?;
        }
        let carried = self.links.get_mut(&proxy.name).ok_or("it has just gone")?;
        carried.upstream.clone_from(&proxy.upstream);
        carried.set_stages(&self.relay, proxy)?;
        let (id, listen) = (carried.id, carried.listen.clone());
        let before = carried.named.take();
        let provider = match Upstream::read(&proxy.upstream) {
            Ok(Upstream::Known(addresses)) => Provider::Ready(addresses),
            Ok(Upstream::Named(host, port)) => {
                let way = match before.filter(|way| way.is_to(&host, port)) {
                    Some(way) => way,
                    None => Named::start(&proxy.name, &host, port)?,
                };
                let address = way.stage.address();
                carried.named = Some(way);
                Provider::Ready(vec![address])
            }
            // As in Toxiproxy, which finds out when the first client comes.
            Err(error) => {
                self.log.say(
                    Level::Warn,
                    &format!("proxy {}: upstream {}: {error}", proxy.name, proxy.upstream),
                );
                Provider::Ready(Vec::new())
            }
        };
        self.relay
            .set_provider(id, provider)
            .map_err(|error| match error {
                wharf_relay::Error::Listener { source, .. } => in_go_words(&listen, &source),
                other => other.to_string(),
            })?;
        let stage = carried.named.as_ref().map(|way| &way.stage);
        self.watch.follow(id, &proxy.name, &proxy.upstream, stage);
        Ok(listen)
    }

    /// Binds a proxy's address, and makes its link, which does not listen yet.
    fn add(&mut self, proxy: &Proxy) -> Result<(), String> {
        let at = ListenAt::read(&proxy.listen).map_err(|error| format!("listen tcp: {error}"))?;
        let Bound { sockets, text } = bind(at, self.exposure)?;
        let address = sockets.first().and_then(|socket| socket.local_addr().ok());
        let id = self
            .relay
            .add(LinkSpec {
                name: proxy.name.clone(),
                listeners: sockets,
                provider: Provider::Down,
                up: Conditions::CLEAR,
                down: Conditions::CLEAR,
                via: Vec::new(),
                seed: self.seed,
                park: ParkLimits::default(),
            })
            .map_err(|error| error.to_string())?;
        let carried = Carried {
            id,
            listen: text,
            upstream: proxy.upstream.clone(),
            address: address.ok_or("a bound socket without an address")?,
            named: None,
            told: Default::default(),
        };
        self.links.insert(proxy.name.clone(), carried);
        Ok(())
    }

    fn forget(&mut self, name: &str) {
        let Some(carried) = self.links.remove(name) else {
            return;
        };
        self.watch.forget(carried.id);
        if let Ok(stats) = self.relay.stats(carried.id) {
            self.tally
                .close(name, &carried.listen, &carried.upstream, carried.id, &stats);
        }
        // It fails only when there is no such link or no relay: it is gone either way.
        let _ = self.relay.remove(carried.id);
    }
}

impl Carrier for Links {
    fn resolve(&mut self, listen: &str) -> Result<String, String> {
        ListenAt::read(listen).map(ListenAt::text)
    }

    fn start(&mut self, proxy: &Proxy) -> Result<String, String> {
        let result = self.carry(proxy);
        match &result {
            Ok(listen) => self.log.say(
                Level::Info,
                &format!("proxy {}: started at {listen}, to {}", proxy.name, proxy.upstream),
            ),
            Err(error) => self
                .log
                .say(Level::Warn, &format!("proxy {}: {error}", proxy.name)),
        }
        result
    }

    fn stop(&mut self, name: &str) {
        let Some(carried) = self.links.get(name) else {
            return;
        };
        self.watch.forget(carried.id);
        if let Ok(stats) = self.relay.stats(carried.id) {
            self.tally
                .note(name, &carried.listen, &carried.upstream, carried.id, &stats);
        }
        // No relay, no connections: there is nobody to tell.
        let _ = self.relay.set_provider(carried.id, Provider::Down);
        let _ = close_connections(&self.relay, carried.id);
        self.log.say(Level::Info, &format!("proxy {name}: stopped"));
    }

    fn remove(&mut self, name: &str) {
        self.forget(name);
    }

    fn set_toxics(&mut self, proxy: &Proxy) {
        if let Some(carried) = self.links.get_mut(&proxy.name)
            && let Err(error) = carried.set_stages(&self.relay, proxy)
        {
            self.log
                .say(Level::Warn, &format!("proxy {}: {error}", proxy.name));
        }
    }
}

impl Carried {
    /// Makes stages of a proxy's toxics.
    fn set_stages(&mut self, relay: &Relay, proxy: &Proxy) -> Result<(), String> {
        let [up, down] = [Direction::Upstream, Direction::Downstream].map(|direction| {
            let link = stages::of_the_link(proxy.toxics.chain(direction));
            (link, stages::of(proxy.toxics.chain(direction)))
        });
        self.told = [&up, &down].map(|((link, _), stages)| summary::of(link, stages));
        relay
            .set_loss_share(self.id, up.0.1, down.0.1)
            .and_then(|()| relay.set_conditions(self.id, up.0.0, down.0.0))
            .and_then(|()| relay.set_stages(self.id, up.1, down.1))
            .map_err(|error| error.to_string())
    }
}

/// Ends the connections of a link in order, as Toxiproxy does: clients see an end, not a reset. What does so is a
/// stage that closes when it is taken away.
fn close_connections(relay: &Relay, id: LinkId) -> Result<(), wharf_relay::Error> {
    let closing = |number| {
        vec![Stage {
            id: StageId(number),
            toxicity: wharf_link::Probability::ALWAYS,
            effect: Effect::Timeout {
                after: None,
                on_removal: OnRemoval::Close,
            },
        }]
    };
    relay.set_stages(id, closing(u64::MAX), closing(u64::MAX))?;
    relay.set_stages(id, Vec::new(), Vec::new())
}
