//! The text of `/proc/PID/stat` and `/proc/PID/status` (`proc_pid_stat(5)`).

/// What Wharf wants of `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: String,
    pub(super) state: u8,
    pub(super) parent: u32,
    pub(super) threads: u64,
    pub(super) start_time: u64,
}

impl Stat {
    /// The name stands in parentheses and may hold any byte, parentheses too: it ends at the
    /// last one. Fields are counted from 1 by the manual; the state after the name is the third.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let open = text.iter().position(|&byte| byte == b'(')?;
        let close = text.iter().rposition(|&byte| byte == b')')?;
        let name = text.get(open + 1..close)?;
        let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3);
        Some(Self {
            name: String::from_utf8_lossy(name).into_owned(),
            state: *field(3)?.as_bytes().first()?,
            parent: field(4)?.parse().ok()?,
            threads: field(20)?.parse().ok()?,
            start_time: field(22)?.parse().ok()?,
        })
    }

    /// Whether it runs: not dead, and not a zombie, except one whose first thread has ended
    /// while others go on.
    pub(super) fn runs(&self) -> bool {
        match self.state {
            b'Z' => self.threads > 1,
            b'X' | b'x' => false,
            _ => true,
        }
    }
}

/// The effective user, from the line `Uid:` of `/proc/PID/status`: real, effective, saved, fs.
pub(super) fn effective_uid(status: &[u8]) -> Option<u32> {
    let line = status
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line)
        .ok()?
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// The arguments of `/proc/PID/cmdline`: each ends with NUL, the last one perhaps not.
pub(super) fn arguments(cmdline: &[u8]) -> Vec<String> {
    let cmdline = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    if cmdline.is_empty() {
        return Vec::new();
    }
    cmdline
        .split(|&byte| byte == 0)
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect()
}

/// The value of `key` in `/proc/PID/environ`.
pub(super) fn variable<'a>(environ: &'a [u8], key: &str) -> Option<&'a [u8]> {
    environ
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(key.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    const GOOD: &[u8] = b"812 (post) (gres\n) S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 \
        98765 1 2 18446744073709551615 0\n";

    #[test]
    fn a_name_may_hold_anything() {
        let stat = Stat::parse(GOOD).expect("a stat");
        assert_eq!(
            stat,
            Stat {
                name: "post) (gres\n".to_owned(),
                state: b'S',
                parent: 1,
                threads: 3,
                start_time: 98765,
            }
        );
        assert!(stat.runs());
    }

    #[test]
    fn a_zombie_runs_only_while_it_has_threads() {
        let zombie = |threads| Stat {
            state: b'Z',
            threads,
            ..Stat::parse(GOOD).expect("a stat")
        };
        assert!(!zombie(0).runs());
        assert!(!zombie(1).runs());
        assert!(zombie(2).runs());
    }

    #[test]
    fn no_text_can_make_the_parsers_panic() {
        let mut noise = Noise::new(3);
        let mut read = 0;
        for round in 0..20_000 {
            let bytes = if round % 2 == 0 {
                noise.bytes(300)
            } else {
                noise.spoil(GOOD)
            };
            read += u32::from(Stat::parse(&bytes).is_some());
            let _ = (effective_uid(&bytes), arguments(&bytes), variable(&bytes, "K"));
        }
        assert!(
            read > 0,
            "spoiling left nothing that can be read: it tests too little"
        );
        assert_eq!(Stat::parse(b")("), None);
    }

    #[test]
    fn the_rest_reads_as_the_manual_says() {
        assert_eq!(effective_uid(b"Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t9\n"), Some(2));
        assert_eq!(effective_uid(b"Name:\tx\n"), None);
        assert_eq!(arguments(b"a\0b c\0\0"), ["a", "b c", ""]);
        assert_eq!(arguments(b""), [""; 0]);
        assert_eq!(variable(b"AB=1\0A=2\0", "A"), Some(&b"2"[..]));
        assert_eq!(variable(b"AB=1\0", "A"), None);
    }
}
