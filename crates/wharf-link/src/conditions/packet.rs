//! What happens to single packets, and how long they are.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::words::Words;
use crate::units::{Probability, Size, UnitError};

/// Packets that overtake: they skip latency and jitter. As text: `25%`, or `25% gap 5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reorder {
    /// Of a packet that may overtake, the probability that it does.
    pub probability: Probability,
    /// After one that did, so many less one may not (netem's gap). One: each may.
    pub gap: NonZeroU32,
}

impl fmt::Display for Reorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.probability.fmt(f)?;
        match self.gap {
            NonZeroU32::MIN => Ok(()),
            gap => write!(f, " gap {gap}"),
        }
    }
}

impl FromStr for Reorder {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const USAGE: &str = "`25%` or `25% gap 5`";
        let mut words = Words::new("reordering", text);
        let probability = words.value("how many, such as `25%`,")?;
        let gap = match words.next() {
            None => NonZeroU32::MIN,
            Some("gap") => words.count("the gap, such as `5`,")?,
            Some(word) => return Err(words.stray(word, USAGE)),
        };
        words.end(USAGE)?;
        Ok(Self { probability, gap })
    }
}

/// What a packet takes at the rate beyond its own bytes. As text: `38B` (a packet's headers, as
/// Ethernet's), or `18B cell 48B header 5B` (cut into cells, as ATM's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Overhead {
    /// Bytes a packet.
    pub packet: Size,
    /// The cells that it is cut into; the last is filled up.
    pub cell: Option<Cell>,
}

/// A cell of a fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell {
    /// How much of a packet it takes.
    pub payload: NonZeroU32,
    /// How much it adds.
    pub header: u32,
}

impl Overhead {
    /// How many bytes a packet of `len` takes at the rate. None takes none: carriers' own marks are
    /// no packets.
    #[must_use]
    pub fn on_wire(self, len: u64) -> u64 {
        if len == 0 {
            return 0;
        }
        let whole = len.saturating_add(self.packet.bytes());
        match self.cell {
            None => whole,
            Some(cell) => {
                let payload = u64::from(cell.payload.get());
                let each = payload + u64::from(cell.header);
                whole.div_ceil(payload).saturating_mul(each)
            }
        }
    }
}

impl fmt::Display for Overhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.packet.fmt(f)?;
        let Some(cell) = self.cell else {
            return Ok(());
        };
        write!(f, " cell {}B", cell.payload)?;
        match cell.header {
            0 => Ok(()),
            header => write!(f, " header {header}B"),
        }
    }
}

impl FromStr for Overhead {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const USAGE: &str = "`38B` or `18B cell 48B header 5B`";
        let mut words = Words::new("overhead", text);
        let packet = words.value("the bytes a packet, such as `38B`,")?;
        let mut cell: Option<Cell> = None;
        while let Some(word) = words.next() {
            let size: Size = words.value("a size, such as `48B`,")?;
            let size = u32::try_from(size.bytes()).map_err(|_| words.error("a cell is not that big"))?;
            match (word, NonZeroU32::new(size), &mut cell) {
                ("cell", Some(payload), _) => cell = Some(Cell { payload, header: 0 }),
                ("cell", None, _) => return Err(words.error("a cell is above zero")),
                ("header", _, Some(cell)) => cell.header = size,
                _ => return Err(words.stray(word, USAGE)),
            }
        }
        Ok(Self { packet, cell })
    }
}

/// The longest packet that passes. As text: `1400B`, or `1400`, since nobody writes it otherwise; or `1400B silent`,
/// where what is longer is dropped and nobody told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtu {
    bytes: u32,
    too_big: TooBig,
}

/// What becomes of a packet that is longer than the [`Mtu`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TooBig {
    /// Its carrier is told, and a carrier of IP packets does as routers do: it cuts the packet where the sender
    /// allows it, and else says what fits (RFC 1191, 8201).
    #[default]
    Told,
    /// It is dropped and nobody hears of it, as where a switch or a tunnel takes less than the routers
    /// around it know, or a firewall drops what they say: the black hole of RFC 2923, 2.1. Senders find out
    /// by probing (RFC 4821), or not at all.
    Silent,
}

impl Mtu {
    /// Every IPv4 link takes 68 bytes (RFC 791).
    pub const LEAST: u32 = 68;
    /// No IP packet is longer.
    pub const MOST: u32 = 65_535;

    /// `None` out of [`Mtu::LEAST`] to [`Mtu::MOST`].
    #[must_use]
    pub fn new(bytes: u32) -> Option<Self> {
        let too_big = TooBig::default();
        (Self::LEAST..=Self::MOST)
            .contains(&bytes)
            .then_some(Self { bytes, too_big })
    }

    /// The same length, with another fate for what is longer.
    #[must_use]
    pub fn with(self, too_big: TooBig) -> Self {
        Self { too_big, ..self }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes as usize
    }

    /// What becomes of what is longer.
    #[must_use]
    pub const fn too_big(self) -> TooBig {
        self.too_big
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.too_big {
            TooBig::Told => "",
            TooBig::Silent => " silent",
        };
        write!(f, "{}B{word}", self.bytes)
    }
}

impl FromStr for Mtu {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const USAGE: &str = "`1400B` or `1400B silent`";
        let error = || UnitError::new("MTU", text, "it is from 68B to 65535B");
        let mut words = Words::new("MTU", text);
        let length = words.next().ok_or_else(error)?;
        let bytes = match length.parse::<u64>() {
            Ok(bare) => bare,
            Err(_) => length.parse::<Size>()?.bytes(),
        };
        let mtu = u32::try_from(bytes).ok().and_then(Self::new).ok_or_else(error)?;
        let too_big = match words.next() {
            None => TooBig::Told,
            Some("silent") => TooBig::Silent,
            Some(word) => return Err(words.stray(word, USAGE)),
        };
        words.end(USAGE)?;
        Ok(mtu.with(too_big))
    }
}
