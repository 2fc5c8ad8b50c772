//! An upstream that has a name: it is looked up for each connection, as the original does.
//!
//! The relay dials addresses. So between it and such an upstream stands a stage of `wharf_http` that carries
//! bytes, of which nothing is known, and asks the resolver for each of them, on threads of its own: nobody waits
//! for another's answer.

use std::sync::Arc;

use wharf_host::sockets::peer_uid;
use wharf_http::{Carries, Far, HttpStage, Limits, PeerVerdict, StageConfig, Upstream};

/// As many connections at once as the relay may have; beyond them it sheds, before they come here.
const CONNECTIONS: usize = 1 << 20;

/// The way to a name.
#[derive(Debug)]
pub(super) struct Named {
    host: String,
    port: u16,
    pub(super) stage: Arc<HttpStage>,
}

impl Named {
    pub(super) fn start(proxy: &str, host: &str, port: u16) -> Result<Self, String> {
        let upstream = Upstream {
            far: Far::Host(host.to_owned(), port),
            tls: None,
        };
        let mut config = StageConfig::new(proxy, upstream);
        config.carries = Carries::Raw;
        config.limits = Limits {
            connections: CONNECTIONS,
            ..Limits::default()
        };
        config.peer_check = Some(Arc::new(|local, peer| match peer_uid(local, peer).is_own() {
            true => PeerVerdict::Admit,
            false => PeerVerdict::Refuse,
        }));
        Ok(Self {
            host: host.to_owned(),
            port,
            stage: Arc::new(HttpStage::start(config).map_err(|error| error.to_string())?),
        })
    }

    /// Whether it leads there.
    pub(super) fn is_to(&self, host: &str, port: u16) -> bool {
        (self.host.as_str(), self.port) == (host, port)
    }
}
