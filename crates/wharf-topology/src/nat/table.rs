//! Who has which outside port, and whom they have spoken with.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use wharf_packet::{Packet, Protocol};

use super::NatDrop;
use super::behaviour::{Behaviour, Dependence};
use super::ports;
use crate::expiry::Expiring;
use crate::topology::Side;
use crate::track::Track;

/// What a mapping is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct MapKey {
    protocol: Protocol,
    inside: SocketAddrV4,
    /// The other end, as far as mappings depend on it. Elsewhere zero.
    remote: SocketAddrV4,
}

/// A conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SessionKey {
    protocol: Protocol,
    inside: SocketAddrV4,
    remote: SocketAddrV4,
}

#[derive(Debug, Clone)]
struct Mapping {
    outside: SocketAddrV4,
    /// How many conversations have it. It ends with the last.
    sessions: usize,
}

#[derive(Debug, Clone)]
struct Session {
    mapping: MapKey,
    outside: SocketAddrV4,
    track: Track,
}

#[derive(Debug, Clone)]
pub(super) struct Table {
    behaviour: Behaviour,
    outside: Vec<Ipv4Addr>,
    mappings: BTreeMap<MapKey, Mapping>,
    by_outside: BTreeMap<(Protocol, SocketAddrV4), MapKey>,
    /// How many ports each inside address has.
    ports: BTreeMap<Ipv4Addr, usize>,
    sessions: Expiring<SessionKey, Session>,
    counter: u16,
}

impl Table {
    pub(super) fn new(behaviour: Behaviour, outside: Vec<Ipv4Addr>) -> Self {
        Self {
            behaviour,
            outside,
            mappings: BTreeMap::new(),
            by_outside: BTreeMap::new(),
            ports: BTreeMap::new(),
            sessions: Expiring::new(behaviour.most_sessions),
            counter: 0,
        }
    }

