//! Names: every one is a DNS label, so that it can stand in `http://web.shop.localhost`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most characters that a DNS label may have (RFC 1035, section 2.3.4).
pub const LABEL_MAX: usize = 63;

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was written.
    #[error("a name may not be empty")]
    Empty,
    /// A DNS label has at most 63 characters.
    #[error("a name has at most {LABEL_MAX} characters, this one {0}")]
    TooLong(usize),
    /// Only letters, digits and hyphens.
    #[error("a name is made of a-z, 0-9 and `-`, so it may not contain {0:?}")]
    Character(char),
    /// RFC 1123, section 2.1: a hyphen stands only between other characters.
    #[error("a name may not begin or end with `-`")]
    Hyphen,
    /// A link's name lacks its arrow.
    #[error("a link is written `consumer -> provider`")]
    NoArrow,
}

/// A DNS label in lower case: 1 to 63 of `a-z`, `0-9` and inner hyphens.
///
/// Upper case is refused instead of folded: two spellings of one name would meet in DNS, in file
/// names and in variables, each of which folds by rules of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// The nearest label to any text: lower case, every other character a hyphen, cut to 63 with
    /// a hash of the whole. `None` if nothing is left.
    #[must_use]
    pub fn made_from(text: &str) -> Option<Self> {
        let mut label = String::new();
        for character in text.chars().flat_map(char::to_lowercase) {
            if character.is_ascii_alphanumeric() {
                label.push(character);
            } else if !label.ends_with('-') {
                label.push('-');
            }
        }
        let label = label.trim_matches('-');
        if label.is_empty() {
            return None;
        }
        if label.len() <= LABEL_MAX {
            return Some(Self(label.to_owned()));
        }
        let kept = label[..LABEL_MAX - 9].trim_end_matches('-');
        Some(Self(format!("{kept}-{:08x}", fnv1a(text.as_bytes()))))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a part of an environment variable's name: `my-api` is `MY_API`.
    ///
    /// No two labels share one, since a label has no underscore. A leading digit, which POSIX
    /// does not allow there, is put behind an underscore.
    #[must_use]
    pub fn env_name(&self) -> String {
        let name = self.0.to_ascii_uppercase().replace('-', "_");
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            format!("_{name}")
        } else {
            name
        }
    }
}

impl FromStr for Label {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let stranger = |character: &char| !matches!(character, 'a'..='z' | '0'..='9' | '-');
        if let Some(character) = text.chars().find(stranger) {
            return Err(NameError::Character(character));
        }
        if text.len() > LABEL_MAX {
            return Err(NameError::TooLong(text.len()));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(NameError::Hyphen);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Label {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A kind of name that is a [`Label`] and nothing else.
macro_rules! label_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Label);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The name as a part of an environment variable's name: see [`Label::env_name`].
            #[must_use]
            pub fn env_name(&self) -> String {
                self.0.env_name()
            }
        }

        impl From<Label> for $name {
            fn from(label: Label) -> Self {
                Self(label)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                text.parse().map(Self)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

label_type! {
    /// The name of a service, a task or an external.
    ServiceName
}
label_type! {
    /// The name of a stack.
    StackName
}
label_type! {
    /// The name of a segment.
    SegmentName
}
label_type! {
    /// The name of a scenario.
    ScenarioName
}
label_type! {
    /// The name of one of a service's further ports.
    PortName
}

/// The far side of the door, as a consumer: a reserved name.
pub const DOOR: &str = "door";

/// A consumer that Wharf does not start: the user, with a program of their own. A reserved name.
pub const CLIENT: &str = "client";

/// Who opens the connections of a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consumer {
    /// A program that Wharf does not start.
    Client,
    /// The door at 127.0.0.1:62893.
    Door,
    /// A service or a task.
    Service(ServiceName),
}

impl Consumer {
    /// The service's name; none for the door and for a client from outside.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceName> {
        match self {
            Self::Client | Self::Door => None,
            Self::Service(name) => Some(name),
        }
    }
}

impl FromStr for Consumer {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            CLIENT => Ok(Self::Client),
            DOOR => Ok(Self::Door),
            _ => text.parse().map(Self::Service),
        }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.pad(CLIENT),
            Self::Door => f.pad(DOOR),
            Self::Service(name) => fmt::Display::fmt(name, f),
        }
    }
}

/// One arrow: `web -> api`. Spaces around the arrow may be left out when it is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkName {
    /// Who connects.
    pub consumer: Consumer,
    /// Who is connected to.
    pub provider: ServiceName,
}

impl FromStr for LinkName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (consumer, provider) = text.split_once("->").ok_or(NameError::NoArrow)?;
        Ok(Self {
            consumer: consumer.trim().parse()?,
            provider: provider.trim().parse()?,
        })
    }
}

impl TryFrom<String> for LinkName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<LinkName> for String {
    fn from(name: LinkName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} -> {}", self.consumer, self.provider))
    }
}

/// FNV-1a of 32 bits: a hash that is the same on every machine and in every release.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
