//! What observers make of real programs, as tables.

use std::fmt::Write;

use wharf_capture::observe::{Bodies, Literals, Options};
use wharf_capture::{Exchange, Outcome};

use crate::recording::{Telling, observe, read};

/// A table: the line, sizes up and down, rows, and what came of it. Times are in the order they must be.
fn table(name: &str, options: Options) -> String {
    let mut out = String::new();
    for recording in read(name) {
        let _ = writeln!(out, "connection {}", recording.number);
        for exchange in observe(&recording, &Telling::Whole, options) {
            let Exchange {
                request,
                response,
                outcome,
                ..
            } = &exchange;
            assert!(
                exchange.first_byte.is_none_or(|first| first >= exchange.started),
                "{exchange:?}"
            );
            assert!(
                exchange.first_byte.is_none_or(|first| first <= exchange.ended),
                "{exchange:?}"
            );
            let rows = response
                .rows
                .map_or(String::new(), |rows| format!(", {rows} rows"));
            let outcome = match outcome {
                Outcome::Complete => "",
                Outcome::Partial => ", partial",
                Outcome::Unanswered => ", unanswered",
            };
            let protocol = exchange.protocol;
            let _ = writeln!(
                out,
                "  {exchange}\n      {protocol}, {} up, {} down{rows}{outcome}",
                request.bytes, response.bytes
            );
            for (sign, message) in [(">", request), ("<", response)] {
                for (name, value) in &message.fields {
                    let _ = writeln!(out, "      {sign} {name}: {value}");
                }
                if let Some(body) = &message.body {
                    let _ = writeln!(
                        out,
                        "      {sign} {:?} ({})",
                        String::from_utf8_lossy(&body[..body.len().min(20)]),
                        body.len()
                    );
                }
            }
        }
    }
    out
}

#[test]
fn http1() {
    insta::assert_snapshot!(table("http1", Options::default()));
}

#[test]
fn http1_with_bodies() {
    let options = Options {
        bodies: Bodies::UpTo(310),
        ..Options::default()
    };
    insta::assert_snapshot!(table("http1", options));
}

#[test]
fn http2() {
    insta::assert_snapshot!(table("http2", Options::default()));
}

#[test]
fn http2_with_bodies() {
    let options = Options {
        bodies: Bodies::UpTo(20_000),
        ..Options::default()
    };
    insta::assert_snapshot!(table("http2", options));
}

#[test]
fn redis() {
    insta::assert_snapshot!(table("redis", Options::default()));
}

#[test]
fn postgres() {
    insta::assert_snapshot!(table("postgres", Options::default()));
}

#[test]
fn postgres_without_literals() {
    let options = Options {
        literals: Literals::Strip,
        ..Options::default()
    };
    insta::assert_snapshot!(table("postgres", options));
}

#[test]
fn mysql() {
    insta::assert_snapshot!(table("mysql", Options::default()));
}

#[test]
fn tls() {
    insta::assert_snapshot!(table("tls", Options::default()));
}