    pub(super) fn is_own(&self, address: Ipv4Addr) -> bool {
        self.outside.contains(&address)
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn mappings(&self) -> usize {
        self.mappings.len()
    }

    /// The outside end of what `inside` sends to `remote`.
    pub(super) fn outbound(
        &mut self,
        now: Duration,
        (protocol, inside, remote): (Protocol, SocketAddrV4, SocketAddrV4),
        packet: &Packet<'_>,
    ) -> Result<SocketAddrV4, NatDrop> {
        let key = SessionKey {
            protocol,
            inside,
            remote,
        };
        if let Some(outside) = self.refresh(now, &key, Side::Inside, packet) {
            return Ok(outside);
        }
        self.open(now, key, Side::Inside, packet)
    }

    /// The inside end of what `remote` sends to `outside`. None: nobody has that port.
    pub(super) fn inbound(
        &mut self,
        now: Duration,
        (protocol, remote, outside): (Protocol, SocketAddrV4, SocketAddrV4),
        packet: &Packet<'_>,
    ) -> Result<Option<SocketAddrV4>, NatDrop> {
        let Some(mapping) = self.by_outside.get(&(protocol, outside)) else {
            return Ok(None);
        };
        let inside = mapping.inside;
        let key = SessionKey {
            protocol,
            inside,
            remote,
        };
        let is_known = |session: &Session| session.outside == outside;
        if self.sessions.get(&key).is_some_and(is_known) {
            // Of UDP and pings only what goes out counts, so that nobody outside can hold a port open
            // (RFC 4787, section 4.3, REQ-6).
            if protocol == Protocol::TCP {
                self.refresh(now, &key, Side::Outside, packet);
            }
            return Ok(Some(inside));
        }
        let with_port = |port| SessionKey {
            remote: SocketAddrV4::new(*remote.ip(), port),
            ..key
        };
        let may = match self.behaviour.filtering {
            Dependence::EndpointIndependent => true,
            Dependence::AddressDependent => self
                .sessions
                .between(with_port(0), with_port(u16::MAX))
                .any(is_known),
            Dependence::AddressAndPortDependent => false,
        };
        if !may {
            return Err(NatDrop::Filtered);
        }
        if protocol == Protocol::TCP && self.sessions.get(&key).is_none() {
            // The answer must go out by the port that was asked.
            self.add(now, key, *mapping, outside, Side::Outside, packet)?;
        }
        Ok(Some(inside))
    }

    /// The outside end of a conversation that is there.
    pub(super) fn outside_of(
        &self,
        protocol: Protocol,
        inside: SocketAddrV4,
        remote: SocketAddrV4,
    ) -> Option<SocketAddrV4> {
        let key = SessionKey {
            protocol,
            inside,
            remote,
        };
        self.sessions.get(&key).map(|session| session.outside)
    }

    /// The inside end of a conversation that is there.
    pub(super) fn inside_of(
        &self,
        protocol: Protocol,
        outside: SocketAddrV4,
        remote: SocketAddrV4,
    ) -> Option<SocketAddrV4> {
        let inside = self.by_outside.get(&(protocol, outside))?.inside;
        let known = self.outside_of(protocol, inside, remote)?;
        (known == outside).then_some(inside)
    }

    /// Forgets what is over.
    pub(super) fn expire(&mut self, now: Duration) {
        while let Some((_, session)) = self.sessions.expired(now) {
            let Some(mapping) = self.mappings.get_mut(&session.mapping) else {
                continue;
            };
            mapping.sessions -= 1;
            if mapping.sessions > 0 {
                continue;
            }
            self.mappings.remove(&session.mapping);
            self.by_outside
                .remove(&(session.mapping.protocol, session.outside));
            let host = *session.mapping.inside.ip();
            if let Some(ports) = self.ports.get_mut(&host) {
                *ports -= 1;
                if *ports == 0 {
                    self.ports.remove(&host);
                }
            }
        }
    }

    /// Notes a packet of a conversation, if it is there, and says its outside end.
    fn refresh(
        &mut self,
        now: Duration,
        key: &SessionKey,
        from: Side,
        packet: &Packet<'_>,
    ) -> Option<SocketAddrV4> {
        let timeouts = &self.behaviour.timeouts;
        self.sessions.update(key, |session| {
            session.track.note(from, packet);
            (
                now + session.track.timeout(key.protocol, timeouts),
                session.outside,
            )
        })
    }

    /// A conversation that begins inside.
    fn open(
        &mut self,
        now: Duration,
        key: SessionKey,
        from: Side,
        packet: &Packet<'_>,
    ) -> Result<SocketAddrV4, NatDrop> {
        const ANY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let map = MapKey {
            protocol: key.protocol,
            inside: key.inside,
            remote: match self.behaviour.mapping {
                Dependence::EndpointIndependent => ANY,
                Dependence::AddressDependent => SocketAddrV4::new(*key.remote.ip(), 0),
                Dependence::AddressAndPortDependent => key.remote,
            },
        };
        if let Some(mapping) = self.mappings.get(&map) {
            let outside = mapping.outside;
            self.add(now, key, map, outside, from, packet)?;
            return Ok(outside);
        }
        if self.sessions.is_full() {
            return Err(NatDrop::Full);
        }
        let host = *key.inside.ip();
        if self.ports.get(&host).copied().unwrap_or(0) >= self.behaviour.most_ports {
            return Err(NatDrop::HostLimit);
        }
        let outside = self.assign(key.protocol, key.inside)?;
        let mapping = Mapping { outside, sessions: 0 };
        self.mappings.insert(map, mapping);
        self.by_outside.insert((key.protocol, outside), map);
        *self.ports.entry(host).or_default() += 1;
        self.add(now, key, map, outside, from, packet)?;
        Ok(outside)
    }

    fn add(
        &mut self,
        now: Duration,
        key: SessionKey,
        mapping: MapKey,
        outside: SocketAddrV4,
        from: Side,
        packet: &Packet<'_>,
    ) -> Result<(), NatDrop> {
        let mut track = Track::default();
        track.note(from, packet);
        let until = now + track.timeout(key.protocol, &self.behaviour.timeouts);
        let session = Session {
            mapping,
            outside,
            track,
        };
        if !self.sessions.insert(key, session, until) {
            return Err(NatDrop::Full);
        }
        if let Some(mapping) = self.mappings.get_mut(&mapping) {
            mapping.sessions += 1;
        }
        Ok(())
    }

    /// A free outside end for an inside one. An inside address has always the same outside address
    /// ("paired" pooling: RFC 4787, section 4.1, REQ-2).
    fn assign(&mut self, protocol: Protocol, inside: SocketAddrV4) -> Result<SocketAddrV4, NatDrop> {
        let pool = self.outside.len().max(1);
        let address = self.outside.get(inside.ip().to_bits() as usize % pool);
        let address = *address.ok_or(NatDrop::NoPort)?;
        let is_free = |port| {
            !self
                .by_outside
                .contains_key(&(protocol, SocketAddrV4::new(address, port)))
        };
        let port = ports::choose(self.behaviour.ports, inside.port(), &mut self.counter, is_free);
        port.map(|port| SocketAddrV4::new(address, port))
            .ok_or(NatDrop::NoPort)
    }
}
