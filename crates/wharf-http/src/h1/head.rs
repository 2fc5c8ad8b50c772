//! A head as it came, and what must be known of it.

use bytes::{Bytes, BytesMut};
use hyper::StatusCode;

use crate::rules::{Ask, Headers, has_no_body};

/// More headers than any server takes.
const MOST_FIELDS: usize = 256;

/// The bytes of a head, from its first line to the empty line behind the last header.
#[derive(Debug, Clone)]
pub(crate) struct Head(Bytes);

/// One header: its line with the line's end, and what is in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) line: &'a [u8],
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// What the bytes so far are.
#[derive(Debug)]
pub(crate) enum Parsed<T> {
    Whole(T),
    Partial,
    /// Not HTTP/1: from here on it is carried unread.
    Foreign,
}

#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) head: Head,
    pub(crate) method: String,
    target: String,
    pub(crate) framing: Framing,
    /// The version's second number.
    pub(crate) minor: u8,
    /// Whether the client wants the connection to live on.
    pub(crate) keeps_alive: bool,
    /// Whether the body waits for a `100 Continue`.
    pub(crate) expects: bool,
    /// Whether it may end HTTP on this connection: an upgrade, or CONNECT.
    pub(crate) may_switch: bool,
}

#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) head: Head,
    pub(crate) status: u16,
    length: Result<Option<Framing>, ()>,
}

/// Where a body ends (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Field<'_> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether a list has this member (RFC 9110 section 5.6.1).
    fn lists(&self, member: &str) -> bool {
        self.value
            .split(|&byte| byte == b',')
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(member.as_bytes()))
    }
}

impl Head {
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Everything to the end of the request's or the status's line: empty lines before it belong to it.
    pub(crate) fn start_line(&self) -> &[u8] {
        self.split().0
    }

    /// The headers. The parser has accepted them, so each is a line with a colon.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let lines = self.split().1.split_inclusive(|&byte| byte == b'\n');
        lines.filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let (name, value) = line.split_at(colon);
            Some(Field {
                line,
                name,
                value: value.get(1..)?.trim_ascii(),
            })
        })
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let empty = self
            .0
            .iter()
            .take_while(|&&byte| byte == b'\r' || byte == b'\n')
            .count();
        let rest = self.0.get(empty..).unwrap_or(&[]);
        let line = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(rest.len(), |end| end + 1);
        self.0.split_at((empty + line).min(self.0.len()))
    }

    fn lists(&self, name: &str, member: &str) -> bool {
        self.fields().any(|field| field.is(name) && field.lists(member))
    }

    fn has(&self, name: &str) -> bool {
        self.fields().any(|field| field.is(name))
    }

    /// What the head says of its body's end. An error: two things at once.
    fn framing(&self) -> Result<Option<Framing>, ()> {
        let mut codings = self.fields().filter(|field| field.is("transfer-encoding"));
        if let Some(last) = codings.by_ref().last() {
            let coding = last.value.rsplit(|&byte| byte == b',').next().unwrap_or(&[]);
            let is_chunked = coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
            return Ok(Some(if is_chunked {
                Framing::Chunked
            } else {
                Framing::UntilClose
            }));
        }
        let mut length = None;
        for field in self.fields().filter(|field| field.is("content-length")) {
            // A list of equal ones is one (RFC 9110 section 8.6).
            for part in field.value.split(|&byte| byte == b',') {
                let part = std::str::from_utf8(part.trim_ascii()).map_err(|_| ())?;
                if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(());
                }
                let number = part.parse::<u64>().map_err(|_| ())?;
                if length.replace(number).is_some_and(|before| before != number) {
                    return Err(());
                }
            }
        }
        Ok(length.map(Framing::Length))
    }
}

impl Headers for Head {
    fn any(&self, name: &str, test: &dyn Fn(&[u8]) -> bool) -> bool {
        self.fields().any(|field| field.is(name) && test(field.value))
    }
}

impl RequestHead {
    /// Takes a request's head from the front of `buffer`, if it is whole.
    pub(crate) fn take(buffer: &mut BytesMut) -> Parsed<Self> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        let length = match request.parse(buffer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Parsed::Partial,
            Err(_) => return Parsed::Foreign,
        };
        let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
        else {
            return Parsed::Foreign;
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        let head = Head(buffer.split_to(length).freeze());
        // A request has no other body than one that it announces; and none that ends with the connection.
        let framing = match head.framing() {
            Ok(None) => Framing::Length(0),
            Ok(Some(framing)) if framing != Framing::UntilClose => framing,
            _ => {
                put_back(buffer, &head);
                return Parsed::Foreign;
            }
        };
        Parsed::Whole(Self {
            keeps_alive: match minor {
                0 => head.lists("connection", "keep-alive"),
                _ => !head.lists("connection", "close"),
            },
            expects: head.lists("expect", "100-continue"),
            may_switch: method == "CONNECT" || head.has("upgrade"),
            head,
            method,
            target,
            framing,
            minor,
        })
    }

    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask {
            method: &self.method,
            path: path(&self.target),
            headers: &self.head,
        }
    }
}

