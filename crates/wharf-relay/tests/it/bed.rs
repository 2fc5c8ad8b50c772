//! A test bed: a provider, a relay, and a link between them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::SockRef;
use wharf_link::{Conditions, Jitter, Latency, QueueLimit, Rate, Seed, Size};
use wharf_relay::{LinkId, LinkSpec, LinkStats, ParkLimits, Provider, Relay, SegmentId};

/// Longer than anything takes on a busy machine: only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Bed {
    pub(crate) relay: Relay,
    pub(crate) link: LinkId,
    /// The link's address.
    pub(crate) address: SocketAddr,
    /// The provider, whose connections the test accepts itself.
    pub(crate) provider: TcpListener,
}

pub(crate) fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    // SO_RCVTIMEO bounds accept() as well.
    SockRef::from(&listener)
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out");
    listener
}

pub(crate) fn spec(listener: TcpListener, provider: Provider) -> LinkSpec {
    LinkSpec {
        name: "web -> api".to_owned(),
        listeners: vec![listener],
        provider,
        up: Conditions::CLEAR,
        down: Conditions::CLEAR,
        via: Vec::new(),
        seed: Seed(1),
        park: ParkLimits::default(),
    }
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(Conditions::CLEAR)
    }

    /// With the same conditions both ways.
    pub(crate) fn with(conditions: Conditions) -> Self {
        Self::made(|spec| {
            spec.up = conditions.clone();
            spec.down = conditions;
        })
    }

    pub(crate) fn made(change: impl FnOnce(&mut LinkSpec)) -> Self {
        let provider = listener();
        let own = provider.local_addr().expect("an address");
        let front = listener();
        let address = front.local_addr().expect("an address");
        let mut spec = spec(front, Provider::Ready(vec![own]));
        change(&mut spec);
        let relay = Relay::start().expect("a relay starts");
        let link = relay.add(spec).expect("a link");
        Self {
            relay,
            link,
            address,
            provider,
        }
    }

    /// The same, with a new link over a segment.
    pub(crate) fn over_segment(self, segment: SegmentId) -> Self {
        let front = listener();
        let address = front.local_addr().expect("an address");
        let own = self.provider.local_addr().expect("an address");
        let mut spec = spec(front, Provider::Ready(vec![own]));
        spec.via = vec![segment];
        let link = self.relay.add(spec).expect("a link");
        Self {
            address,
            link,
            ..self
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        patient(TcpStream::connect(self.address).expect("the link listens"))
    }

    pub(crate) fn accept(&self) -> TcpStream {
        patient(self.provider.accept().expect("the connection is carried").0)
    }

    /// Both ends of a connection.
    pub(crate) fn pair(&self) -> (TcpStream, TcpStream) {
        let client = self.connect();
        (client, self.accept())
    }

    pub(crate) fn stats(&self) -> LinkStats {
        self.relay.stats(self.link).expect("the link is there")
    }

    /// Waits until the figures are as wanted.
    #[track_caller]
    pub(crate) fn await_stats(&self, wanted: impl Fn(&LinkStats) -> bool) -> LinkStats {
        for _ in 0..3_000 {
            let stats = self.stats();
            if wanted(&stats) {
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
}

pub(crate) fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Sends a message one way and compares what arrives.
#[track_caller]
pub(crate) fn passes(mut from: &TcpStream, mut to: &TcpStream, message: &str) {
    from.write_all(message.as_bytes()).expect("it can be sent");
    let mut buffer = vec![0; message.len()];
    to.read_exact(&mut buffer).expect("it arrives");
    assert_eq!(String::from_utf8_lossy(&buffer), message);
}

/// Sees that the peer has ended in good order.
#[track_caller]
pub(crate) fn ends(mut stream: &TcpStream) {
    let count = stream.read(&mut [0; 16]).expect("it ends in good order");
    assert_eq!(count, 0, "nothing comes before the end");
}

/// Sees that the peer has reset, whatever came before.
#[track_caller]
pub(crate) fn is_reset(mut stream: &TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => panic!("an end in good order instead of a reset"),
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                return;
            }
        }
    }
}

/// Ends with a reset.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("no linger");
    drop(stream);
}

pub(crate) fn latency(millis: u32) -> Conditions {
    Conditions {
        latency: Latency::millis(millis),
        ..Conditions::CLEAR
    }
}

pub(crate) fn rate(rate: &str) -> Conditions {
    let rate: Rate = rate.parse().expect("a rate");
    Conditions {
        rate: Some(rate),
        ..Conditions::CLEAR
    }
}

/// One of each kind, for tests that hold under all.
pub(crate) fn all_kinds() -> Vec<Conditions> {
    let jitter = |jitter| Conditions {
        jitter: Some(jitter),
        ..latency(4)
    };
    let queue = |queue| Conditions {
        queue: Some(queue),
        ..rate("400mbit")
    };
    vec![
        Conditions::CLEAR,
        latency(3),
        jitter(Jitter::uniform(Duration::from_millis(3))),
        jitter(Jitter::normal(Duration::from_millis(2))),
        rate("200mbit"),
        rate("40gbit"),
        queue(QueueLimit::Packets(3)),
        queue(QueueLimit::Bytes(Size::from_bytes(1))),
        Conditions {
            rate: rate("300mbit").rate,
            ..jitter(Jitter::uniform(Duration::from_millis(1)))
        },
    ]
}
