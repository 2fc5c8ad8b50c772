//! What answers a command, packet by packet.

use super::super::text::{clip, first};
use super::greeting::Capabilities;
use super::packet::{Header, Packet};
use crate::exchange::Status;

/// What kind of answer a command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One packet.
    Plain,
    /// Result sets, or none.
    Results,
    /// A statement's number, and what its parameters and columns are.
    Prepared,
    /// Rows alone.
    Rows,
}

/// An answer under way.
#[derive(Debug, Default)]
pub(super) struct Answer {
    stage: Stage,
    capabilities: Capabilities,
    /// The number of a statement that has been prepared.
    pub(super) prepared: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// One packet of any kind.
    #[default]
    Plain,
    /// The first packet of a result.
    Result,
    /// The client sends a file.
    File,
    /// So many descriptions of columns, and an EOF packet behind them if it is the old way.
    Columns(u64),
    Rows,
    Prepared,
    /// So many descriptions of parameters and of columns, EOF packets counted.
    Descriptions(u64),
}

/// What a packet means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Goes,
    Row,
    Ended(Status),
}

const OK: u8 = 0x00;
const FILE: u8 = 0xFB;
const EOF: u8 = 0xFE;
const ERROR: u8 = 0xFF;

/// How far a long statement of MariaDB has come: an error whose number is no error's.
const PROGRESS: &[u8] = &[ERROR, 0xFF, 0xFF];

/// Flags of a status.
const MORE_RESULTS: u16 = 0x0008;
const CURSOR: u16 = 0x0040;

impl Answer {
    pub(super) fn new(shape: Shape, capabilities: Capabilities) -> Self {
        let stage = match shape {
            Shape::Plain => Stage::Plain,
            Shape::Results => Stage::Result,
            Shape::Prepared => Stage::Prepared,
            Shape::Rows => Stage::Rows,
        };
        Self {
            stage,
            capabilities,
            prepared: None,
        }
    }

    /// How much of a packet's content has to be seen.
    pub(super) fn looked_at(&self, kind: Option<u8>, header: Header) -> usize {
        match (self.stage, kind) {
            // Its first byte tells what it is.
            (_, None) => 1,
            (_, Some(ERROR)) => 512,
            (Stage::Rows, Some(EOF)) if header.length < 0xFF_FFFF => 64,
            (Stage::Columns(_), Some(EOF)) if header.length < 9 => 64,
            (Stage::Columns(_) | Stage::Descriptions(_) | Stage::Rows, _) => 1,
            (Stage::Plain | Stage::Result | Stage::File | Stage::Prepared, _) => 64,
        }
    }

    /// The next packet. `None`: it is not what should come here.
    pub(super) fn packet(&mut self, packet: &Packet<'_>) -> Option<Progress> {
        let content = packet.content;
        let kind = *content.first()?;
        if content.starts_with(PROGRESS) {
            return Some(Progress::Goes);
        }
        if kind == ERROR && !matches!(self.stage, Stage::Columns(_) | Stage::Descriptions(_)) {
            return Some(Progress::Ended(error(content)));
        }
        let old = u64::from(!self.capabilities.deprecates_eof());
        match self.stage {
            Stage::Plain => Some(Progress::Ended(Status::Ok(String::new()))),
            Stage::Result | Stage::File => match kind {
                OK => self.ok(content),
                FILE => {
                    self.stage = Stage::File;
                    Some(Progress::Goes)
                }
                _ => {
                    let (columns, described) = self.columns(content)?;
                    self.stage = match (described, columns.checked_add(old)?) {
                        (true, left) if left > 0 => Stage::Columns(left),
                        (false, _) if old > 0 => Stage::Columns(old),
                        _ => Stage::Rows,
                    };
                    Some(Progress::Goes)
                }
            },
            Stage::Columns(left) => {
                self.stage = match left {
                    0 | 1 => Stage::Rows,
                    left => Stage::Columns(left - 1),
                };
                // The EOF packet: a cursor's rows come when they are fetched.
                let cursor =
                    left == 1 && old == 1 && eof_status(content).is_some_and(|status| status & CURSOR != 0);
                match cursor {
                    true => Some(Progress::Ended(Status::Ok(String::new()))),
                    false => Some(Progress::Goes),
                }
            }
            Stage::Rows if kind == EOF && packet.header.length < 0xFF_FFFF => {
                let status = match old {
                    1 => eof_status(content)?,
                    _ => ok_status(content)?,
                };
                Some(self.result_ended(status, String::new()))
            }
            Stage::Rows => Some(Progress::Row),
            Stage::Prepared => {
                let [OK, a, b, c, d, columns @ ..] = first::<9>(content)? else {
                    return None;
                };
                self.prepared = Some(u32::from_le_bytes([a, b, c, d]));
                let [columns, parameters] = [[columns[0], columns[1]], [columns[2], columns[3]]]
                    .map(|count| u64::from(u16::from_le_bytes(count)));
                let eofs = old * (u64::from(columns > 0) + u64::from(parameters > 0));
                self.described(columns + parameters + eofs)
            }
            Stage::Descriptions(left) => self.described(left.saturating_sub(1)),
        }
    }

