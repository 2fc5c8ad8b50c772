//! What a TLS client says in the clear: its ClientHello.
//!
//! It is a message of the handshake (RFC 8446 section 4.1.2, and RFC 5246 section 7.4.1.2, which has the
//! same shape) in one or several records (section 5.1). In it are the server's name (RFC 6066 section 3)
//! and the protocols to choose from (ALPN, RFC 7301 section 3.1). What a client says may straddle two
//! records, so bytes are read one after the other, and what is kept is a copy, and bounded.

/// What the first bytes of a connection are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A ClientHello.
    Hello(Hello),
    /// So far it is a ClientHello, and it is not whole. A hello has at most 64 KiB, so who collects bytes
    /// for this may give up there.
    NeedMore,
    /// Something else.
    NotTls,
}

/// What a ClientHello says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hello {
    /// The server's name as the client wrote it: 1 to 255 bytes of letters, digits, `-`, `_` and `.`.
    /// None where a client dials an address. With Encrypted Client Hello it is the public one.
    pub name: Option<String>,
    /// The protocols that it would speak, the best first: 16 of them at most. What is no text is
    /// replaced.
    pub protocols: Vec<String>,
    /// How many of the bytes it takes, with the headers of its records.
    pub length: usize,
}

/// The longest name (RFC 1035 section 2.3.4).
const LONGEST: usize = 255;
/// How many protocols are kept.
const PROTOCOLS: usize = 16;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: usize = 0;
const PROTOCOL_NAMES: usize = 16;
const HOST_NAME: u8 = 0;
/// The largest record, with what encryption may add (RFC 5246 section 6.2.3).
const LARGEST_RECORD: usize = (1 << 14) + 2048;

/// Reads the first bytes that a client sent.
#[must_use]
pub fn read(first: &[u8]) -> Seen {
    let mut reader = Reader::new(first);
    match reader.hello() {
        Ok(hello) => Seen::Hello(Hello {
            length: first.len() - reader.rest.len(),
            ..hello
        }),
        Err(Stop::Short) => Seen::NeedMore,
        Err(Stop::Foreign) => Seen::NotTls,
    }
}

/// The bytes of the handshake, whatever records they are in.
struct Reader<'a> {
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

impl<'a> Reader<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self {
            rest,
            record: 0,
            // The message's own header, which says how long it is.
            message: 4,
        }
    }

    fn hello(&mut self) -> Reading<Hello> {
        let mut hello = Hello::default();
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
            return Ok(hello);
        }
        let mut extensions = self.number(2)?;
        while extensions > 0 {
            let kind = self.number(2)?;
            let length = self.number(2)?;
            extensions = extensions.checked_sub(4 + length).ok_or(Stop::Foreign)?;
            // Whatever it says inside, it ends where it says that it does.
            let behind = self.message.checked_sub(length).ok_or(Stop::Foreign)?;
            match kind {
                SERVER_NAME => hello.name = Some(self.server_name()?),
                PROTOCOL_NAMES => hello.protocols = self.protocols()?,
                _ => {}
            }
            let left = self.message.checked_sub(behind).ok_or(Stop::Foreign)?;
            self.skip(left)?;
        }
        Ok(hello)
    }

    /// The first entry of the list, the only one that there may be (RFC 6066 section 3).
    fn server_name(&mut self) -> Reading<String> {
        self.skip(2)?;
        if self.byte()? != HOST_NAME {
            return Err(Stop::Foreign);
        }
        let length = self.number(2)?;
        if !(1..=LONGEST).contains(&length) {
            return Err(Stop::Foreign);
        }
        let mut name = String::with_capacity(length);
        for _ in 0..length {
            let byte = self.byte()?;
            if !(byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
                return Err(Stop::Foreign);
            }
            name.push(char::from(byte));
        }
        Ok(name)
    }

    fn protocols(&mut self) -> Reading<Vec<String>> {
        let mut names = Vec::new();
        let mut left = self.number(2)?;
        while left > 0 {
            let length = self.number(1)?;
            left = left.checked_sub(1 + length).ok_or(Stop::Foreign)?;
            let mut name = Vec::with_capacity(length);
            for _ in 0..length {
                name.push(self.byte()?);
            }
            if names.len() < PROTOCOLS {
                names.push(String::from_utf8_lossy(&name).into_owned());
            }
        }
        Ok(names)
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
