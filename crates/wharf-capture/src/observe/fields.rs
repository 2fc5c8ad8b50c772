//! Header fields as they are kept: bounded, and without secrets.

use super::text::clip;
use super::{Options, Secrets};
use crate::exchange::Message;
use crate::redact::{REDACTED, is_secret_field, url};

/// How many fields of a message are kept.
const MOST: usize = 64;

/// How much memory they may take, in bytes.
const MOST_BYTES: usize = 4_096;

/// How much of a name and of a value is kept, in bytes.
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 256;

/// Keeps a field, if there is room.
pub(super) fn keep(message: &mut Message, name: &[u8], value: &[u8], options: Options) {
    let size = |(name, value): &(String, String)| name.len() + value.len();
    let kept: usize = message.fields.iter().map(size).sum();
    if message.fields.len() >= MOST || kept >= MOST_BYTES {
        return;
    }
    let shown = match options.secrets {
        Secrets::Redact if is_secret_field(name) => REDACTED.to_owned(),
        // Redacted before it is cut, or a cut could hide the name of what it leaves.
        Secrets::Redact if value.contains(&b'?') || value.contains(&b'@') => {
            let value = value.get(..LONGEST_TARGET).unwrap_or(value);
            clip(
                url::redact(&String::from_utf8_lossy(value)).as_bytes(),
                LONGEST_VALUE,
            )
        }
        _ => clip(value, LONGEST_VALUE),
    };
    let name = clip(name, LONGEST_NAME).to_ascii_lowercase();
    message.fields.push((name, shown));
}

/// How much of a request's target is looked at, and how much is shown.
const LONGEST_TARGET: usize = 8_192;
const LONGEST_SHOWN: usize = 1_024;

/// A request's target as it is shown.
pub(super) fn target(target: &[u8], options: Options) -> String {
    let target = clip(target, LONGEST_TARGET);
    match options.secrets {
        Secrets::Redact => clip(url::redact(&target).as_bytes(), LONGEST_SHOWN),
        Secrets::Show => clip(target.as_bytes(), LONGEST_SHOWN),
    }
}
