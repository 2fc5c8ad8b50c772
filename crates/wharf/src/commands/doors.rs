//! The door, as a running stack serves it or waits for it.

use std::net::SocketAddr;
use std::sync::Arc;

use wharf_door::{DoorConfig, DoorHandle, PeerVerdict, Role, RunDirRoutes, WhoHas};
use wharf_lease::{Checkout, Key, Registry};
use wharf_stack::Stack;
use wharf_stack::logs::{Logs, Stream};

use crate::surroundings::Surroundings;

/// A door that is open, or the reason why not, which the log has.
pub(super) struct Door {
    handle: Option<DoorHandle>,
}

impl Door {
    /// Opens the door, or waits for it behind another stack. That it cannot be had stops no
    /// stack: every service has its direct address.
    pub(super) fn open(here: &Surroundings, stack: &Stack) -> Self {
        let run_dir = stack.run_dir().to_owned();
        let mut config = DoorConfig::new(&run_dir, Arc::new(RunDirRoutes::new(&run_dir)));
        config.port = here.door_port;
        config.who_has = Some(Arc::new(ListeningOwner));
        config.peer_check = Some(Arc::new(is_same_user));
        let (state, leases) = (here.state.clone(), here.leases);
        config.fallback = Some(Box::new(move || {
            // One lease for the user's door, whichever stack serves it.
            let key = Key {
                checkout: Checkout::at(state.path()).map_err(std::io::Error::other)?,
                service: "door".to_owned(),
                port: "door".to_owned(),
            };
            let registry = Registry::open(&state, leases).map_err(std::io::Error::other)?;
            let (_, hold) = registry.lease_held(&key).map_err(std::io::Error::other)?;
            hold.listen().map_err(std::io::Error::other)
        }));
        let logs = stack.logs();
        match wharf_door::Door::start(config) {
            Ok(handle) => {
                say_role(&logs, &handle.role());
                Door { handle: Some(handle) }
            }
            Err(error) => {
                logs.add(
                    "door",
                    Stream::Wharf,
                    format!("{error}: use the direct URLs, `wharf url SERVICE --direct`"),
                );
                Door { handle: None }
            }
        }
    }

    /// Passes the door on, and answers what is in flight.
    pub(super) fn close(self) {
        if let Some(handle) = self.handle {
            handle.exit();
        }
    }
}

fn say_role(logs: &Logs, role: &Role) {
    let lost = match role {
        Role::Serving { lost, .. } => lost.as_slice(),
        Role::Elsewhere { addresses, lost } => {
            let at: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            logs.add(
                "door",
                Stream::Wharf,
                format!("the door is at {} instead", at.join(" and ")),
            );
            lost.as_slice()
        }
        Role::Failed { why } => {
            logs.add("door", Stream::Wharf, why.clone());
            return;
        }
        Role::Waiting | Role::Gone => return,
    };
    for address in lost {
        logs.add("door", Stream::Wharf, address.to_string());
    }
}

/// Only this user's processes come through the door. What is not known is refused.
fn is_same_user(local: SocketAddr, peer: SocketAddr) -> PeerVerdict {
    match wharf_host::sockets::peer_uid(local, peer).is_own() {
        true => PeerVerdict::Admit,
        false => PeerVerdict::Refuse,
    }
}

struct ListeningOwner;

impl WhoHas for ListeningOwner {
    fn who_has(&self, address: SocketAddr) -> Option<String> {
        let listeners = wharf_host::sockets::listeners().ok()?;
        let listener = listeners.iter().find(|socket| socket.covers(address))?;
        wharf_host::owner::of(listener)
            .ok()
            .map(|owner| owner.to_string())
    }
}
