//! A host name, parsed once.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

/// A DNS name: lower-case, without a final dot, never an IP address in any spelling.
///
/// # Examples
///
/// ```
/// use wharf_door::Hostname;
///
/// let name: Hostname = "Web.Shop.LOCALHOST.".parse()?;
/// assert_eq!(name.as_str(), "web.shop.localhost");
/// assert!("127.0.0.1".parse::<Hostname>().is_err());
/// # Ok::<(), wharf_door::HostnameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hostname(String);

/// Why a text is not a [`Hostname`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostnameError {
    /// It is an IP address, or a browser would read it as one.
    #[error("an IP address is not a name")]
    Literal,
    /// It breaks DNS's rules for names.
    #[error("not a DNS name")]
    Malformed,
}

impl Hostname {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first label: `web` of `web.shop.localhost`.
    pub fn first_label(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl FromStr for Hostname {
    type Err = HostnameError;

    fn from_str(text: &str) -> Result<Self, HostnameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        // RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters.
        if text.is_empty() || text.len() > 253 || !text.split('.').all(is_label) {
            return Err(HostnameError::Malformed);
        }
        let last = text.rsplit('.').next().unwrap_or_default();
        if reads_as_number(last) {
            return Err(HostnameError::Literal);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

fn is_label(label: &str) -> bool {
    // RFC 1123 section 2.1; the underscore because people have such names and browsers send them.
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// WHATWG URL, "ends in a number checker": `127.1`, `0x7f000001` and `2130706433` are all addresses.
fn reads_as_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

impl Deref for Hostname {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Hostname {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