    fn described(&mut self, left: u64) -> Option<Progress> {
        self.stage = Stage::Descriptions(left);
        match left {
            0 => Some(Progress::Ended(Status::Ok(String::new()))),
            _ => Some(Progress::Goes),
        }
    }

    fn ok(&mut self, content: &[u8]) -> Option<Progress> {
        let (affected, _) = length_encoded(content.get(1..)?)?;
        let status = ok_status(content)?;
        Some(self.result_ended(status, format!("{affected} affected")))
    }

    fn result_ended(&mut self, status: u16, tag: String) -> Progress {
        if status & MORE_RESULTS != 0 {
            self.stage = Stage::Result;
            return Progress::Goes;
        }
        Progress::Ended(Status::Ok(tag))
    }

    /// How many columns, and whether they are described.
    fn columns(&self, content: &[u8]) -> Option<(u64, bool)> {
        if !self.capabilities.may_leave_out_columns() {
            return Some((length_encoded(content)?.0, true));
        }
        if self.capabilities.is_mariadb() {
            let (columns, rest) = length_encoded(content)?;
            return Some((columns, rest.first() != Some(&0)));
        }
        let (&described, rest) = content.split_first()?;
        Some((length_encoded(rest)?.0, described != 0))
    }
}

/// The code and the message of an error packet.
pub(super) fn error(content: &[u8]) -> Status {
    let number = content
        .get(1..)
        .and_then(first::<2>)
        .map_or(0, u16::from_le_bytes);
    let rest = content.get(3..).unwrap_or_default();
    let (state, message) = match rest {
        [b'#', rest @ ..] => rest.split_at_checked(5).unwrap_or((rest, &[])),
        _ => (&[] as &[u8], rest),
    };
    let code = match state {
        [] => number.to_string(),
        state => format!("{number}/{}", clip(state, 5)),
    };
    Status::Error {
        code,
        message: clip(message, 256),
    }
}

/// The status of an EOF packet: behind its kind and two bytes of warnings.
fn eof_status(content: &[u8]) -> Option<u16> {
    match content.first()? {
        &EOF => content.get(3..).and_then(first::<2>).map(u16::from_le_bytes),
        _ => Some(0),
    }
}

/// The status of an OK packet: behind its kind and two numbers.
fn ok_status(content: &[u8]) -> Option<u16> {
    let (_, rest) = length_encoded(content.get(1..)?)?;
    let (_, rest) = length_encoded(rest)?;
    first::<2>(rest).map(u16::from_le_bytes)
}

/// A number that says by its first byte how long it is.
fn length_encoded(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&head, rest) = bytes.split_first()?;
    let width = match head {
        0..=0xFA => return Some((u64::from(head), rest)),
        0xFC => 2,
        0xFD => 3,
        0xFE => 8,
        0xFB | 0xFF => return None,
    };
    let (digits, rest) = rest.split_at_checked(width)?;
    let value = digits
        .iter()
        .rev()
        .fold(0, |value, &digit| value << 8 | u64::from(digit));
    Some((value, rest))
}
