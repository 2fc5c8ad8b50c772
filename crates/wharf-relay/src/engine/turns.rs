//! One connection's turn to enter bytes into a link's machine.

use std::time::Duration;

use wharf_link::Offer;
use wharf_link::stream::{Cargo, Handshake, Supply};

use crate::figures::SEGMENT;
use crate::flow::{Content, End, Flow, Mark, Parcel};
use crate::key::Key;
use crate::link::Lane;
use crate::side::{Side, Taken};
use crate::tcp::Tcp;

/// How much a connection enters at once while it is alone.
const ALONE: usize = 64 * 1024;

/// One connection's turn to enter bytes.
pub(super) struct Turn<'a> {
    pub(super) lane: &'a mut Lane,
    pub(super) flow: &'a mut Flow,
    pub(super) key: Key,
    pub(super) now: Duration,
    /// Nobody else waits.
    pub(super) alone: bool,
    /// What enters would come out at once.
    pub(super) clear: bool,
    /// How the connection's own handshake went.
    pub(super) handshake: Handshake,
}

pub(super) enum Outcome {
    /// It has more, and goes to the end of the round.
    Again,
    /// It has no more for now, or no credit.
    Over,
    /// It needs the machine no more.
    Pump,
    /// Its source has ended, or a mark has waited for its bytes.
    Mark(Mark),
}

impl Turn<'_> {
    pub(super) fn take(self, source: &mut Side, scratch: &mut [u8]) -> Outcome {
        if self.lane.modelled || self.flow.tcp.is_some() {
            return self.take_segments(source, scratch);
        }
        let Self {
            lane,
            flow,
            key,
            now,
            alone,
            clear,
            ..
        } = self;
        offer(lane, flow, key, now);
        if flow.unoffered > 0 {
            return Outcome::Again;
        }
        if let Some(mark) = flow.held.take() {
            return Outcome::Mark(mark);
        }
        if flow.chain.is_some() || clear && flow.is_out_of_machine() {
            return Outcome::Pump;
        }
        if flow.end != End::Open || !source.readable {
            flow.deficit = 0;
            return Outcome::Over;
        }
        let credit = credit(lane, flow);
        if credit == 0 {
            flow.deficit = 0;
            // A reset does not wait for a reader.
            return match source.broken {
                true => Outcome::Mark(Mark::Reset),
                false => Outcome::Over,
            };
        }
        let segment = lane.figures.parcel();
        let share = flow.deficit + segment;
        let share = if alone { share.max(ALONE) } else { share };
        let room = lane.machine.room();
        let most = share.min(credit).min(room).min(scratch.len());
        if most == 0 {
            // What was left over from the last turn took the room.
            return Outcome::Again;
        }
        flow.deficit += segment;
        match flow.take_in(source, most, scratch) {
            Taken::Bytes(count) => {
                lane.taken += count as u64;
                flow.unoffered += count;
                flow.deficit = flow.deficit.saturating_sub(count);
                offer(lane, flow, key, now);
                match source.readable || flow.unoffered > 0 {
                    true => Outcome::Again,
                    false => Outcome::Over,
                }
            }
            Taken::Nothing => Outcome::Over,
            Taken::Fin => Outcome::Mark(Mark::Fin),
            Taken::Reset => Outcome::Mark(Mark::Reset),
        }
    }
}

/// How many bytes of the connection may come in now.
fn credit(lane: &Lane, flow: &Flow) -> usize {
    if flow.parcels as usize >= lane.figures.parcels() {
        return 0;
    }
    lane.figures.window().saturating_sub(flow.bytes.len())
}

/// Offers what is past the stages, in parcels, as far as the machine takes them.
pub(super) fn offer(lane: &mut Lane, flow: &mut Flow, key: Key, now: Duration) {
    let segment = lane.figures.parcel();
    while flow.unoffered > 0 {
        let count = flow.unoffered.min(segment);
        let parcel = Parcel {
            connection: key,
            content: Content::of_bytes(count),
            hop: 1,
            marked: false,
        };
        let Offer::Accepted = lane.machine.offer(now, parcel) else {
            return;
        };
        flow.unoffered -= count;
        flow.parcels += 1;
    }
}

/// The same where TCP is modelled: segments enter as the stream's window and its repairs allow.
impl Turn<'_> {
    fn take_segments(self, source: &mut Side, scratch: &mut [u8]) -> Outcome {
        let Self {
            lane,
            flow,
            key,
            now,
            alone,
            handshake,
            ..
        } = self;
        let round_trip = lane.figures.latency() + lane.back;
        let mut tcp = match flow.tcp.take() {
            Some(tcp) => tcp,
            None => Box::new(Tcp::new(lane.conditions.stream, round_trip, handshake)),
        };
        tcp.stream.set_longest(lane.longest);
        let mut left = if alone { ALONE } else { SEGMENT };
        let outcome = loop {
            let credit = credit(lane, flow);
            // What is held goes first: an end read now would take its place.
            let is_idle = flow.chain.is_none() && flow.held.is_none();
            let readable = is_idle && flow.end == End::Open && source.readable;
            if readable && credit == 0 && source.broken {
                // A reset does not wait for a reader.
                break Outcome::Mark(Mark::Reset);
            }
            let supply = match flow.unoffered > 0 || readable && credit > 0 {
                true => Supply::Waiting,
                false => Supply::Empty,
            };
            let Some(turn) = tcp.stream.turn(now, supply) else {
                break match flow.held.take() {
                    Some(mark) if flow.unoffered == 0 => Outcome::Mark(mark),
                    held => {
                        flow.held = held;
                        Outcome::Over
                    }
                };
            };
            let len = match turn.cargo {
                Cargo::Again(len) => len,
                Cargo::New(most) => {
                    if readable && credit > 0 && flow.unoffered < most as usize {
                        match flow.take_in(source, ALONE.min(credit), scratch) {
                            Taken::Bytes(count) => {
                                lane.taken += count as u64;
                                flow.unoffered += count;
                            }
                            Taken::Nothing => {}
                            Taken::Fin => {
                                flow.end = End::Fin;
                                flow.held = Some(Mark::Fin);
                            }
                            Taken::Reset => {
                                flow.end = End::Reset;
                                flow.held = Some(Mark::Reset);
                            }
                        }
                    }
                    most.min(u32::try_from(flow.unoffered).unwrap_or(u32::MAX))
                }
            };
            if len == 0 {
                continue;
            }
            if left == 0 || !lane.has_room() || !lane.machine.has_room_for(len as usize) {
                break Outcome::Again;
            }
            left = left.saturating_sub(len as usize);
            match turn.cargo {
                Cargo::New(_) => flow.unoffered -= len as usize,
                Cargo::Again(_) => lane.causes.sent_again += 1,
            }
            let parcel = Parcel {
                connection: key,
                content: Content::Segment(tcp.stream.sent(turn, turn.at, len)),
                hop: 1,
                marked: false,
            };
            // Were it not taken, it would be lost, and sent again.
            if let Offer::Accepted = lane.machine.offer(turn.at, parcel) {
                flow.parcels += 1;
            }
        };
        flow.tcp = Some(tcp);
        outcome
    }
}
