//! Which addresses are this machine's.

use std::net::IpAddr;

use wharf_facts::Seen;

/// The addresses of this machine's interfaces.
#[cfg(unix)]
pub(crate) fn own_addresses() -> Seen<Vec<IpAddr>> {
    nix::ifaddrs::getifaddrs()
        .map(|all| all.filter_map(|one| ip(&one.address?)).collect())
        .into()
}

#[cfg(unix)]
fn ip(address: &nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

/// The addresses of this machine's interfaces.
#[cfg(not(unix))]
pub(crate) fn own_addresses() -> Seen<Vec<IpAddr>> {
    Seen::unknown("not known on this system")
}
