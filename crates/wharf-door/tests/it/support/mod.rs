//! What the tests stand on.

pub(crate) mod backend;
pub(crate) mod client;
pub(crate) mod load;
pub(crate) mod ports;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wharf_door::{Door, DoorConfig, DoorHandle, Published, Registration, RunDirRoutes};

use ports::Reserved;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again, for a bounded time, until `condition` holds.
pub(crate) fn await_that(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A run directory and a port, and what is registered there.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) port: Reserved,
    published: Vec<Published>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).expect("chmod");
        Self {
            dir,
            port: Reserved::pick(),
            published: Vec::new(),
        }
    }

    /// Registers a stack of this process.
    pub(crate) fn register(&mut self, stack: &str, hosts: &[(&str, SocketAddr)]) {
        let hosts: BTreeMap<_, _> = hosts
            .iter()
            .map(|(host, address)| ((*host).to_owned(), vec![*address]))
            .collect();
        let registration = Registration::of_this_process(stack, hosts);
        let published = registration.publish(self.path(), stack).expect("publish");
        self.published.push(published);
    }

    pub(crate) fn unregister_all(&mut self) {
        self.published.clear();
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn config(&self) -> DoorConfig {
        let routes = Arc::new(RunDirRoutes::new(self.path()));
        let mut config = DoorConfig::new(self.path(), routes);
        config.port = self.port.number;
        config
    }

    pub(crate) fn open(&self) -> DoorHandle {
        Door::start(self.config()).expect("start the door")
    }

    pub(crate) fn v4(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number).into()
    }

    pub(crate) fn v6(&self) -> SocketAddr {
        (Ipv6Addr::LOCALHOST, self.port.number).into()
    }
}
