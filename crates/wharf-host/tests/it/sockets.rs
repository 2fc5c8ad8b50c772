use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};

use socket2::{Domain, Type};
use wharf_facts::{Protocol, Socket, TcpState};
use wharf_host::sockets::{self, PeerUid, States};

use crate::{eventually, skip};

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn find(all: &[Socket], local: SocketAddr) -> Option<&Socket> {
    all.iter().find(|socket| socket.local == local)
}

#[track_caller]
fn check_listener(bind: &str) {
    let listener = match TcpListener::bind(bind) {
        Ok(listener) => listener,
        Err(error) => {
            skip("listeners_are_seen", &format_args!("bind {bind}: {error}"));
            return;
        }
    };
    let address = listener.local_addr().expect("an address");
    let all = sockets::listeners().expect("listeners");
    assert!(all.iter().all(|socket| socket.state == TcpState::Listen));
    let socket = find(&all, address).expect("our listener");
    assert_eq!(socket.protocol, Protocol::Tcp);
    assert_eq!(socket.uid, uid());
    // Bound to one IPv6 address, a socket is IPv6's only, whatever its option says.
    assert_eq!(socket.v6only, address.is_ipv6().then_some(true));
    let mine = wharf_host::process::socket_inodes(std::process::id()).expect("our inodes");
    assert!(mine.contains(&socket.inode));
    drop(listener);
    assert_eq!(find(&sockets::listeners().expect("listeners"), address), None);
}

#[test]
fn listeners_are_seen() {
    check_listener("127.0.0.1:0");
    check_listener("[::1]:0");
}

#[test]
fn a_bound_socket_is_seen_where_the_kernel_tells_of_it() {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("bind");
    let address = socket
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("an address");
    let all = sockets::tcp(States::BOUND_INACTIVE).expect("sockets");
    match find(&all, address) {
        Some(found) => assert_eq!((found.uid, found.state), (uid(), TcpState::BoundInactive)),
        None => skip(
            "a_bound_socket_is_seen_where_the_kernel_tells_of_it",
            &"this one does not",
        ),
    }
}

#[test]
fn udp_sockets_are_seen() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
    let address = socket.local_addr().expect("an address");
    let all = sockets::udp().expect("sockets");
    let found = find(&all, address).expect("our socket");
    assert_eq!(
        (found.protocol, found.state, found.uid),
        (Protocol::Udp, TcpState::Close, uid())
    );
}

/// A server's address, and a connection to it seen from both ends.
fn connection(bind: &str, connect: impl Fn(SocketAddr) -> SocketAddr) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(bind).expect("bind");
    let address = listener.local_addr().expect("an address");
    let client = TcpStream::connect(connect(address)).expect("connect");
    (client, listener.accept().expect("accept").0)
}

fn peer_of(server: &TcpStream) -> PeerUid {
    let local = server.local_addr().expect("an address");
    sockets::peer_uid(local, server.peer_addr().expect("an address"))
}

#[test]
fn the_far_end_of_a_connection_is_ours() {
    let (_client, server) = connection("127.0.0.1:0", |address| address);
    assert_eq!(peer_of(&server), PeerUid::Known(uid()));
    // An IPv6 server may see an IPv4 client, as ::ffff:127.0.0.1; the client's socket is IPv4.
    match TcpListener::bind("[::1]:0") {
        Ok(_) => {
            let v4 = |address: SocketAddr| ([127, 0, 0, 1], address.port()).into();
            let (_client, server) = connection("[::ffff:127.0.0.1]:0", v4);
            assert_eq!(peer_of(&server), PeerUid::Known(uid()));
            let (_client, server) = connection("[::1]:0", |address| address);
            assert_eq!(peer_of(&server), PeerUid::Known(uid()));
        }
        Err(error) => skip(
            "the_far_end_of_a_connection_is_ours",
            &format_args!("IPv6: {error}"),
        ),
    }
}

#[test]
fn a_far_end_that_listens_on_for_the_answer_is_ours() {
    let (client, mut server) = connection("127.0.0.1:0", |address| address);
    client.shutdown(Shutdown::Write).expect("half-closed");
    assert_eq!(server.read(&mut [0; 1]).expect("its end"), 0);
    assert_eq!(peer_of(&server), PeerUid::Known(uid()));
}

#[test]
fn a_far_end_that_is_closed_is_nobodys() {
    let (client, server) = connection("127.0.0.1:0", |address| address);
    drop(client);
    eventually("a closed peer", || peer_of(&server) == PeerUid::Unknown);
}

#[test]
fn an_address_that_only_listens_is_no_peer() {
    let (client, server) = connection("127.0.0.1:0", |address| address);
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let listening = listener.local_addr().expect("an address");
    let local = server.local_addr().expect("an address");
    assert_eq!(sockets::peer_uid(local, listening), PeerUid::Unknown);
    let mixed = "[::1]:9".parse().expect("an address");
    assert_eq!(sockets::peer_uid(local, mixed), PeerUid::Unknown);
    drop(client);
}

#[test]
fn many_sockets_come_in_many_datagrams() {
    let listeners: Vec<TcpListener> = (0..600)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("bind"))
        .collect();
    let all = sockets::listeners().expect("listeners");
    for listener in &listeners {
        let address = listener.local_addr().expect("an address");
        assert_eq!(all.iter().filter(|socket| socket.local == address).count(), 1);
    }
}
