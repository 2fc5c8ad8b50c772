//! Where links lead: to a service, as it is seen to listen, or to an external.

use std::net::ToSocketAddrs;

use wharf_http::{Far, Roots, TlsOrigination, Upstream};
use wharf_relay::Provider;

use super::StackError;
use crate::listens::{Listens, reachable};
use crate::project::{External, ExternalAddress, TlsRoots};

/// Where a link leads, with its connections and with its datagrams.
#[derive(Clone, Debug)]
pub(super) struct FarEnd {
    pub(super) tcp: Provider,
    pub(super) udp: Provider,
}

impl FarEnd {
    /// The same for both.
    pub(super) fn both(provider: Provider) -> Self {
        Self {
            tcp: provider.clone(),
            udp: provider,
        }
    }

    /// A service that is ready, and listens here.
    pub(super) fn ready(listens: &Listens) -> Self {
        Self {
            tcp: Provider::Ready(reachable(&listens.tcp)),
            udp: Provider::Ready(reachable(&listens.udp)),
        }
    }

    /// The addresses of an external.
    pub(super) fn of_external(external: &External) -> Result<Self, StackError> {
        match &external.address {
            ExternalAddress::Socket(address) => Ok(Self::both(Provider::Ready(vec![*address]))),
            ExternalAddress::Named(host, port) => {
                let resolved = (host.as_str(), port.get()).to_socket_addrs();
                let addresses = resolved.map_err(|source| StackError::Resolve {
                    external: external.name.to_string(),
                    name: external.address.to_string(),
                    source,
                })?;
                Ok(Self::both(Provider::Ready(addresses.collect())))
            }
        }
    }
}

/// Where a stage dials.
pub(super) fn upstream_of(
    far: &Provider,
    external: Option<&External>,
    directory: &std::path::Path,
) -> Upstream {
    let addresses = match far {
        Provider::Ready(addresses) => addresses.clone(),
        Provider::Starting | Provider::Down => Vec::new(),
    };
    let Some(external) = external else {
        return Upstream::clear(addresses);
    };
    let far = match &external.address {
        ExternalAddress::Socket(address) => Far::Addresses(vec![*address]),
        ExternalAddress::Named(host, port) => Far::Host(host.clone(), port.get()),
    };
    let tls = external.tls.as_ref().map(|tls| TlsOrigination {
        server_name: tls.name.clone(),
        roots: match &tls.roots {
            TlsRoots::Platform => Roots::Platform,
            TlsRoots::File(file) => Roots::File(directory.join(file)),
            TlsRoots::Nobody => Roots::DangerouslyUnverified,
        },
        alpn: match external.protocol.scheme() {
            "postgresql" => vec!["postgresql".to_owned()],
            _ => Vec::new(),
        },
    });
    Upstream { far, tls }
}
