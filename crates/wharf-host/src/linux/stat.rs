//! The text of `/proc/PID/stat` and `/proc/PID/status` (`proc_pid_stat(5)`).

/// What Wharf wants of `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: String,
    pub(super) state: u8,
    pub(super) parent: u32,
    pub(super) group: u32,
    pub(super) session: u32,
    /// The terminal's device number; 0 for none.
    pub(super) terminal: u32,
    /// Processor time, as user and in the kernel, in clock ticks.
    pub(super) cpu_ticks: u64,
    /// Pages in memory.
    pub(super) resident: u64,
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
            // These two are -1 or 0 where the process has none.
            group: field(5)?.parse().unwrap_or(0),
            session: field(6)?.parse().unwrap_or(0),
            terminal: field(7)?.parse::<i32>().ok()?.cast_unsigned(),
            cpu_ticks: field(14)?
                .parse::<u64>()
                .ok()?
                .saturating_add(field(15)?.parse().ok()?),
            resident: field(24).and_then(|pages| pages.parse().ok()).unwrap_or(0),
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
    status_number(status, "Uid:", 1)
}

/// The number at place `index`, from 0, of the line of `/proc/PID/status` that begins with `key`.
pub(super) fn status_number(status: &[u8], key: &str, index: usize) -> Option<u32> {
    let line = status
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(key.as_bytes()))?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.nth(index)?.parse().ok()
}

/// The name below `/dev` of the terminal with this device number, by the numbers that
/// Documentation/admin-guide/devices.txt gives to terminals.
pub(super) fn terminal(device: u32) -> Option<String> {
    let major = (device >> 8) & 0xfff;
    let minor = (device & 0xff) | ((device >> 12) & 0xf_ff00);
    match major {
        136..=143 => Some(format!("pts/{}", (major - 136) * 256 + minor)),
        4 if minor < 64 => Some(format!("tty{minor}")),
        4 => Some(format!("ttyS{}", minor - 64)),
        5 if minor == 1 => Some("console".to_owned()),
        0 => None,
        major => Some(format!("device {major}:{minor}")),
    }
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
                group: 812,
                session: 812,
                terminal: 0,
                cpu_ticks: 11,
                resident: 2,
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
        assert_eq!(status_number(b"TracerPid:\t7\n", "TracerPid:", 0), Some(7));
        assert_eq!(terminal(0), None);
        assert_eq!(terminal(0x8803).as_deref(), Some("pts/3"));
        assert_eq!(terminal(0x401).as_deref(), Some("tty1"));
        assert_eq!(terminal(0x440).as_deref(), Some("ttyS0"));
        assert_eq!(arguments(b"a\0b c\0\0"), ["a", "b c", ""]);
        assert_eq!(arguments(b""), [""; 0]);
        assert_eq!(variable(b"AB=1\0A=2\0", "A"), Some(&b"2"[..]));
        assert_eq!(variable(b"AB=1\0", "A"), None);
    }
}
