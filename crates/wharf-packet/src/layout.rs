//! Where things are in a packet. Found once; every later look is an addition.

use crate::Protocol;
use crate::wire::{be16, be32};

/// The length of an IPv4 header without options.
pub(crate) const IPV4_HEADER: usize = 20;
/// The length of an IPv6 header without extension headers.
pub(crate) const IPV6_HEADER: usize = 40;
/// The length of the fragment header of IPv6.
const FRAGMENT_HEADER: usize = 8;

/// The most extension headers that are walked. RFC 8200 (section 4.1) names six, each once but for one.
const MOST_EXTENSIONS: usize = 16;

/// Which IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// IPv4 (RFC 791).
    V4,
    /// IPv6 (RFC 8200).
    V6,
}

/// A part of a packet that was too long for a link (RFC 791, section 3.2; RFC 8200, section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// What its siblings have too.
    pub id: u32,
    /// Where it begins in the whole packet's payload, in bytes. Zero: it is the first.
    pub offset: u32,
    /// Whether others follow it. One that begins at zero and is followed by none is whole (an "atomic
    /// fragment", RFC 6946).
    pub more: bool,
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Nothing at all.
    #[error("read packet: there are no bytes")]
    Empty,
    /// Neither IPv4 nor IPv6.
    #[error("read packet: its version is {0}, and only 4 and 6 are known")]
    Version(u8),
    /// It ends before its headers do.
    #[error("read packet: its headers take at least {need} bytes, and there are {have}")]
    Truncated {
        /// How long it would have to be, as far as could be read.
        need: usize,
        /// How long it is.
        have: usize,
    },
    /// Its header says that it is shorter than a header can be.
    #[error("read packet: it says that its header has {0} bytes, and it has at least {IPV4_HEADER}")]
    HeaderLength(usize),
    /// It says another length than it has.
    #[error("read packet: it says that it has {said} bytes, and there are {have}")]
    TotalLength {
        /// What it says.
        said: usize,
        /// What there is.
        have: usize,
    },
    /// More extension headers than anyone sends.
    #[error("read packet: more than {MOST_EXTENSIONS} extension headers")]
    Extensions,
}

/// What is there of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// Its beginning, as ICMP errors quote it.
    Quoted,
}

/// Where things are. What it says fits the bytes that it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) version: Version,
    /// How long the packet says that it is.
    pub(crate) total_len: usize,
    /// How many of its bytes are there: all of them, unless it is quoted.
    pub(crate) len: usize,
    /// Where the IP headers end: at most `len`.
    pub(crate) header_len: usize,
    pub(crate) protocol: Protocol,
    pub(crate) fragment: Option<Fragment>,
}

impl Layout {
    pub(crate) fn of(bytes: &[u8], extent: Extent) -> Result<Self, Malformed> {
        match bytes.first().map(|first| first >> 4) {
            None => Err(Malformed::Empty),
            Some(4) => Self::v4(bytes, extent),
            Some(6) => Self::v6(bytes, extent),
            Some(version) => Err(Malformed::Version(version)),
        }
    }

    fn v4(bytes: &[u8], extent: Extent) -> Result<Self, Malformed> {
        require(bytes, IPV4_HEADER)?;
        let header_len = usize::from(bytes[0] & 0x0F) * 4;
        if header_len < IPV4_HEADER {
            return Err(Malformed::HeaderLength(header_len));
        }
        require(bytes, header_len)?;
        let total_len = usize::from(be16(bytes, 2));
        let len = len(bytes, header_len, total_len, extent)?;
        let flags = be16(bytes, 6);
        let fragment = Fragment {
            id: u32::from(be16(bytes, 4)),
            offset: u32::from(flags & 0x1FFF) * 8,
            more: flags & 0x2000 != 0,
        };
        Ok(Self {
            version: Version::V4,
            total_len,
            len,
            header_len,
            protocol: Protocol(bytes[9]),
            fragment: (fragment.more || fragment.offset > 0).then_some(fragment),
        })
    }

    fn v6(bytes: &[u8], extent: Extent) -> Result<Self, Malformed> {
        require(bytes, IPV6_HEADER)?;
        let total_len = IPV6_HEADER + usize::from(be16(bytes, 4));
        let len = len(bytes, IPV6_HEADER, total_len, extent)?;
        let mut layout = Self {
            version: Version::V6,
            total_len,
            len,
            header_len: IPV6_HEADER,
            protocol: Protocol(bytes[6]),
            fragment: None,
        };
        let mut walked = 0;
        // Behind the header of a later fragment is the middle of something.
        while layout.protocol.is_extension() && !layout.is_later_fragment() {
            walked += 1;
            if walked > MOST_EXTENSIONS {
                return Err(Malformed::Extensions);
            }
            if !layout.extension(&bytes[..len]) {
                let need = layout.header_len + FRAGMENT_HEADER;
                match extent {
                    Extent::Whole => return Err(Malformed::Truncated { need, have: len }),
                    Extent::Quoted => break,
                }
            }
        }
        Ok(layout)
    }

    /// Steps over the extension header that comes next, if it is all there.
    fn extension(&mut self, bytes: &[u8]) -> bool {
        let Some(header) = bytes.get(self.header_len..) else {
            return false;
        };
        let [next, len, ..] = *header else {
            return false;
        };
        let header_len = match self.protocol {
            Protocol::FRAGMENT => FRAGMENT_HEADER,
            // RFC 4302, section 2.2: words of four bytes, less two.
            Protocol::AUTHENTICATION => (usize::from(len) + 2) * 4,
            // RFC 8200, section 4.3 and on: words of eight bytes, beyond the first.
            _ => (usize::from(len) + 1) * 8,
        };
        if header.len() < header_len {
            return false;
        }
        if self.protocol == Protocol::FRAGMENT {
            let offset = be16(header, 2);
            self.fragment = Some(Fragment {
                id: be32(header, 4),
                offset: u32::from(offset & 0xFFF8),
                more: offset & 1 != 0,
            });
        }
        self.header_len += header_len;
        self.protocol = Protocol(next);
        true
    }

    /// Whether it is a fragment without the transport's header.
    pub(crate) fn is_later_fragment(&self) -> bool {
        self.fragment.is_some_and(|fragment| fragment.offset > 0)
    }
}

fn require(bytes: &[u8], need: usize) -> Result<(), Malformed> {
    let have = bytes.len();
    if have < need {
        return Err(Malformed::Truncated { need, have });
    }
    Ok(())
}

/// How much of a packet of this length is there. What follows it is padding.
fn len(bytes: &[u8], header_len: usize, said: usize, extent: Extent) -> Result<usize, Malformed> {
    let have = bytes.len();
    if said < header_len || (extent == Extent::Whole && have < said) {
        return Err(Malformed::TotalLength { said, have });
    }
    Ok(said.min(have))
}
