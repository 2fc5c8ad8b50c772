//! How a client says who it is and what it can do.

use super::super::text::{clip, first, until_nul};

/// What both sides have agreed on, as the client's flags say; MariaDB's own stand in the upper half.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Capabilities(u64);

const LONG_PASSWORD: u64 = 1;
const CONNECT_WITH_DATABASE: u64 = 1 << 3;
const COMPRESS: u64 = 1 << 5;
const PROTOCOL_41: u64 = 1 << 9;
const TLS: u64 = 1 << 11;
const SECURE_CONNECTION: u64 = 1 << 15;
const PLUGIN_AUTH_LENGTH_ENCODED: u64 = 1 << 21;
const DEPRECATE_EOF: u64 = 1 << 24;
const OPTIONAL_METADATA: u64 = 1 << 25;
const ZSTD: u64 = 1 << 26;
const QUERY_ATTRIBUTES: u64 = 1 << 27;
const MARIADB_CACHE_METADATA: u64 = 1 << (32 + 4);

impl Capabilities {
    fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn hides_what_follows(self) -> bool {
        self.has(TLS) || self.has(COMPRESS) || self.has(ZSTD)
    }

    /// Whether results end with an OK packet instead of an EOF packet.
    pub(super) fn deprecates_eof(self) -> bool {
        self.has(DEPRECATE_EOF)
    }

    /// Whether the count of columns says if they are described.
    pub(super) fn may_leave_out_columns(self) -> bool {
        self.has(OPTIONAL_METADATA) || self.has(MARIADB_CACHE_METADATA)
    }

    /// The flag that says so stands before the count (MySQL) or behind it (MariaDB).
    pub(super) fn is_mariadb(self) -> bool {
        self.has(MARIADB_CACHE_METADATA)
    }

    /// The text of a query. `None`: it is preceded by parameters, which are not read.
    pub(super) fn query_text(self, content: &[u8]) -> Option<&[u8]> {
        if !self.has(QUERY_ATTRIBUTES) {
            return Some(content);
        }
        match content {
            // No parameters, in one set of them.
            [0, 1, rest @ ..] => Some(rest),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Login {
    pub(super) capabilities: Capabilities,
    pub(super) user: String,
    pub(super) database: String,
}

/// Reads the client's first packet. `None`: it is of a kind that is not known.
pub(super) fn login(content: &[u8]) -> Option<Login> {
    let flags = u64::from(u32::from_le_bytes(first::<4>(content)?));
    if flags & PROTOCOL_41 == 0 {
        return None;
    }
    // Four of flags, four of the longest packet, one of character set, and 23 reserved, whose last four
    // are MariaDB's when the client does not say that it is MySQL's.
    let own = match flags & LONG_PASSWORD {
        0 => first::<4>(content.get(28..)?).map_or(0, |own| u64::from(u32::from_le_bytes(own))),
        _ => 0,
    };
    let capabilities = Capabilities(flags | own << 32);
    let rest = content.get(32..)?;
    if capabilities.has(TLS) {
        return Some(Login {
            capabilities,
            user: String::new(),
            database: String::new(),
        });
    }
    let (user, rest) = until_nul(rest)?;
    let secret = match capabilities.has(SECURE_CONNECTION) || capabilities.has(PLUGIN_AUTH_LENGTH_ENCODED) {
        // Longer ones than a byte can tell begin with a mark; they are not met in practice.
        true => 1 + usize::from(*rest.first()?),
        false => rest.iter().position(|&byte| byte == 0)? + 1,
    };
    let rest = rest.get(secret..).unwrap_or_default();
    let database = match capabilities.has(CONNECT_WITH_DATABASE) {
        true => until_nul(rest).map_or(rest, |(database, _)| database),
        false => &[],
    };
    Some(Login {
        capabilities,
        user: clip(user, 64),
        database: clip(database, 64),
    })
}
