//! Which stack has which name.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::rows::{bytes_of, path_of};
use crate::{Error, Registry, Result};

/// The longest label of a DNS name (RFC 1035, section 2.3.4): a stack's name is one.
const LABEL: usize = 63;
/// More stacks than this that want one name are not served.
const MOST: u32 = 10_000;

impl Registry {
    /// The name of the stack whose project file is `identity` (its canonical path) and wants to be
    /// called `wanted`: the first has it, the next are `wanted-2`, `wanted-3`, … Each keeps what
    /// it got. A name whose project file is no more may be had again.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn stack_name(&self, identity: &Path, wanted: &str) -> Result<String> {
        let known = self.database().read("look up a stack", |connection| {
            Ok(find(connection, identity, wanted)?)
        })?;
        if let Some(name) = known {
            return Ok(name);
        }
        self.database().write("name a stack", |transaction| {
            // Another process may have named it meanwhile.
            if let Some(name) = find(transaction, identity, wanted)? {
                return Ok(name);
            }
            for number in 1..=MOST {
                let name = numbered(wanted, number);
                if is_free(transaction, &name)? {
                    transaction.execute(
                        "INSERT INTO stacks (identity, wanted, name) VALUES (?, ?, ?)",
                        params![bytes_of(identity), wanted, name],
                    )?;
                    return Ok(name);
                }
            }
            Err(Error::StateDir {
                operation: "find a free name for",
                path: identity.to_owned(),
                source: std::io::Error::other(format!("too many stacks are called {wanted}")),
            }
            .into())
        })
    }
}

fn find(connection: &Connection, identity: &Path, wanted: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT name FROM stacks WHERE identity = ? AND wanted = ?")?
        .query_row(params![bytes_of(identity), wanted], |row| row.get(0))
        .optional()
}

/// Whether nobody has `name`; frees it when the file of the one who has is gone.
fn is_free(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let owner: Option<Vec<u8>> = connection
        .prepare_cached("SELECT identity FROM stacks WHERE name = ?")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    let Some(owner) = owner else { return Ok(true) };
    // An error other than "not there" says nothing of the kind: the disk may be unplugged.
    if path_of(owner).try_exists().unwrap_or(true) {
        return Ok(false);
    }
    connection.execute("DELETE FROM stacks WHERE name = ?", [name])?;
    Ok(true)
}

/// `wanted`, or `wanted-2`; cut where it would not be a label any more.
fn numbered(wanted: &str, number: u32) -> String {
    let suffix = if number == 1 {
        String::new()
    } else {
        format!("-{number}")
    };
    let mut end = wanted.len().min(LABEL - suffix.len());
    while !wanted.is_char_boundary(end) {
        end -= 1;
    }
    let stem = wanted.get(..end).unwrap_or(wanted);
    // A label may not hold two hyphens where the cut fell on one.
    format!("{}{suffix}", stem.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_name_stays_a_label() {
        assert_eq!(numbered("shop", 1), "shop");
        assert_eq!(numbered("shop", 2), "shop-2");
        let long = "a".repeat(70);
        assert_eq!(numbered(&long, 1), "a".repeat(63));
        assert_eq!(numbered(&long, 12), format!("{}-12", "a".repeat(60)));
        assert_eq!(
            numbered("ü".repeat(40).as_str(), 2),
            format!("{}-2", "ü".repeat(30))
        );
    }
}