impl ResponseHead {
    /// Takes an answer's head from the front of `buffer`, if it is whole.
    pub(crate) fn take(buffer: &mut BytesMut) -> Parsed<Self> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(buffer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Parsed::Partial,
            Err(_) => return Parsed::Foreign,
        };
        let Some(status) = response.code else {
            return Parsed::Foreign;
        };
        let head = Head(buffer.split_to(length).freeze());
        let length = head.framing();
        Parsed::Whole(Self { head, status, length })
    }

    /// Where its body ends, which depends on what was asked.
    pub(crate) fn framing(&self, method: &str) -> Framing {
        let status = StatusCode::from_u16(self.status);
        if method == "HEAD" || status.is_ok_and(has_no_body) {
            return Framing::Length(0);
        }
        match self.length {
            Ok(Some(framing)) => framing,
            Ok(None) | Err(()) => Framing::UntilClose,
        }
    }

    /// Whether it ends HTTP on this connection.
    pub(crate) fn switches(&self, method: &str) -> bool {
        self.status == 101 || method == "CONNECT" && (200..300).contains(&self.status)
    }
}

fn put_back(buffer: &mut BytesMut, head: &Head) {
    let mut whole = BytesMut::from(head.bytes().as_ref());
    whole.extend_from_slice(buffer);
    *buffer = whole;
}

/// The path of a request's target, whatever its form (RFC 9112 section 3.2).
fn path(target: &str) -> &str {
    let path = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |slash| &rest[slash..]),
        _ => target,
    };
    path.split(['?', '#']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> RequestHead {
        match RequestHead::take(&mut BytesMut::from(text)) {
            Parsed::Whole(head) => head,
            other => panic!("{text:?} is {other:?}"),
        }
    }

    #[test]
    fn the_path_of_each_form_of_target() {
        let table = [
            ("/a/b?c=/d", "/a/b"),
            ("http://x:80/a?b", "/a"),
            ("http://x", "/"),
            ("/redirect?to=http://x/y", "/redirect"),
            ("*", "*"),
        ];
        for (target, expected) in table {
            let head = request(&format!("GET {target} HTTP/1.1\r\n\r\n"));
            assert_eq!(head.ask().path, expected, "{target}");
        }
    }

    #[test]
    fn framings() {
        let table = [
            ("", Framing::Length(0)),
            ("Content-Length: 5\r\n", Framing::Length(5)),
            ("Content-Length: 5, 5\r\n", Framing::Length(5)),
            ("Transfer-Encoding: gzip, chunked\r\n", Framing::Chunked),
            (
                "Content-Length: 5\r\ntransfer-encoding: Chunked\r\n",
                Framing::Chunked,
            ),
        ];
        for (fields, expected) in table {
            let head = request(&format!("POST / HTTP/1.1\r\n{fields}\r\n"));
            assert_eq!(head.framing, expected, "{fields}");
        }
        for fields in [
            "Content-Length: 5, 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Transfer-Encoding: gzip\r\n",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{fields}\r\nbody");
            let mut buffer = BytesMut::from(text.as_str());
            assert!(
                matches!(RequestHead::take(&mut buffer), Parsed::Foreign),
                "{fields}"
            );
            assert_eq!(buffer, text, "nothing of it is lost");
        }
    }

    #[test]
    fn what_a_head_says_of_its_connection() {
        assert!(request("GET / HTTP/1.1\r\n\r\n").keeps_alive);
        assert!(!request("GET / HTTP/1.1\r\nConnection: a, Close\r\n\r\n").keeps_alive);
        assert!(!request("GET / HTTP/1.0\r\n\r\n").keeps_alive);
        assert!(request("GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n").keeps_alive);
        assert!(request("PUT / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n").expects);
        assert!(request("CONNECT a:1 HTTP/1.1\r\n\r\n").may_switch);
        assert!(request("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n").may_switch);
    }

    #[test]
    fn a_head_in_pieces_is_partial_and_others_are_foreign() {
        let mut buffer = BytesMut::from("GET / HTTP/1.1\r\nHo");
        assert!(matches!(RequestHead::take(&mut buffer), Parsed::Partial));
        for foreign in [
            &b"\x16\x03\x01\x02\x00\x01"[..],
            b"EHLO me\r\n",
            b"\0\0\0\x08\x04\xd2\x16/",
        ] {
            let mut buffer = BytesMut::from(foreign);
            assert!(
                matches!(RequestHead::take(&mut buffer), Parsed::Foreign),
                "{foreign:?}"
            );
        }
    }
}
