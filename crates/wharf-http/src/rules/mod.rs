//! Which requests are treated badly, and how: pure data.
//!
//! **The first rule that matches decides**, its probability included, and no other is looked at. So what a
//! request meets is read from the top, and a rule that does nothing exempts: `path = "/health"` alone, above
//! the others, lets health checks pass.

mod change;
mod glob;
mod set;
mod text;

use hyper::{Method, StatusCode};
use wharf_link::{Latency, Probability, Rate};

pub(crate) use change::Changes;
pub use glob::GlobError;
pub(crate) use glob::{PathGlob, ValueGlob};
pub(crate) use set::{Ask, Headers, RuleSet};
pub use text::{Drop, HeaderText, OneOrMany, RuleText};

use serde::{Deserialize, Serialize};

/// What happens to some requests. Made from [`RuleText`], or from words (`FromStr`); through serde it is
/// that text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub struct Rule {
    text: RuleText,
    methods: Vec<Method>,
    path: Option<PathGlob>,
    headers: Vec<HeaderMatch>,
    probability: Probability,
    pub(crate) answer: Answer,
    pub(crate) delay: Option<Latency>,
    pub(crate) shape: Shape,
    pub(crate) request: Changes,
    pub(crate) response: Changes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct HeaderMatch {
    name: String,
    value: Option<ValueGlob>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Provider,
    Own(StatusCode, String),
    Nobody(Drop),
}

/// What becomes of a body on its way to the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rate: Option<Rate>,
    pub(crate) end: Option<End>,
}

/// How a body ends before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// After so many bytes, if there are more.
    pub(crate) after: u64,
    pub(crate) manner: EndManner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndManner {
    Truncate,
    Stall,
}

impl Shape {
    pub(crate) fn is_plain(self) -> bool {
        self == Self::default()
    }
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A pattern is none.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// No such method can be.
    #[error("method `{0}`: not a method")]
    Method(String),
    /// No such header can be.
    #[error("header `{0}`: not a header's name")]
    HeaderName(String),
    /// Such a value cannot be sent.
    #[error("header `{0}`: its value has characters that no header may have")]
    HeaderValue(String),
    /// A change of this header would break the message's framing.
    #[error("header `{0}`: it says where a message ends, so it cannot be changed")]
    Framing(String),
    /// A final status is from 200 to 599.
    #[error("status {0}: write one from 200 to 599")]
    Status(u16),
    /// Two keys contradict each other.
    #[error("`{0}` and `{1}` exclude each other")]
    Conflict(&'static str, &'static str),
    /// A key has no meaning without another.
    #[error("`{0}` needs `{1}`")]
    Needs(&'static str, &'static str),
    /// A status that has no body (204, 304) was given one.
    #[error("status {0} has no body")]
    NoBody(u16),
    /// A word is not `key=value`.
    #[error("`{0}`: write `key=value`")]
    NoValue(String),
    /// There is no such key.
    #[error(
        "`{0}`: not one of method, path, header, probability, status, body, delay, rate, truncate, stall, drop, \
         request.set.NAME, request.add.NAME, request.remove, response.…"
    )]
    UnknownKey(String),
    /// A key came twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A value is none of its key's.
    #[error("{key} = `{value}`: {problem}")]
    Value {
        /// The key.
        key: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A quote is not closed.
    #[error("a quote is not closed")]
    Quotes,
}

impl TryFrom<RuleText> for Rule {
    type Error = RuleError;

    fn try_from(text: RuleText) -> Result<Self, RuleError> {
        let methods = text.method.0.iter().map(|name| {
            let method = name.parse::<Method>();
            method.map_err(|_| RuleError::Method(name.clone()))
        });
        let given = text.clone();
        Ok(Self {
            methods: methods.collect::<Result<_, _>>()?,
            path: given.path.as_deref().map(str::parse).transpose()?,
            headers: given
                .header
                .0
                .iter()
                .map(|text| header_match(text))
                .collect::<Result<_, _>>()?,
            probability: given.probability.unwrap_or(Probability::ALWAYS),
            answer: answer(&given)?,
            delay: given.delay,
            shape: shape(&given)?,
            request: given.request.try_into()?,
            response: given.response.try_into()?,
            text,
        })
    }
}

impl From<Rule> for RuleText {
    fn from(rule: Rule) -> Self {
        rule.text
    }
}

impl Rule {
    /// The rule as it was written.
    #[must_use]
    pub fn text(&self) -> &RuleText {
        &self.text
    }
}

fn header_match(text: &str) -> Result<HeaderMatch, RuleError> {
    let (name, value) = match text.split_once(':') {
        None => (text, None),
        Some((name, value)) => (name, Some(value.trim().parse()?)),
    };
    let name = name.trim().parse::<hyper::header::HeaderName>();
    let name = name.map_err(|_| RuleError::HeaderName(text.to_owned()))?;
    Ok(HeaderMatch {
        name: name.as_str().to_owned(),
        value,
    })
}

fn answer(text: &RuleText) -> Result<Answer, RuleError> {
    let changes = |headers: &HeaderText| *headers != HeaderText::default();
    match (text.status, &text.body, text.drop) {
        (Some(_), _, None) if changes(&text.request) => Err(RuleError::Conflict("status", "request")),
        (_, _, Some(_)) if changes(&text.request) => Err(RuleError::Conflict("drop", "request")),
        (_, _, Some(_)) if changes(&text.response) => Err(RuleError::Conflict("drop", "response")),
        (Some(_), _, Some(_)) => Err(RuleError::Conflict("status", "drop")),
        (None, Some(_), _) => Err(RuleError::Needs("body", "status")),
        (None, None, None) => Ok(Answer::Provider),
        (None, None, Some(drop)) => Ok(Answer::Nobody(drop)),
        (Some(number), body, None) => {
            let status = StatusCode::from_u16(number).map_err(|_| RuleError::Status(number))?;
            if !(200..=599).contains(&number) {
                return Err(RuleError::Status(number));
            }
            if body.is_some() && has_no_body(status) {
                return Err(RuleError::NoBody(number));
            }
            Ok(Answer::Own(status, body.clone().unwrap_or_default()))
        }
    }
}

/// RFC 9110 section 6.4.1.
pub(crate) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED
}

fn shape(text: &RuleText) -> Result<Shape, RuleError> {
    let end = match (text.truncate, text.stall) {
        (Some(_), Some(_)) => return Err(RuleError::Conflict("truncate", "stall")),
        (Some(size), None) => Some((size, EndManner::Truncate)),
        (None, Some(size)) => Some((size, EndManner::Stall)),
        (None, None) => None,
    };
    let shape = Shape {
        rate: text.rate,
        end: end.map(|(size, manner)| End {
            after: size.bytes(),
            manner,
        }),
    };
    if text.drop.is_some() && !shape.is_plain() {
        return Err(RuleError::Conflict("drop", "rate, truncate or stall"));
    }
    Ok(shape)
}
