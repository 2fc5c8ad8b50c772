//! The server name in a TLS client's first bytes, without a copy of them, an allocation or a panic.
//!
//! What is read is a ClientHello (RFC 8446 section 4.1.2, and RFC 5246 section 7.4.1.2, which has the same
//! shape) in one or several records (section 5.1), and in it the extension `server_name` (RFC 6066 section 3).
//! A name may straddle two records, so the name is handed out as a copy of its own, and the bytes are
//! read one after the other.

use std::fmt;

/// What the first bytes of a connection say of a server's name.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for a moment, and a box would be an allocation"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sni {
    /// A ClientHello that asks for this name. With Encrypted Client Hello it is the public one.
    Name(ServerName),
    /// A ClientHello that names nobody, as when a client dials an address.
    None,
    /// So far it is a ClientHello, and it is not whole. A hello has at most 64 KiB, so who collects bytes
    /// for this may give up there.
    NeedMore,
    /// Something else.
    NotTls,
}

/// A name from a ClientHello: 1 to 255 bytes of letters, digits, `-`, `_` and `.`, as the client wrote it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServerName {
    bytes: [u8; LONGEST],
    length: u8,
}

/// The longest name (RFC 1035 section 2.3.4).
const LONGEST: usize = 255;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
/// The largest record, with what encryption may add (RFC 5246 section 6.2.3).
const LARGEST_RECORD: usize = (1 << 14) + 2048;

impl ServerName {
    /// The name. Compare it without case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length));
        bytes.map_or("", |bytes| std::str::from_utf8(bytes).unwrap_or(""))
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the server's name out of the first bytes that a client sent.
#[must_use]
pub fn sni(first: &[u8]) -> Sni {
    let mut hello = Hello::new(first);
    match hello.read() {
        Ok(Some(name)) => Sni::Name(name),
        Ok(None) => Sni::None,
        Err(Stop::Short) => Sni::NeedMore,
        Err(Stop::Foreign) => Sni::NotTls,
    }
}

/// The bytes of the handshake, whatever records they are in.
struct Hello<'a> {
    rest: &'a [u8],
    /// Bytes of this record that are not read yet.
    record: usize,
    /// Bytes of the message that are not read yet.
    message: usize,
}

/// Why there is nothing more to be read.
enum Stop {
    Short,
    Foreign,
}

type Reading<T> = Result<T, Stop>;

impl<'a> Hello<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self {
            rest,
            record: 0,
            // The message's own header, which says how long it is.
            message: 4,
        }
    }

    fn read(&mut self) -> Reading<Option<ServerName>> {
        if self.byte()? != CLIENT_HELLO {
            return Err(Stop::Foreign);
        }
        self.message = self.number(3)?;
        if self.message > usize::from(u16::MAX) {
            return Err(Stop::Foreign);
        }
        self.skip(2 + 32)?;
        for width in [1, 2, 1] {
            // The session, the cipher suites and the compression methods.
            let length = self.number(width)?;
            self.skip(length)?;
        }
        if self.message == 0 {
            return Ok(None);
        }
        let mut extensions = self.number(2)?;
        while extensions > 0 {
            let kind = self.number(2)?;
            let length = self.number(2)?;
            extensions = extensions.checked_sub(4 + length).ok_or(Stop::Foreign)?;
            if kind == usize::from(SERVER_NAME) {
                return self.server_name();
            }
            self.skip(length)?;
        }
        Ok(None)
    }

    /// The first entry of the list, the only one that there may be (RFC 6066 section 3).
    fn server_name(&mut self) -> Reading<Option<ServerName>> {
        self.skip(2)?;
        if self.byte()? != HOST_NAME {
            return Err(Stop::Foreign);
        }
        let length = self.number(2)?;
        let mut name = ServerName {
            bytes: [0; LONGEST],
            length: u8::try_from(length).map_err(|_| Stop::Foreign)?,
        };
        if length == 0 {
            return Err(Stop::Foreign);
        }
        for place in name.bytes.iter_mut().take(length) {
            let byte = self.byte()?;
            if !(byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
                return Err(Stop::Foreign);
            }
            *place = byte;
        }
        Ok(Some(name))
    }

    /// Makes sure that the next byte is one of the message.
    fn enter_record(&mut self) -> Reading<()> {
        while self.record == 0 {
            // As far as there are bytes they must be a record's, or it would take five to know a line of text.
            if self.rest.first().is_some_and(|&kind| kind != HANDSHAKE)
                || self.rest.get(1).is_some_and(|&major| major != 3)
            {
                return Err(Stop::Foreign);
            }
            let [_, _, _, high, low, rest @ ..] = self.rest else {
                return Err(Stop::Short);
            };
            self.record = usize::from(u16::from_be_bytes([*high, *low]));
            // An empty record of a handshake is an error (RFC 8446 section 5.1).
            if self.record == 0 || self.record > LARGEST_RECORD {
                return Err(Stop::Foreign);
            }
            self.rest = rest;
        }
        Ok(())
    }

    fn byte(&mut self) -> Reading<u8> {
        self.message = self.message.checked_sub(1).ok_or(Stop::Foreign)?;
        self.enter_record()?;
        let (&byte, rest) = self.rest.split_first().ok_or(Stop::Short)?;
        self.rest = rest;
        self.record -= 1;
        Ok(byte)
    }

    fn number(&mut self, width: usize) -> Reading<usize> {
        let mut number = 0;
        for _ in 0..width {
            number = number << 8 | usize::from(self.byte()?);
        }
        Ok(number)
    }

    fn skip(&mut self, mut length: usize) -> Reading<()> {
        self.message = self.message.checked_sub(length).ok_or(Stop::Foreign)?;
        while length > 0 {
            self.enter_record()?;
            let step = length.min(self.record).min(self.rest.len());
            if step == 0 {
                return Err(Stop::Short);
            }
            self.rest = self.rest.get(step..).unwrap_or(&[]);
            self.record -= step;
            length -= step;
        }
        Ok(())
    }
}
