//! Rules as people write them: the keys of `[[link."web -> api".http]]`, and the words of a flag.

use std::collections::BTreeMap;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_link::{Latency, Probability, Rate, Size};

use super::{Rule, RuleError};

/// A rule as it is written. Every key may be left out. [`Rule`] is what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "http")]
pub struct RuleText {
    /// The method, or one of several: `"POST"`, `["PUT", "PATCH"]`. By default any.
    #[serde(skip_serializing_if = "OneOrMany::is_empty")]
    pub method: OneOrMany,
    /// A pattern for the path, without its query: `"/orders/*"`, `"/api/**"`. By default any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers that the request must have, all of them: `"x-beta"`, or with a pattern for the value
    /// `"user-agent: curl/*"`.
    #[serde(skip_serializing_if = "OneOrMany::is_empty")]
    pub header: OneOrMany,
    /// How many of the requests that match otherwise. By default all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub probability: Option<Probability>,
    /// Answers with this status, 200 to 599. The provider is not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of that answer. By default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Holds the answer back for so long, from its first byte on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub delay: Option<Latency>,
    /// Lets so many bytes of the answer's body pass in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub rate: Option<Rate>,
    /// Breaks the answer off after so many bytes of its body, if it has more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub truncate: Option<Size>,
    /// Lets nothing more come after so many bytes of the answer's body, and leaves the connection open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub stall: Option<Size>,
    /// Gives no answer at all: `"connection"` resets the connection, `"request"` only the request's own
    /// stream, where there is such a thing (HTTP/2; HTTP/1.1 has only the connection).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<Drop>,
    /// Changes of the request's headers.
    #[serde(skip_serializing_if = "HeaderText::is_empty")]
    pub request: HeaderText,
    /// Changes of the answer's headers, also of an answer by `status`.
    #[serde(skip_serializing_if = "HeaderText::is_empty")]
    pub response: HeaderText,
}

/// What a request without an answer costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Drop {
    /// The connection, and whatever else is on it.
    Connection,
    /// This request: RST_STREAM. In HTTP/1.1 that is the connection.
    Request,
}

/// Changes of headers, made in this order: `remove`, `set`, `add`. Where a request's `host` is set, that is
/// its `:authority` in HTTP/2.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "headers")]
pub struct HeaderText {
    /// These go.
    #[serde(skip_serializing_if = "OneOrMany::is_empty")]
    pub remove: OneOrMany,
    /// These have this value and no other.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// These come in addition.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<String, String>,
}

impl HeaderText {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A text, or a list of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "OneOrManyText", into = "OneOrManyText")]
#[schemars(with = "OneOrManyText", inline)]
pub struct OneOrMany(pub Vec<String>);

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
enum OneOrManyText {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<OneOrManyText> for OneOrMany {
    fn from(text: OneOrManyText) -> Self {
        match text {
            OneOrManyText::One(one) => Self(vec![one]),
            OneOrManyText::Many(many) => Self(many),
        }
    }
}

impl From<OneOrMany> for OneOrManyText {
    fn from(mut list: OneOrMany) -> Self {
        match list.0.pop() {
            Some(one) if list.0.is_empty() => Self::One(one),
            Some(last) => {
                list.0.push(last);
                Self::Many(list.0)
            }
            None => Self::Many(Vec::new()),
        }
    }
}

/// A rule in words: `path=/orders/** method=POST status=503 'body=try later' probability=10%`. The keys are those of
/// [`RuleText`]; `method`, `header` and `remove` may come several times; headers are changed by
/// `response.set.etag=x`, `request.remove=cookie`. Words are quoted as in a shell.
impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(words: &str) -> Result<Self, RuleError> {
        let words = shell_words::split(words).map_err(|_| RuleError::Quotes)?;
        let mut rule = RuleText::default();
        for word in words {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| RuleError::NoValue(word.clone()))?;
            rule.take(key, value)?;
        }
        rule.try_into()
    }
}

impl RuleText {
    fn take(&mut self, key: &str, value: &str) -> Result<(), RuleError> {
        let text = || value.to_owned();
        match key {
            "method" => self.method.0.push(text()),
            "path" => once(&mut self.path, key, value, Ok(text()))?,
            "header" => self.header.0.push(text()),
            "probability" => once(&mut self.probability, key, value, parse(value))?,
            "status" => once(&mut self.status, key, value, parse(value))?,
            "body" => once(&mut self.body, key, value, Ok(text()))?,
            "delay" => once(&mut self.delay, key, value, parse(value))?,
            "rate" => once(&mut self.rate, key, value, parse(value))?,
            "truncate" => once(&mut self.truncate, key, value, parse(value))?,
            "stall" => once(&mut self.stall, key, value, parse(value))?,
            "drop" => {
                let drop = match value {
                    "connection" => Ok(Drop::Connection),
                    "request" => Ok(Drop::Request),
                    _ => Err("write `connection` or `request`".to_owned()),
                };
                once(&mut self.drop, key, value, drop)?;
            }
            _ => self.take_change(key, value)?,
        }
        Ok(())
    }

    fn take_change(&mut self, key: &str, value: &str) -> Result<(), RuleError> {
        let unknown = || RuleError::UnknownKey(key.to_owned());
        let (side, change) = key.split_once('.').ok_or_else(unknown)?;
        let headers = match side {
            "request" => &mut self.request,
            "response" => &mut self.response,
            _ => return Err(unknown()),
        };
        let table = match change.split_once('.') {
            Some(("set", name)) => (&mut headers.set, name),
            Some(("add", name)) => (&mut headers.add, name),
            None if change == "remove" => {
                headers.remove.0.push(value.to_owned());
                return Ok(());
            }
            _ => return Err(unknown()),
        };
        match table.0.insert(table.1.to_owned(), value.to_owned()) {
            Some(_) => Err(RuleError::Twice(key.to_owned())),
            None => Ok(()),
        }
    }
}

fn parse<T: FromStr<Err: ToString>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|error: T::Err| error.to_string())
}

fn once<T>(
    place: &mut Option<T>,
    key: &str,
    value: &str,
    parsed: Result<T, String>,
) -> Result<(), RuleError> {
    let parsed = parsed.map_err(|problem| RuleError::Value {
        key: key.to_owned(),
        value: value.to_owned(),
        problem,
    })?;
    match place.replace(parsed) {
        Some(_) => Err(RuleError::Twice(key.to_owned())),
        None => Ok(()),
    }
}
