//! Netlink's framing (`netlink(7)`): messages within a datagram, attributes within a message.
//!
//! Nothing here trusts a length: each is checked against the bytes that are there, and a bad one
//! ends the walk with an error.

/// Every part starts at a multiple of four.
const ALIGN: usize = 4;
/// `struct nlmsghdr`: length, kind, flags, sequence, port id.
pub(super) const HEADER: usize = 16;
/// `struct nlattr`: length, kind.
const ATTRIBUTE_HEADER: usize = 4;

pub(super) const KIND_ERROR: u16 = 2;
pub(super) const KIND_DONE: u16 = 3;

pub(super) const FLAG_REQUEST: u16 = 0x01;
/// The dump changed while it was read, and may lack some entries.
pub(super) const FLAG_DUMP_INTERRUPTED: u16 = 0x10;
pub(super) const FLAG_DUMP: u16 = 0x300;

/// The two upper bits of an attribute's kind are flags (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`).
const ATTRIBUTE_KIND_MASK: u16 = 0x3fff;

/// Why bytes are not netlink.
pub(super) type Detail = &'static str;

/// One message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
}

impl Message<'_> {
    /// The error number that an error or a done message carries; 0 is success.
    pub(super) fn errno(&self) -> i32 {
        let code = u32_at(self.payload, 0).unwrap_or(0);
        (code as i32).wrapping_neg()
    }
}

/// A request: a header and `payload`.
pub(super) fn request(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = HEADER + payload.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((FLAG_REQUEST | flags).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0u32.to_ne_bytes()); // port id: the kernel knows the sender
    bytes.extend(payload);
    bytes
}

/// The messages of one datagram.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = Result<Message<'_>, Detail>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let message = split_message(rest);
        rest = match &message {
            Ok((_, after)) => after,
            Err(_) => &[],
        };
        Some(message.map(|(message, _)| message))
    })
}

fn split_message(bytes: &[u8]) -> Result<(Message<'_>, &[u8]), Detail> {
    let length = u32_at(bytes, 0).ok_or("a message without a header")? as usize;
    let whole = bytes.get(..length).ok_or("a message longer than its datagram")?;
    let payload = whole.get(HEADER..).ok_or("a message shorter than its header")?;
    let message = Message {
        kind: u16_at(whole, 4).unwrap_or(0),
        flags: u16_at(whole, 6).unwrap_or(0),
        sequence: u32_at(whole, 8).unwrap_or(0),
        payload,
    };
    Ok((message, after(bytes, length)))
}

/// The attributes in `bytes`: kind and value.
pub(super) fn attributes(bytes: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Detail>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let attribute = split_attribute(rest);
        rest = match &attribute {
            Ok((_, after)) => after,
            Err(_) => &[],
        };
        Some(attribute.map(|(attribute, _)| attribute))
    })
}

type Attribute<'a> = (u16, &'a [u8]);

fn split_attribute(bytes: &[u8]) -> Result<(Attribute<'_>, &[u8]), Detail> {
    let length = u16_at(bytes, 0).ok_or("an attribute without a header")? as usize;
    let kind = u16_at(bytes, 2).ok_or("an attribute without a header")? & ATTRIBUTE_KIND_MASK;
    let whole = bytes
        .get(..length)
        .ok_or("an attribute longer than its message")?;
    let value = whole
        .get(ATTRIBUTE_HEADER..)
        .ok_or("an attribute shorter than its header")?;
    Ok(((kind, value), after(bytes, length)))
}

/// What follows a part of `length` bytes; the last part may lack its padding.
fn after(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(length.next_multiple_of(ALIGN)..).unwrap_or(&[])
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes
        .get(offset..)?
        .first_chunk()
        .copied()
        .map(u16::from_ne_bytes)
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..)?
        .first_chunk()
        .copied()
        .map(u32::from_ne_bytes)
}

pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes
        .get(offset..)?
        .first_chunk()
        .copied()
        .map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    #[test]
    fn a_datagram_is_split_into_its_messages() {
        let mut datagram = request(20, 0, 7, b"abcd");
        datagram.extend(request(KIND_DONE, 0, 7, &(-2i32).to_ne_bytes()));
        let all: Vec<_> = messages(&datagram).map(|m| m.expect("a message")).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].kind, all[0].sequence, all[0].payload),
            (20, 7, &b"abcd"[..])
        );
        assert_eq!((all[1].kind, all[1].errno()), (KIND_DONE, 2));
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        for length in [0u32, 3, 15, 21, u32::MAX] {
            let mut datagram = request(20, 0, 7, b"abcd");
            datagram[..4].copy_from_slice(&length.to_ne_bytes());
            let all: Vec<_> = messages(&datagram).collect();
            assert_eq!(all.len(), 1, "{length}");
            assert!(all[0].is_err(), "{length}");
        }
    }

    #[test]
    fn attributes_are_split_and_their_flags_dropped() {
        let mut bytes = vec![5, 0, 11, 0x80, 1, 0, 0, 0];
        bytes.extend([12, 0, 21, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        if cfg!(target_endian = "big") {
            return; // the bytes above are written little-endian
        }
        let all: Vec<_> = attributes(&bytes).map(|a| a.expect("an attribute")).collect();
        assert_eq!(all, [(11, &[1][..]), (21, &[1, 2, 3, 4, 5, 6, 7, 8][..])]);
    }

    #[test]
    fn no_bytes_can_make_the_walk_panic_or_endless() {
        let mut noise = Noise::new(1);
        let good = request(20, 2, 7, &[8, 0, 1, 0, 1, 2, 3, 4, 5, 0, 2, 0, 9, 0, 0, 0]);
        for round in 0..20_000 {
            let bytes = if round % 2 == 0 {
                noise.bytes(200)
            } else {
                noise.spoil(&good)
            };
            let most = bytes.len() + 1;
            let mut count = 0;
            for message in messages(&bytes) {
                count += 1;
                if let Ok(message) = message {
                    assert!(attributes(message.payload).count() <= most);
                }
            }
            assert!(count <= most);
        }
    }
}
