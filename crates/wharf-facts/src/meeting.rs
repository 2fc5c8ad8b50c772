//! What a connect would meet.

use std::net::{IpAddr, SocketAddr};

use crate::{Family, Seen, Snapshot, SocketFacts};

/// What a connect() to one of this machine's own addresses would meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meeting<'a> {
    /// This listener; several share the connections between them (SO_REUSEPORT). Never empty.
    Listeners(Vec<&'a SocketFacts>),
    /// Nobody: it would be refused, unless a packet filter takes it elsewhere.
    Nobody,
    /// It cannot be told, for this reason.
    Unknown(&'a str),
}

/// A step of connecting to a name: an address it resolves to, and what is met there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route<'a> {
    /// The address.
    pub address: SocketAddr,
    /// What is met there.
    pub meeting: Meeting<'a>,
}

impl Snapshot {
    /// What a TCP connect() to `target` on this machine would meet.
    ///
    /// As the kernel chooses (net/ipv4/inet_hashtables.c: `inet_lookup_listener`,
    /// `compute_score`): a listener bound to the very address wins over one bound to all, however
    /// new either is; of these an IPv4 socket wins over a dual-stack IPv6 one; one bound to an
    /// interface wins over one that is not. Which interface a packet comes by is not known here: a
    /// listener bound to another one than loopback counts only for addresses beyond loopback.
    #[must_use]
    pub fn meets(&self, target: SocketAddr) -> Meeting<'_> {
        let sockets = match &self.tcp {
            Seen::Known(sockets) => sockets,
            Seen::Unknown(why) => return Meeting::Unknown(why),
        };
        let mut best = Vec::new();
        let mut highest = 0;
        for listener in sockets.iter().filter(|socket| socket.listens()) {
            let score = self.score(listener, target);
            if score > highest {
                best.clear();
                highest = score;
            }
            if score > 0 && score == highest {
                best.push(listener);
            }
        }
        if best.is_empty() {
            return Meeting::Nobody;
        }
        Meeting::Listeners(best)
    }

    /// What connecting to `port` of `name` would meet, address after address, in the order in which
    /// clients try them; only those of `family`, if one is given. `name` may be an address.
    ///
    /// Unknown where the name was not resolved; empty where it does not resolve.
    #[must_use]
    pub fn routes(&self, name: &str, family: Option<Family>, port: u16) -> Seen<Vec<Route<'_>>> {
        let literal = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let addresses = match literal {
            Ok(address) => vec![address],
            Err(_) => {
                let Some(resolution) = self.names.resolution(name) else {
                    return Seen::unknown(format_args!("`{name}` was not resolved"));
                };
                if let Some(why) = resolution.answer.why_unknown() {
                    return Seen::unknown(why);
                }
                resolution.addresses().to_vec()
            }
        };
        let wanted = |address: &IpAddr| family.is_none_or(|family| Family::of(*address) == family);
        Seen::Known(
            addresses
                .into_iter()
                .filter(wanted)
                .map(|address| SocketAddr::new(address, port))
                .map(|address| Route {
                    address,
                    meeting: self.meets(address),
                })
                .collect(),
        )
    }

    /// How strongly `listener` claims a connection to `target`; 0 is not at all.
    fn score(&self, listener: &SocketFacts, target: SocketAddr) -> u8 {
        let socket = &listener.socket;
        if !socket.covers(target) {
            return 0;
        }
        let for_interface = match socket.interface {
            None => 0,
            Some(index) if target.ip().to_canonical().is_loopback() == self.is_loopback(index) => 1,
            Some(_) => return 0,
        };
        let bound = socket.local.ip();
        let for_address = if bound.to_canonical().is_unspecified() {
            0
        } else {
            4
        };
        let for_family = if bound.is_ipv4() == target.ip().to_canonical().is_ipv4() {
            2
        } else {
            0
        };
        1 + for_address + for_family + for_interface
    }

    fn is_loopback(&self, index: u32) -> bool {
        self.interfaces
            .items()
            .iter()
            .any(|interface| interface.index == index && interface.loopback == Seen::Known(true))
    }
}
