//! Placeholders: `{port}` and its like in `run` and `env`.
//!
//! Commands are full of braces that are none of ours: `${HOME}`, `awk '{print $1}'`, JSON, Go
//! templates. So a placeholder is exactly
//!
//! ```text
//! {word}  {word.word}  {word.word.word} …     with a first word of port, host, url, name, needs
//! ```
//!
//! with nothing but `a-z`, `0-9`, `-` and `_` in its words, and no `$` before it (`${port}` is a
//! variable of the shell). One that stands in double braces, `{{port}}`, is written as `{port}`.
//! Everything else is left as it is, byte for byte.
//!
//! | placeholder | is |
//! | --- | --- |
//! | `{port}` `{host}` | where this service is to listen |
//! | `{url}` | where it is found: its URL at the door, else that of its port |
//! | `{name}` | its name |
//! | `{port.metrics}` | one of its further `ports` |
//! | `{needs.api.url}` `.host` `.port` `.addr` | where it finds what it needs: the address of the link |

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::suggest;

/// The first words of placeholders.
const FIRST_WORDS: [&str; 5] = ["port", "host", "url", "name", "needs"];
/// What can be asked of a need.
const OF_A_NEED: [&str; 4] = ["url", "host", "port", "addr"];

/// What placeholders of a service stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The service's name.
    pub name: String,
    /// Where it is to listen.
    pub address: SocketAddr,
    /// Its URL at the door; `None` where there is none, and `{url}` is that of its own port.
    pub url: Option<String>,
    /// Its further ports.
    pub ports: BTreeMap<String, u16>,
    /// Where it finds what it needs.
    pub needs: BTreeMap<String, Target>,
}

/// Where a service finds something it needs: the address of the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: SocketAddr,
    /// The address as a URL.
    pub url: String,
}

/// A placeholder that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{placeholder}}}` stands for nothing: {problem}")]
pub struct SubstituteError {
    /// What stands between the braces.
    pub placeholder: String,
    /// Where the placeholder begins in the text, in bytes.
    pub offset: usize,
    /// What is wrong with it.
    pub problem: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

/// Fills the placeholders of a text in.
pub fn substitute(text: &str, scope: &Scope) -> Result<String, SubstituteError> {
    let known = Known {
        ports: scope.ports.keys().map(String::as_str).collect(),
        needs: scope.needs.keys().map(String::as_str).collect(),
    };
    let mut filled = String::new();
    let mut copied = 0;
    for found in Placeholders::of(text) {
        filled.push_str(&text[copied..found.start]);
        copied = found.end;
        if found.escaped {
            filled.push_str(&text[found.start + 1..found.end - 1]);
        } else {
            filled.push_str(&scope.value(&found.meaning(&known)?));
        }
    }
    filled.push_str(&text[copied..]);
    Ok(filled)
}

impl Scope {
    /// What is known to be there: a meaning is only made of names that are.
    fn value(&self, meaning: &Meaning<'_>) -> String {
        let need =
            |name: &str, part: fn(&Target) -> String| self.needs.get(name).map(part).unwrap_or_default();
        match *meaning {
            Meaning::Port => self.address.port().to_string(),
            Meaning::Host => self.address.ip().to_string(),
            Meaning::Url => match &self.url {
                Some(url) => url.clone(),
                None => format!("http://{}", self.address),
            },
            Meaning::Name => self.name.clone(),
            Meaning::Further(name) => self.ports.get(name).map(u16::to_string).unwrap_or_default(),
            Meaning::Need(name, "url") => need(name, |need| need.url.clone()),
            Meaning::Need(name, "host") => need(name, |need| need.address.ip().to_string()),
            Meaning::Need(name, "port") => need(name, |need| need.address.port().to_string()),
            Meaning::Need(name, _) => need(name, |need| need.address.to_string()),
        }
    }
}

/// Escapes what only looks like a placeholder, in a text that comes from elsewhere: filled in, it
/// is what it was.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::new();
    let mut copied = 0;
    for found in Placeholders::of(text) {
        safe.push_str(&text[copied..found.start]);
        safe.push_str(&format!("{{{}}}", &text[found.start..found.end]));
        copied = found.end;
    }
    safe.push_str(&text[copied..]);
    safe
}

