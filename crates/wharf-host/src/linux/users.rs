//! The names of users, from `/etc/passwd`.

use std::collections::HashMap;
use std::fs;

use wharf_facts::Seen;

/// The users that this machine's own file knows. Those of a directory service are not there, and
/// are not asked for: that may take seconds.
pub(super) struct Users(HashMap<u32, String>);

impl Users {
    pub(super) fn read() -> Self {
        Self(parse(&fs::read("/etc/passwd").unwrap_or_default()))
    }

    pub(super) fn name(&self, uid: u32) -> Seen<String> {
        match self.0.get(&uid) {
            Some(name) => Seen::Known(name.clone()),
            None => Seen::unknown(format_args!("user {uid} is not in /etc/passwd")),
        }
    }
}

/// The first name of each number (passwd(5): name, password, uid, …).
fn parse(text: &[u8]) -> HashMap<u32, String> {
    let mut users = HashMap::new();
    for line in String::from_utf8_lossy(text).lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(uid)) = (fields.next(), fields.nth(1))
            && let Ok(uid) = uid.parse()
        {
            users.entry(uid).or_insert_with(|| name.to_owned());
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts() {
        let users = parse(b"root:x:0:0::/:/bin/sh\ntoor:x:0:0\n#x\nada:x:1000\nbad:x:y\n");
        assert_eq!(users.len(), 2);
        assert_eq!(users[&0], "root");
        assert_eq!(users[&1000], "ada");
    }
}
