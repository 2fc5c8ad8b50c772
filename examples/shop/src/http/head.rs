//! The head of a message: a first line and fields.

use super::BODY_MAX;

/// A message's head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) first: String,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Reads a head that ends with an empty line. `None` for what is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.strip_suffix("\r\n\r\n")?.split("\r\n");
        let first = lines.next()?.to_owned();
        let fields = lines
            .map(|line| {
                let (name, value) = line.split_once(':')?;
                // RFC 9112, section 5.1: no blank before the colon; 5.2: no folded lines.
                let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
                is_name.then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self { first, fields })
    }

    /// A field's value; `None` if it is not there or there more than once.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// Whether a field is there at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// Whether the connection ends with this message, in this version of HTTP.
    pub(super) fn closes(&self, version: &str) -> bool {
        let says = |token: &str| {
            let value = self.field("connection").unwrap_or_default();
            value
                .split(',')
                .any(|word| word.trim().eq_ignore_ascii_case(token))
        };
        says("close") || (version != "HTTP/1.1" && !says("keep-alive"))
    }

    /// The length of the body. An error is the status that it deserves.
    pub(super) fn body_length(&self) -> Result<usize, u16> {
        if self.has("transfer-encoding") {
            return Err(501);
        }
        if !self.has("content-length") {
            return Ok(0);
        }
        let text = self.field("content-length").ok_or(400_u16)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(400);
        }
        match text.parse() {
            Ok(length) if length <= BODY_MAX => Ok(length),
            _ => Err(413),
        }
    }
}
