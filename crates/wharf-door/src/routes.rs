//! Where names lead.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::Hostname;

/// The answer to one name.
#[derive(Clone, Debug)]
pub enum Route {
    /// The name is a service's.
    To(Arc<Target>),
    /// Nobody has this name.
    Unknown,
}

/// A table of names. Asked anew for each request, on the door's own thread: an answer must be quick.
pub trait Routes: Send + Sync + 'static {
    /// Where `host` leads.
    fn route(&self, host: &Hostname) -> Route;
}

/// A service behind a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The stack's name.
    pub stack: String,
    /// The service's name, for messages.
    pub service: String,
    /// Where it is reached (its `door -> service` link). Tried in order.
    pub addresses: Vec<SocketAddr>,
    /// All names of the same stack: pages of these, on the door's port, may call the service.
    pub names: BTreeSet<Hostname>,
}
