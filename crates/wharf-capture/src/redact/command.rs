//! Redis commands as they may be shown.

use super::{REDACTED, is_secret};
use crate::observe::{Literals, Options, Secrets};

/// What is shown of the arguments of a command: joined, with secrets replaced. `more` says that the
/// command had others.
pub(crate) fn arguments(verb: &str, arguments: &[String], more: bool, options: Options) -> String {
    let redact = options.secrets == Secrets::Redact;
    let mut shown: Vec<&str> = Vec::with_capacity(arguments.len() + 1);
    let mut hide = Hide::Nothing;
    for (place, argument) in arguments.iter().enumerate() {
        let keyword = hide.step(verb, place, argument);
        let text = match (keyword, options.literals) {
            (Shown::No, _) if redact => REDACTED,
            // The first names what the command is about.
            (Shown::Yes, Literals::Strip) if place > 0 => "?",
            (Shown::No, Literals::Strip) => "?",
            _ => argument,
        };
        // One sign is enough for a row of them.
        if !(text == REDACTED && shown.last() == Some(&REDACTED)) {
            shown.push(text);
        }
    }
    if more {
        shown.push("…");
    }
    shown.join(" ")
}

enum Shown {
    Yes,
    No,
}

/// What of the following arguments is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hide {
    Nothing,
    /// So many.
    Next(usize),
    Rest,
}

impl Hide {
    fn step(&mut self, verb: &str, place: usize, argument: &str) -> Shown {
        let is = |word: &str| argument.eq_ignore_ascii_case(word);
        match (verb, place) {
            ("AUTH", 0) => *self = Self::Rest,
            // ACL SETUSER name rules: passwords are among the rules.
            ("ACL", 2) => *self = Self::Rest,
            _ => {}
        }
        match *self {
            Self::Rest => return Shown::No,
            Self::Next(left) => {
                *self = if left > 1 {
                    Self::Next(left - 1)
                } else {
                    Self::Nothing
                };
                return Shown::No;
            }
            Self::Nothing => {}
        }
        match verb {
            // HELLO 3 AUTH user password; MIGRATE … AUTH password | AUTH2 user password.
            "HELLO" if is("AUTH") => *self = Self::Next(2),
            "MIGRATE" if is("AUTH") => *self = Self::Next(1),
            "MIGRATE" if is("AUTH2") => *self = Self::Next(2),
            // CONFIG SET requirepass x, masterauth x, tls-key-file-pass x.
            "CONFIG" if is("masterauth") || is("requirepass") || is_secret(argument.as_bytes()) => {
                *self = Self::Next(1);
            }
            "CONFIG" | "HELLO" | "MIGRATE" | "ACL" => {}
            // SET user:7:token x, HSET user password x: what stands behind such a name.
            _ if is_secret(argument.as_bytes()) && takes_values(verb) => *self = Self::Rest,
            _ => {}
        }
        Shown::Yes
    }
}

/// Whether a command writes values, or compares with them.
fn takes_values(verb: &str) -> bool {
    let stem = verb.trim_start_matches(['H', 'Z', 'S', 'L', 'R', 'M', 'P']);
    verb.contains("SET")
        || verb.contains("ADD")
        || verb.contains("PUSH")
        || verb == "APPEND"
        || verb == "EVAL"
        || verb == "PUBLISH"
        || stem == "REM"
        || verb.ends_with("ISMEMBER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let cases = [
            ("AUTH hunter2", "[redacted]"),
            ("AUTH me hunter2", "[redacted]"),
            (
                "HELLO 3 AUTH me hunter2 SETNAME web",
                "3 AUTH [redacted] SETNAME web",
            ),
            ("CONFIG SET requirepass hunter2", "SET requirepass [redacted]"),
            ("CONFIG GET maxmemory", "GET maxmemory"),
            ("ACL SETUSER me on >hunter2 ~*", "SETUSER me [redacted]"),
            (
                "MIGRATE h 1 k 0 9 AUTH2 me p KEYS a",
                "h 1 k 0 9 AUTH2 [redacted] KEYS a",
            ),
            ("SET user:7:token abc EX 9", "user:7:token [redacted]"),
            (
                "HSET user:7 name Ann password x",
                "user:7 name Ann password [redacted]",
            ),
            ("SET greeting hello", "greeting hello"),
            ("GET user:7:token", "user:7:token"),
        ];
        for (command, shown) in cases {
            let mut words = command.split(' ').map(str::to_owned);
            let verb = words.next().unwrap();
            let rest: Vec<String> = words.collect();
            assert_eq!(arguments(&verb, &rest, false, Options::default()), shown);
        }
    }

    #[test]
    fn stripped() {
        let options = Options {
            literals: Literals::Strip,
            ..Options::default()
        };
        let words = ["greeting".to_owned(), "hello".to_owned()];
        assert_eq!(arguments("SET", &words, true, options), "greeting ? …");
    }
}
