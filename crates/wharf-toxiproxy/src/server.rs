//! Starting a server, and holding it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::watch;
use wharf_link::Seed;
use wharf_relay::{Cut, Relay};

use crate::carrier::{Bound, Exposure, LinkView, Links, ListenAt, bind, in_go_words};
use crate::http::{Api, Desk, Guard, Order, RequestIds, WithMetrics, serve};
use crate::log::{Level, Log};
use crate::metrics::Metrics;
use crate::model::Collection;
use crate::peers::PeerCheck;

/// Requests that wait for their turn.
const QUEUE: usize = 256;

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The host of the API. `localhost` and either loopback address stand for both.
    pub host: String,
    /// Its port; 0: any.
    pub port: u16,
    /// The proxies to begin with: the text of a config file, as for `/populate`.
    pub proxies: Option<String>,
    /// Whence it, and its proxies, may be reached.
    pub exposure: Exposure,
    /// Where all chance comes from.
    pub seed: Seed,
    /// What `/metrics` tells.
    pub metrics: Metrics,
    /// Who may ask.
    pub peers: PeerCheck,
    /// Where to say what happens.
    pub log: Log,
}

impl Config {
    /// Toxiproxy's defaults: port 8474 on loopback, no proxies, no metrics.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 8474,
            proxies: None,
            exposure: Exposure::default(),
            seed,
            metrics: Metrics::default(),
            peers: PeerCheck::same_user(Exposure::default()),
            log: Log::silent(),
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API's address cannot be had.
    #[error("serve Toxiproxy's API: {0}")]
    Listen(String),
    /// The proxies to begin with cannot be had.
    #[error("start the proxies of the config file: {0}")]
    Proxies(String),
    /// The relay did not start.
    #[error("serve Toxiproxy's API: {0}")]
    Relay(#[from] wharf_relay::Error),
    /// A thread, or its event loop, did not start.
    #[error("serve Toxiproxy's API: start a thread: {0}")]
    Thread(io::Error),
}

/// A running server. When it is dropped it ends: its API, its proxies and their connections.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    orders: Option<SyncSender<Order>>,
    end: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts a server: when this returns, its API answers and the proxies of its config listen.
    ///
    /// # Errors
    /// If an address cannot be had, or the config is not what it should be.
    pub fn start(config: Config) -> Result<Self, Error> {
        let listeners = api_listeners(&config)?;
        let addresses: Vec<SocketAddr> = listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect();
        let links = Links::new(Relay::start()?, config.exposure, config.seed, config.log.clone());
        let mut links = links.map_err(Error::Thread)?;
        let mut collection = Collection::default();
        if let Some(proxies) = &config.proxies {
            let populated = collection.populate(proxies, &mut links);
            if let Some(failure) = populated.failure {
                return Err(Error::Proxies(failure.error));
            }
        }
        let desk = Desk {
            collection,
            links,
            metrics: config.metrics,
        };
        let (orders, inbox) = sync_channel(QUEUE);
        let (end, ended) = watch::channel(false);
        let api = Arc::new(Api {
            guard: Guard {
                own: config.host.clone(),
                exposure: config.exposure,
            },
            metrics: match config.metrics.any() {
                true => WithMetrics::Yes,
                false => WithMetrics::No,
            },
            orders: orders.clone(),
            peers: config.peers,
            log: config.log,
            ids: RequestIds::new(config.seed.derive("requests").0 ^ u64::from(std::process::id())),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Thread)?;
        let log = api.log.clone();
        let threads = [
            spawn("toxiproxy-desk", move || desk.run(&inbox)),
            spawn("toxiproxy-api", move || {
                if let Err(error) = runtime.block_on(serve(listeners, api, ended)) {
                    log.say(Level::Error, &format!("the API has ended: {error}"));
                }
            }),
        ];
        let mut server = Self {
            addresses,
            orders: Some(orders),
            end,
            threads: Vec::new(),
        };
        for thread in threads {
            server.threads.push(thread.map_err(Error::Thread)?);
        }
        Ok(server)
    }

    /// Where the API answers.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The links of the proxies, in the order of their names, disabled ones included.
    #[must_use]
    pub fn links(&self) -> Vec<LinkView> {
        self.order(Order::Views).unwrap_or_default()
    }

    /// Cuts the link of a proxy; a second cut replaces the first. Clients of the API do not see it: they have toxics.
    /// `false`: no proxy of that name was ever started.
    pub fn cut(&self, proxy: &str, cut: Cut) -> bool {
        let order = |done| Order::Cut(proxy.to_owned(), Some(cut), done);
        self.order(order).unwrap_or_default()
    }

    /// Heals the link of a proxy. `false`: no proxy of that name was ever started.
    pub fn heal(&self, proxy: &str) -> bool {
        let order = |done| Order::Cut(proxy.to_owned(), None, done);
        self.order(order).unwrap_or_default()
    }

    /// Asks the desk; nothing if it is gone.
    fn order<T>(&self, order: impl FnOnce(SyncSender<T>) -> Order) -> Option<T> {
        let (answer, answered) = sync_channel(1);
        self.orders.as_ref()?.send(order(answer)).ok()?;
        answered.recv().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.send_replace(true);
        // With the API gone nobody else can ask the desk, so it ends too.
        self.orders = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// The sockets of the API, listening.
fn api_listeners(config: &Config) -> Result<Vec<TcpListener>, Error> {
    let host = match config.host.trim_matches(['[', ']']) {
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let wanted = format!("{host}:{}", config.port);
    let at = ListenAt::read(&wanted).map_err(Error::Listen)?;
    let bound = match at {
        // Clients that dial `localhost` may try either family first.
        ListenAt::One(address) if is_loopback_itself(address.ip()) => {
            let both = ListenAt::Wildcard(None, config.port);
            bind(both, Exposure::Loopback).or_else(|error| {
                let one = bind(at, Exposure::Loopback)?;
                config
                    .log
                    .say(Level::Warn, &format!("only {}: {error}", one.text));
                Ok(one)
            })
        }
        at => {
            if matches!(at, ListenAt::Wildcard(..)) && config.exposure == Exposure::Loopback {
                let line = format!(
                    "host {} stands for loopback; --allow-wildcard takes it at its word",
                    config.host
                );
                config.log.say(Level::Warn, &line);
            }
            bind(at, config.exposure)
        }
    };
    let Bound { sockets, text } = bound.map_err(Error::Listen)?;
    for socket in &sockets {
        let result = rustix::net::listen(socket, 128).map_err(io::Error::from);
        result.map_err(|error| Error::Listen(in_go_words(&text, &error)))?;
    }
    Ok(sockets)
}

fn is_loopback_itself(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::LOCALHOST) || (address.is_ipv6() && address.is_loopback())
}
