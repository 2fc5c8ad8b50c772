//! Reading an HTTP/1 answer, as far as it has come.

use crate::speech;

use super::BODY;

/// An HTTP answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, and values.
    headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Of parts that another parser has read.
    pub(crate) fn of_parts<'a>(
        status: u16,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        body: Vec<u8>,
    ) -> Self {
        Self {
            status,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()))
                .collect(),
            body,
        }
    }

    /// The first header of this name, which is in lower case, in one clean line.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        speech::line(value)
    }

    /// The names of the cookies that it sets, each once.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (_, value) in self.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let name = value.split(|&byte| byte == b'=' || byte == b';').next();
            if let Some(name) = name.and_then(speech::line)
                && value.contains(&b'=')
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// The body as text, as much of it as is looked at.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(BODY)]).into_owned()
    }
}

/// How far an answer has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It is not HTTP/1.
    Not,
    /// Its head is not whole.
    Head,
    /// Its head is whole; of its body this has come, and more would tell more.
    Body(Answer),
    /// More would tell nothing more.
    Enough(Answer),
}

/// The most headers that are read.
const HEADERS: usize = 128;

/// The most interim answers that are passed over: 100 and 103 come before the answer.
const INTERIM: usize = 3;

/// Reads what has come of an answer to a GET.
pub(crate) fn read(bytes: &[u8]) -> Reading {
    let mut rest = bytes;
    for _ in 0..=INTERIM {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(rest) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Reading::Head,
            Err(_) => return Reading::Not,
        };
        rest = &rest[length..];
        let status = response.code.unwrap_or_default();
        if !matches!(status, 100 | 102..=199) {
            let headers = response.headers.iter().map(|header| (header.name, header.value));
            return with_body(Answer::of_parts(status, headers, Vec::new()), rest);
        }
    }
    Reading::Not
}

/// The answer with `rest`, what has come of its body.
fn with_body(answer: Answer, rest: &[u8]) -> Reading {
    let value = |name: &str| answer.header(name).map(|value| value.to_ascii_lowercase());
    let is_chunked = value("transfer-encoding").is_some_and(|value| value.contains("chunked"));
    let is_text = value("content-type")
        .is_none_or(|value| value.contains("text/") || value.contains("json") || value.contains("html"));
    let (body, is_whole) = if is_chunked {
        dechunk(rest)
    } else {
        let said = value("content-length").and_then(|length| length.parse::<usize>().ok());
        let here = rest.len().min(said.unwrap_or(BODY)).min(BODY);
        (rest[..here].to_vec(), said.is_some_and(|said| rest.len() >= said))
    };
    let is_enough = matches!(answer.status, 101 | 204 | 304) || !is_text || is_whole || body.len() >= BODY;
    let answer = Answer { body, ..answer };
    if is_enough {
        Reading::Enough(answer)
    } else {
        Reading::Body(answer)
    }
}

/// The data of chunks (RFC 9112, 7.1), and whether the last one was there.
fn dechunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while body.len() < BODY {
        let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
            return (body, false);
        };
        let size = String::from_utf8_lossy(&bytes[..end]);
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            // Not chunks, whatever the head says: nothing more can be read.
            return (body, true);
        };
        if size == 0 {
            return (body, true);
        }
        let data = &bytes[end + 2..];
        let here = size.min(data.len()).min(BODY - body.len());
        body.extend_from_slice(&data[..here]);
        match size.checked_add(2).and_then(|size| data.get(size..)) {
            Some(rest) => bytes = rest,
            None => return (body, false),
        }
    }
    (body, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(bytes: &str, status: u16, body: &str, is_enough: bool) {
        let (answer, enough) = match read(bytes.as_bytes()) {
            Reading::Enough(answer) => (answer, true),
            Reading::Body(answer) => (answer, false),
            other => panic!("{bytes:?} is {other:?}"),
        };
        assert_eq!(
            (answer.status, answer.text().as_str(), enough),
            (status, body, is_enough),
            "{bytes:?}"
        );
    }

    #[test]
    fn an_answer_is_read_as_far_as_it_came() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
            200,
            "abcd",
            true,
        );
        check("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", 200, "ab", false);
        check("HTTP/1.0 200 OK\r\n\r\nab", 200, "ab", false);
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\nab",
            200,
            "ab",
            false,
        );
        check(
            "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n",
            200,
            "",
            true,
        );
        check("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true);
        check(
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            404,
            "",
            true,
        );
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(
            &format!("{chunked}2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
            200,
            "abc",
            true,
        );
        check(&format!("{chunked}ff\r\nab"), 200, "ab", false);
        check(&format!("{chunked}ffffffffffffffff\r\nab"), 200, "ab", false);
        check(&format!("{chunked}no chunk\r\nab"), 200, "", true);
    }

    #[test]
    fn what_is_none_is_said_so() {
        assert_eq!(read(b""), Reading::Head);
        assert_eq!(read(b"HTTP/1.1 2"), Reading::Head);
        assert_eq!(read(b"-ERR wrong\r\n"), Reading::Not);
        assert_eq!(read(b"HTTP/1.1 100 \r\n\r\n".repeat(5).as_slice()), Reading::Not);
    }

    #[test]
    fn cookies_have_names_and_keep_their_values() {
        let bytes = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=secret; Path=/\r\nset-cookie: b=1\r\nSet-Cookie: a=2\r\nSet-Cookie: odd\r\n\r\n";
        let Reading::Body(answer) = read(bytes) else {
            panic!("no answer")
        };
        assert_eq!(answer.cookies(), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(head in ".{0,80}", body in prop::collection::vec(any::<u8>(), 0..200), is_chunked in any::<bool>()) {
            let coding = if is_chunked { "Transfer-Encoding: chunked\r\n" } else { "" };
            let mut bytes = format!("HTTP/1.1 200 OK\r\n{coding}X: {head}\r\n\r\n").into_bytes();
            bytes.extend(&body);
            let _ = read(&bytes);
            let _ = read(&body);
            let (data, _) = dechunk(&body);
            prop_assert!(data.len() <= body.len());
        }
    }
}
