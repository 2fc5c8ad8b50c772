//! Binding what a proxy listens at, without leaving loopback.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use super::address::ListenAt;

/// How far proxies and the API may be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// From this machine only: a wildcard stands for both loopback addresses, and any other address is refused.
    #[default]
    Loopback,
    /// From wherever the addresses say.
    AsWritten,
}

/// Sockets that are bound and do not listen yet.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) sockets: Vec<TcpListener>,
    /// The address to tell, as Go would.
    pub(crate) text: String,
}

/// How often another port is tried when the one that IPv4 gave is taken on IPv6.
const TRIES: usize = 16;

/// Binds an address. The error is a sentence such as Go's.
pub(crate) fn bind(at: ListenAt, exposure: Exposure) -> Result<Bound, String> {
    match (at, exposure) {
        (ListenAt::One(address), Exposure::Loopback) if !address.ip().is_loopback() => Err(format!(
            "listen tcp {address}: not on loopback; start `wharf toxiproxy` with --allow-wildcard to allow it"
        )),
        (ListenAt::One(address), _) => {
            let socket = bind_one(address, Families::Own).map_err(|error| in_go_words(address, &error))?;
            let address = socket
                .local_addr()
                .map_err(|error| in_go_words(address, &error))?;
            Ok(Bound {
                sockets: vec![socket],
                text: address.to_string(),
            })
        }
        (ListenAt::Wildcard(_, port), Exposure::Loopback) => both_loopbacks(port),
        (ListenAt::Wildcard(_, port), Exposure::AsWritten) => everywhere(port),
    }
}

/// Which families an IPv6 socket serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Families {
    Own,
    Both,
}

/// Both loopback addresses; IPv4 alone where the machine has no IPv6.
fn both_loopbacks(port: u16) -> Result<Bound, String> {
    let told = |port| SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    let failed = |error: &io::Error| in_go_words(told(port), error);
    let mut tries = TRIES;
    loop {
        let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let first = bind_one(v4, Families::Own).map_err(|error| failed(&error))?;
        let port = first.local_addr().map_err(|error| failed(&error))?.port();
        let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
        let sockets = match bind_one(v6, Families::Own) {
            Ok(second) => vec![first, second],
            Err(error) if is_no_ipv6(&error) => vec![first],
            Err(_) if v4.port() == 0 && tries > 0 => {
                tries -= 1;
                continue;
            }
            Err(error) => return Err(failed(&error)),
        };
        return Ok(Bound {
            sockets,
            text: told(port).to_string(),
        });
    }
}

fn everywhere(port: u16) -> Result<Bound, String> {
    let told = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    let socket = match bind_one(told, Families::Both) {
        Err(error) if is_no_ipv6(&error) => bind_one(
            SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
            Families::Own,
        ),
        result => result,
    };
    let socket = socket.map_err(|error| in_go_words(told, &error))?;
    let port = socket
        .local_addr()
        .map_err(|error| in_go_words(told, &error))?
        .port();
    Ok(Bound {
        sockets: vec![socket],
        text: SocketAddr::new(told.ip(), port).to_string(),
    })
}

fn bind_one(address: SocketAddr, families: Families) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // As Go does: a port that was just in use can be had again.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(families == Families::Own)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn is_no_ipv6(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::ADDRNOTAVAIL, Errno::AFNOSUPPORT]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Go's sentence: `listen tcp 127.0.0.1:3310: bind: address already in use`.
pub(crate) fn in_go_words(address: impl std::fmt::Display, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    format!("listen tcp {address}: bind: {why}")
}
