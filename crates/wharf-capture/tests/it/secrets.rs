//! No secret of a recording is in what is kept of it.

use wharf_capture::observe::{Literals, Options, Secrets};

use crate::recording::{ALL, Telling, observe, read};

/// The passwords, tokens and keys that `record.py` uses.
const SECRETS: [&str; 4] = ["t0ps3cret", "hunter", "abc123", "k3y"];

fn all_that_is_kept(name: &str, options: Options) -> String {
    read(name)
        .iter()
        .flat_map(|recording| observe(recording, &Telling::Whole, options))
        .map(|exchange| format!("{exchange:?}\n"))
        .collect()
}

#[test]
fn by_default_none_is_kept() {
    for literals in [Literals::Keep, Literals::Strip] {
        for (name, text) in ALL {
            let options = Options {
                literals,
                ..Options::default()
            };
            let kept = all_that_is_kept(name, options);
            assert!(!kept.is_empty());
            for secret in SECRETS {
                let line = kept.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{name}: `{secret}`");
            }
            // TLS and HPACK do not show theirs, nor what they are coded as.
            if !["http2", "tls"].contains(&name) {
                assert!(
                    SECRETS.iter().any(|secret| text.contains(secret)),
                    "{name} has secrets to hide"
                );
            }
        }
    }
}

#[test]
fn asked_for_they_are_shown() {
    let options = Options {
        secrets: Secrets::Show,
        ..Options::default()
    };
    let kept = all_that_is_kept("http1", options);
    for secret in ["Bearer t0ps3cret", "session=abc123", "password=hunter2", "k3y"] {
        assert!(kept.contains(secret), "{secret}");
    }
    // What authenticates a connection is not looked at even then.
    let kept = all_that_is_kept("postgres", options);
    assert!(!kept.contains("SCRAM-SHA-256") && !kept.contains("biws"));
}
