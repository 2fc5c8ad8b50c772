//! A test bed: a provider that is a UDP socket, a relay, and a link between them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use wharf_link::{Conditions, Seed, Settings};
use wharf_relay::{DatagramLimits, DatagramSpec, DatagramStats, LinkId, LinkStats, Provider, Relay};

use crate::bed::PATIENCE;

/// The name of the link, from which its randomness follows.
pub(crate) const NAME: &str = "web -> game";

pub(crate) struct Bed {
    pub(crate) relay: Relay,
    pub(crate) link: LinkId,
    /// The link's address.
    pub(crate) address: SocketAddr,
    /// The provider, for which the test answers itself.
    pub(crate) provider: UdpSocket,
}

/// A socket that waits long, and holds much.
pub(crate) fn socket(address: impl Into<SocketAddr>) -> UdpSocket {
    let socket = UdpSocket::bind(address.into()).expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let _ = SockRef::from(&socket).set_recv_buffer_size(4 << 20);
    socket
}

pub(crate) fn on_v4() -> UdpSocket {
    socket((Ipv4Addr::LOCALHOST, 0))
}

pub(crate) fn on_v6() -> UdpSocket {
    socket((Ipv6Addr::LOCALHOST, 0))
}

/// Holds a port at which nobody is: datagrams to it are refused, as the socket hears only itself.
/// A socket made by [`at_held`] may come and go there.
pub(crate) fn held() -> UdpSocket {
    let socket = shared((Ipv4Addr::LOCALHOST, 0).into());
    socket.connect(own(&socket)).expect("an address to speak to");
    socket
}

/// A socket at a port that is [`held`].
pub(crate) fn at_held(holder: &UdpSocket) -> UdpSocket {
    shared(own(holder))
}

fn shared(address: SocketAddr) -> UdpSocket {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None).expect("a socket");
    socket.set_reuse_port(true).expect("an option");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    socket.bind(&address.into()).expect("a port");
    socket.into()
}

pub(crate) fn own(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("an address")
}

pub(crate) fn spec(socket: UdpSocket, provider: Provider) -> DatagramSpec {
    DatagramSpec {
        name: NAME.to_owned(),
        sockets: vec![socket],
        provider,
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        seed: Seed(1),
        via: Vec::new(),
        limits: DatagramLimits::default(),
    }
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::made(|_| {})
    }

    pub(crate) fn made(change: impl FnOnce(&mut DatagramSpec)) -> Self {
        Self::between(on_v4(), on_v4(), change)
    }

    pub(crate) fn between(
        front: UdpSocket,
        provider: UdpSocket,
        change: impl FnOnce(&mut DatagramSpec),
    ) -> Self {
        let address = own(&front);
        let mut spec = spec(front, Provider::Ready(vec![own(&provider)]));
        change(&mut spec);
        let relay = Relay::start().expect("a relay starts");
        let link = relay.add_datagrams(spec).expect("a link");
        Self {
            relay,
            link,
            address,
            provider,
        }
    }

    /// A client that speaks to the link.
    pub(crate) fn client(&self) -> UdpSocket {
        let client = match self.address {
            SocketAddr::V4(_) => on_v4(),
            SocketAddr::V6(_) => on_v6(),
        };
        client.connect(self.address).expect("an address to speak to");
        client
    }

    pub(crate) fn stats(&self) -> LinkStats {
        self.relay.stats(self.link).expect("the link is there")
    }

    pub(crate) fn datagrams(&self) -> DatagramStats {
        self.stats().datagrams.expect("a link for datagrams")
    }

    /// Waits until the figures are as wanted.
    #[track_caller]
    pub(crate) fn await_stats(&self, wanted: impl Fn(&LinkStats, &DatagramStats) -> bool) -> LinkStats {
        for _ in 0..3_000 {
            let stats = self.stats();
            if stats
                .datagrams
                .as_ref()
                .is_some_and(|datagrams| wanted(&stats, datagrams))
            {
                return stats;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the figures never became as wanted: {:?}", self.stats());
    }

    pub(crate) fn set(&self, conditions: Conditions) {
        self.relay
            .set_conditions(self.link, conditions.clone(), conditions)
            .expect("the link is there");
    }

    pub(crate) fn set_provider(&self, provider: Provider) {
        self.relay
            .set_provider(self.link, provider)
            .expect("the link is there");
    }

    /// Receives what a client has sent, and from which of the link's sockets.
    #[track_caller]
    pub(crate) fn hear(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 1 << 16];
        let (len, from) = self.provider.recv_from(&mut buffer).expect("a datagram arrives");
        buffer.truncate(len);
        (buffer, from)
    }

    /// Sends a message to the provider and one back, and compares what arrives.
    #[track_caller]
    pub(crate) fn converses(&self, client: &UdpSocket, message: &str) {
        client.send(message.as_bytes()).expect("it can be sent");
        let (heard, from) = self.hear();
        assert_eq!(String::from_utf8_lossy(&heard), message);
        let answer = format!("{message}, too");
        self.provider
            .send_to(answer.as_bytes(), from)
            .expect("it can be sent");
        assert_eq!(String::from_utf8_lossy(&listen(client)), answer);
    }
}

/// Receives one datagram.
#[track_caller]
pub(crate) fn listen(client: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 16];
    let len = client.recv(&mut buffer).expect("a datagram arrives");
    buffer.truncate(len);
    buffer
}

/// Sees that the kernel tells a client that nobody is there.
#[track_caller]
pub(crate) fn is_refused(client: &UdpSocket) {
    client.send(b"anybody?").expect("it can be sent");
    let error = client.recv(&mut [0; 64]).expect_err("nobody answers");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// Conditions as people write them.
pub(crate) fn conditions(settings: &[(&str, &str)]) -> Conditions {
    let mut all = Settings::default();
    for (key, text) in settings {
        all.set(key, text).expect("a setting");
    }
    all.resolve(&Conditions::CLEAR, &mut |name| Err(format!("no file {name}")))
        .expect("conditions")
}