/// The names that placeholders of a service may use.
pub(super) struct Known<'a> {
    pub(super) ports: Vec<&'a str>,
    pub(super) needs: Vec<&'a str>,
}

/// Checks the placeholders of a text without filling them in.
pub(super) fn check(text: &str, known: &Known<'_>) -> Result<(), SubstituteError> {
    Placeholders::of(text)
        .filter(|found| !found.escaped)
        .try_for_each(|found| found.meaning(known).map(|_| ()))
}

/// A placeholder in a text: `text[start..end]`, with its braces.
struct Found<'a> {
    start: usize,
    end: usize,
    inner: &'a str,
    escaped: bool,
}

/// What a placeholder stands for.
enum Meaning<'a> {
    Port,
    Host,
    Url,
    Name,
    Further(&'a str),
    Need(&'a str, &'a str),
}

impl<'a> Found<'a> {
    fn meaning(&self, known: &Known<'_>) -> Result<Meaning<'a>, SubstituteError> {
        let words: Vec<&str> = self.inner.split('.').collect();
        match *words.as_slice() {
            ["port"] => Ok(Meaning::Port),
            ["host"] => Ok(Meaning::Host),
            ["url"] => Ok(Meaning::Url),
            ["name"] => Ok(Meaning::Name),
            ["port", name] if known.ports.contains(&name) => Ok(Meaning::Further(name)),
            ["port", name] => {
                let ports = known.ports.iter().copied();
                let hint = suggest::hint(name, "its ports are", ports);
                let hint = hint.or_else(|| Some(format!("add ports = [\"{name}\"]")));
                Err(self.error(format!("there is no port `{name}`"), hint))
            }
            ["needs", name, _] if !known.needs.contains(&name) => {
                let needs = known.needs.iter().copied();
                let hint = suggest::hint(name, "it needs", needs);
                let hint = hint.or_else(|| Some(format!("add needs = [\"{name}\"]")));
                let problem = format!("there is no need `{name}` that has a link");
                Err(self.error(problem, hint))
            }
            ["needs", name, part] if OF_A_NEED.contains(&part) => Ok(Meaning::Need(name, part)),
            ["needs", name, part] => {
                let hint = suggest::hint(part, &format!("of `{name}` there are"), OF_A_NEED);
                Err(self.error(format!("there is no `{part}` of a need"), hint))
            }
            ["needs", ..] => {
                let hint = "write it as in `{needs.api.url}`".to_owned();
                Err(self.error("a need has a name and a part".to_owned(), Some(hint)))
            }
            _ => {
                let hint = format!("write `{{{}}}`", words[0]);
                let problem = format!("`{}` has no parts like this", words[0]);
                Err(self.error(problem, Some(hint)))
            }
        }
    }

    fn error(&self, problem: String, hint: Option<String>) -> SubstituteError {
        SubstituteError {
            placeholder: self.inner.to_owned(),
            offset: self.start,
            problem,
            hint,
        }
    }
}

/// The placeholders of a text, from left to right.
struct Placeholders<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Placeholders<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'a> Iterator for Placeholders<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            let open = self.at + self.text.get(self.at..)?.find('{')?;
            self.at = open + 1;
            let rest = &self.text[open + 1..];
            let Some(close) = rest.find(|c: char| !is_of_a_word(c) && c != '.') else {
                continue;
            };
            let inner = &rest[..close];
            let first = inner.split('.').next().unwrap_or_default();
            let is_ours = FIRST_WORDS.contains(&first) && !inner.split('.').any(str::is_empty);
            if !rest[close..].starts_with('}') || !is_ours {
                continue;
            }
            let before = &self.text[..open];
            let end = open + 1 + close + 1;
            if before.ends_with('$') {
                continue;
            }
            let escaped = before.ends_with('{') && self.text[end..].starts_with('}');
            let (start, end) = if escaped { (open - 1, end + 1) } else { (open, end) };
            self.at = end;
            return Some(Found {
                start,
                end,
                inner,
                escaped,
            });
        }
    }
}

fn is_of_a_word(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')
}
