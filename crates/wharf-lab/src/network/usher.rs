//! Who opens the ports of a network as packets ask for them.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use wharf_topology::NodeId;

use super::keeper::Keeper;
use super::message::{Answer, Ask};
use crate::gateway::{Gateway, each_knock, let_in};
use crate::switch::gate::{Held, Open};
use crate::switch::port::Port;

/// Opens ports as packets ask for them.
pub(super) struct Usher {
    pub(super) keeper: Arc<Keeper>,
    /// The node, the port and the gate of each device.
    pub(super) places: Vec<(NodeId, Port, Option<Arc<Open>>)>,
    /// What stands for this machine.
    pub(super) machine: Option<(NodeId, Gateway)>,
}

impl Usher {
    pub(super) fn run(mut self, held: &Receiver<Held>) {
        let opens: Vec<Arc<Open>> = self
            .places
            .iter()
            .filter_map(|(_, _, open)| open.clone())
            .collect();
        each_knock(
            held,
            |held| self.let_in(held),
            || opens.iter().for_each(|open| open.clear()),
        );
        if let Some((_, gateway)) = &self.machine {
            gateway.finish();
        }
    }

    fn let_in(&mut self, held: &Held) {
        let Some((node, port, Some(open))) = self.places.get(held.device) else {
            return;
        };
        let is_open = match &mut self.machine {
            Some((machine, gateway)) if machine == node => gateway.answer(held.knock).unwrap_or(false),
            _ => {
                let asked = self.keeper.ask(&Ask::Knock(node.index(), held.knock), &[]);
                matches!(asked, Ok((Answer::Open(true), _)))
            }
        };
        let_in(held, is_open, port, open);
    }
}
