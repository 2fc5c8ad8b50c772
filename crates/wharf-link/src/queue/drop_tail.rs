//! Drop-tail: first come, first served, and who finds the queue full is turned away.

use super::single::Rule;
use crate::packet::Packet;

#[derive(Debug, Clone, Copy)]
pub(super) struct DropTail;

impl<P: Packet> Rule<P> for DropTail {}
