//! Users by name.

use std::io;
use std::process::{Command, Stdio};

use crate::shim::RunAs;

/// Finds a user, in /etc/passwd or else by `getent`, which also asks LDAP and its like.
///
/// # Errors
/// If /etc/passwd cannot be read.
pub(crate) fn find(name: &str) -> io::Result<Option<RunAs>> {
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    if let Some(user) = find_in(&passwd, name) {
        return Ok(Some(user));
    }
    let asked = Command::new("getent")
        .args(["passwd", "--", name])
        .stdin(Stdio::null())
        .output();
    Ok(asked
        .ok()
        .and_then(|output| find_in(&String::from_utf8_lossy(&output.stdout), name)))
}

/// A line is `name:password:uid:gid:…` (passwd(5)).
fn find_in(passwd: &str, name: &str) -> Option<RunAs> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let matches = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        matches.then_some(RunAs { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_the_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbroken\npost:x:1:2::/:\npostgres:x:104:110::/:\n";
        assert_eq!(find_in(passwd, "postgres"), Some(RunAs { uid: 104, gid: 110 }));
        assert_eq!(find_in(passwd, "postg"), None);
    }
}
