//! Changes of headers, in both forms that a head has here: lines of HTTP/1.1 and a map of HTTP/2.

use bytes::BytesMut;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::{HeaderText, RuleError};
use crate::h1::Head;

/// Changes of one head's headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
}

/// These say where a message ends or whose the connection is. To change them would not be a fault but
/// another message; `truncate` and `drop` are there for that.
const FRAMING: [HeaderName; 4] = [
    hyper::header::CONNECTION,
    hyper::header::CONTENT_LENGTH,
    hyper::header::TRANSFER_ENCODING,
    hyper::header::UPGRADE,
];

impl TryFrom<HeaderText> for Changes {
    type Error = RuleError;

    fn try_from(text: HeaderText) -> Result<Self, RuleError> {
        let pairs = |table: std::collections::BTreeMap<String, String>| {
            table
                .into_iter()
                .map(|(key, text)| Ok((name(&key)?, value(&key, &text)?)))
                .collect::<Result<Vec<_>, RuleError>>()
        };
        Ok(Self {
            remove: text
                .remove
                .0
                .iter()
                .map(|key| name(key))
                .collect::<Result<_, _>>()?,
            set: pairs(text.set)?,
            add: pairs(text.add)?,
        })
    }
}

fn name(text: &str) -> Result<HeaderName, RuleError> {
    let name: HeaderName = text.parse().map_err(|_| RuleError::HeaderName(text.to_owned()))?;
    if FRAMING.contains(&name) {
        return Err(RuleError::Framing(text.to_owned()));
    }
    Ok(name)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, RuleError> {
    text.parse().map_err(|_| RuleError::HeaderValue(name.to_owned()))
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// The value that `host` is set to.
    pub(crate) fn host(&self) -> Option<&HeaderValue> {
        let (_, value) = self.set.iter().find(|(name, _)| name == hyper::header::HOST)?;
        Some(value)
    }

    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
    }

    /// The head with these changes. Lines that are not changed are the bytes that they were; one that is set stands
    /// where it stood.
    pub(crate) fn rewrite(&self, head: &Head) -> BytesMut {
        let mut out = BytesMut::with_capacity(head.bytes().len() + 256);
        let mut placed = vec![false; self.set.len()];
        out.extend_from_slice(head.start_line());
        for field in head.fields() {
            let is = |name: &HeaderName| field.is(name.as_str());
            if self.remove.iter().any(is) {
                continue;
            }
            let set = self.set.iter().zip(&mut placed).find(|((name, _), _)| is(name));
            match set {
                None => out.extend_from_slice(field.line),
                Some(((_, value), placed)) => {
                    if !std::mem::replace(placed, true) {
                        push(&mut out, field.name, value);
                    }
                }
            }
        }
        let missing = self.set.iter().zip(placed).filter(|(_, placed)| !placed);
        for (name, value) in missing.map(|(pair, _)| pair).chain(&self.add) {
            push(&mut out, name.as_str().as_bytes(), value);
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

fn push(out: &mut BytesMut, name: &[u8], value: &HeaderValue) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}
