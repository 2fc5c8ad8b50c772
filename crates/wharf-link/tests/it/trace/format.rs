//! Mahimahi's format: what is taken, and what is said of the rest.

use std::fmt::Write;

use wharf_link::trace::{LONGEST_TEXT, Repeat, Trace};

#[test]
fn what_is_taken() {
    let rates = [
        ("1\n", "12mbit"),
        ("1", "12mbit"),
        ("1\r\n2\r\n", "12mbit"),
        ("0\n0\n1\n", "36mbit"),
        ("007\n", "1.714285mbit"),
        ("86400000\n", "1bit"),
    ];
    for (text, rate) in rates {
        let trace = Trace::parse("test", text.as_bytes(), Repeat::Loop).expect(text);
        assert_eq!(trace.mean_rate().to_string(), rate, "{text:?}");
    }
}

#[test]
fn what_is_said_of_the_rest() {
    let texts: [&[u8]; 18] = [
        b"",
        b"\n",
        b"0\n0\n",
        b"1\n2\n\n3\n",
        b"1\n2\n\n",
        b"5\n3\n",
        b"# a comment\n1\n",
        b"1\n1.5\n",
        b"-1\n",
        b"1 2 3\n",
        b"10,3\n",
        b"{\"rate\": 3}\n",
        b"\x1f\x8b\x08\x00\x1b[31m\n",
        b"12mbit\n",
        b"86400001\n",
        b"99999999999999999999\n",
        b" 7\n",
        b"a line that is much longer than anybody would like to see in a message\n",
    ];
    let mut said = String::new();
    for text in texts {
        let error = Trace::parse("cell.down", text, Repeat::Loop).expect_err("not a trace");
        let text = String::from_utf8_lossy(text);
        writeln!(said, "{text:?}\n    {error}").expect("a string takes it");
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_text_that_is_too_long_is_not_read() {
    let most = usize::try_from(LONGEST_TEXT.bytes()).expect("it fits");
    let text = vec![b'1'; most + 1];
    let error = Trace::parse("huge", &text, Repeat::Loop).expect_err("too long");
    insta::assert_snapshot!(error, @"trace `huge`: it has 67108865 bytes, and 67108864 are the most; cut it: it repeats anyway");
}

#[test]
fn counts_must_rise() {
    let of = |counts: &[(u32, u32)]| {
        let trace = Trace::from_counts("made up", counts.iter().copied(), Repeat::Loop);
        trace.expect_err("not a trace").to_string()
    };
    insta::assert_snapshot!(of(&[(1, 1), (1, 1)]), @"trace `made up`: 1 ms comes after 1 ms; instants must rise");
    insta::assert_snapshot!(of(&[(1, u32::MAX), (2, 1)]), @"trace `made up`: it has more than 4294967295 opportunities");
    insta::assert_snapshot!(of(&[(86_400_001, 1)]), @"trace `made up`: 86400001 ms is above a day (86400000 ms), the longest period; cut the trace");
    insta::assert_snapshot!(of(&[(5, 0)]), @"trace `made up`: it has no opportunity to send; a trace has a line with a time in ms for each 1500 bytes");
}

#[test]
fn serde_keeps_all_of_it() {
    let trace = Trace::parse("cell.down", b"0\n0\n7\n", Repeat::Once).expect("a trace");
    let json = serde_json::to_string(&trace).expect("it is written");
    insta::assert_snapshot!(json, @r#"{"name":"cell.down","repeat":"once","counts":[[0,2],[7,1]]}"#);
    assert_eq!(serde_json::from_str::<Trace>(&json).expect("it is read"), trace);
    let bad = r#"{"name": "x", "counts": [[3, 1], [2, 1]]}"#;
    let error = serde_json::from_str::<Trace>(bad).expect_err("instants fall");
    insta::assert_snapshot!(error, @"trace `x`: 2 ms comes after 3 ms; instants must rise");
}
