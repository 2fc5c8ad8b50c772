//! Settings: what people write reads as conditions, and back.

use std::fmt::Write;

use wharf_link::{Conditions, Settings};

/// Two files, and no others.
fn file(name: &str) -> Result<String, String> {
    match name {
        "lte.down" => Ok("1\n2\n7\n7\n10\n".to_owned()),
        "my delays.dist" => Ok("# a table\n-8192 0 8192\n16384\n".to_owned()),
        "lost.txt" => Ok("0001 1000\n".to_owned()),
        "empty" => Ok(String::new()),
        _ => Err("no such file".to_owned()),
    }
}

fn resolve(settings: &Settings) -> Result<Conditions, String> {
    let conditions = settings.resolve(&Conditions::CLEAR, &mut file);
    conditions.map_err(|error| error.to_string())
}

fn set(key: &str, text: &str) -> Result<Settings, String> {
    let mut settings = Settings::default();
    settings.set(key, text).map_err(|error| error.to_string())?;
    Ok(settings)
}

/// Everything that may be written, and what it says in short.
const WRITTEN: &[(&str, &str, &str)] = &[
    ("latency", "50 ms", "50ms"),
    ("latency", "0ms", "0ms"),
    ("jitter", "20ms", "20ms"),
    ("jitter", "20ms uniform", "20ms"),
    ("jitter", "20ms normal", "20ms normal"),
    (
        "jitter",
        "20ms pareto correlation 25% order free",
        "20ms pareto correlation 25% order free",
    ),
    ("jitter", "20ms order kept pareto-normal", "20ms pareto-normal"),
    (
        "jitter",
        "5ms table \"my delays.dist\"",
        "5ms table \"my delays.dist\"",
    ),
    ("rate", "1500kbit", "1.5mbit"),
    ("burst", "32KiB", "32KiB"),
    ("overhead", "38B", "38B"),
    ("overhead", "18B cell 48B header 5B", "18B cell 48B header 5B"),
    ("trace", "lte.down", "lte.down"),
    ("trace", "lte.down once", "lte.down once"),
    ("queue", "100packets", "100packets"),
    ("discipline", "drop-tail", "drop-tail"),
    ("discipline", "drop-head", "drop-head"),
    (
        "discipline",
        "red min 30KiB max 90KiB probability 2% ecn",
        "red min 30KiB max 90KiB probability 2% ecn",
    ),
    ("discipline", "codel target 5ms interval 100ms", "codel"),
    ("discipline", "codel ecn target 10ms", "codel target 10ms ecn"),
    ("discipline", "pie update 30ms", "pie update 30ms"),
    (
        "discipline",
        "fq-codel flows 64 quantum 300B",
        "fq-codel flows 64 quantum 300B",
    ),
    ("loss", "1%", "1%"),
    ("loss", "1% correlation 25%", "1% correlation 25%"),
    ("loss", "1% burst 2.5", "1% burst 2.5"),
    ("loss", "gilbert-elliott 1% 30%", "gilbert-elliott 1% 30%"),
    (
        "loss",
        "gilbert-elliott 1% 30% good 0.1% bad 50%",
        "gilbert-elliott 1% 30% good 0.1% bad 50%",
    ),
    ("loss", "markov 1%", "markov 1% 99% 0% 100% 0%"),
    ("loss", "markov 1% 30% 2% 50% 0.1%", "markov 1% 30% 2% 50% 0.1%"),
    ("loss", "pattern 00100", "pattern 00100"),
    ("loss", "recorded lost.txt", "recorded lost.txt"),
    ("corrupt", "0.1%", "0.1%"),
    ("duplicate", "0.1%", "0.1%"),
    ("reorder", "25%", "25%"),
    ("reorder", "25% gap 5", "25% gap 5"),
    ("outage", "on 28s off 2s", "on 28s off 2s"),
    ("outage", "off 1s on 5s random", "on 5s off 1s random"),
    ("mtu", "1400", "1400B"),
    ("mtu", "1400B", "1400B"),
    ("mtu", "1400 silent", "1400B silent"),
    ("scope", "connection", "connection"),
    ("window", "64KiB", "64KiB"),
    ("congestion", "bbr", "bbr"),
    (
        "faults",
        "slice 64B vary 16B delay 10us",
        "slice 64B vary 16B delay 10us",
    ),
    (
        "faults",
        "limit 1MiB, slow-close 2s for 10%",
        "limit 1MiB, slow-close 2s for 10%",
    ),
    ("faults", "timeout 5s,reset 0s", "timeout 5s, reset 0ms"),
];

#[test]
fn what_is_written_reads_and_is_kept_in_short() {
    for (key, text, short) in WRITTEN {
        let settings = set(key, text).expect(text);
        assert_eq!(settings.get(key), Some(*short), "{text}");
        assert_eq!(set(key, short).as_ref(), Ok(&settings), "{text}");
        let conditions = resolve(&settings).expect(text);
        let back = resolve(&conditions.settings()).expect(text);
        assert_eq!(back, conditions, "{text}");
    }
}

#[test]
fn every_key_is_written_above_and_can_be_cleared() {
    for key in Settings::keys() {
        let written = WRITTEN.iter().filter(|(name, ..)| *name == key.name);
        assert!(written.clone().count() > 0, "{} is not written", key.name);
        for (name, text, _) in written {
            let conditions = resolve(&set(name, text).expect(text)).expect(text);
            let cleared = set(name, "none").expect("it clears");
            let cleared = cleared.resolve(&conditions, &mut file).expect("it clears");
            assert_eq!(cleared, Conditions::CLEAR);
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let wrong = [
        ("lattency", "50ms"),
        ("latency", "50"),
        ("jitter", "20ms gauss"),
        ("jitter", "20ms correlation 100%"),
        ("jitter", "20ms order sideways"),
        ("jitter", "20ms table"),
        ("overhead", "18B header 5B"),
        ("overhead", "18B cell 0B"),
        ("trace", ""),
        ("trace", "lte.down twice"),
        ("discipline", "fifo"),
        ("discipline", "codel flows 5"),
        ("discipline", "codel target 0ms"),
        ("discipline", "red min 90KiB max 30KiB"),
        ("discipline", "fq-codel flows 100000"),
        ("loss", ""),
        ("loss", "1"),
        ("loss", "80% burst 2"),
        ("loss", "gilbert-elliott 1%"),
        ("loss", "markov 60% 30% 2% 50% 50%"),
        ("loss", "pattern 012"),
        ("reorder", "25% gap 0"),
        ("outage", "on 5s"),
        ("outage", "on 5s off 0s"),
        ("mtu", "40"),
        ("mtu", "1400 quiet"),
        ("mtu", "1400 silent 5"),
        ("scope", "world"),
        ("congestion", "vegas"),
        ("faults", "slice 0B"),
        ("faults", "limit 1MiB delay 5ms"),
        ("faults", "limit 1MiB,"),
    ];
    let mut said = String::new();
    for (key, text) in wrong {
        let error = set(key, text).expect_err(text);
        writeln!(said, "{key} = {text}\n    {error}").expect("a string takes it");
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_file_that_is_not_there_or_wrong_is_said_when_it_is_read() {
    let error = |key, text| resolve(&set(key, text).expect(text)).expect_err(text);
    insta::assert_snapshot!(error("trace", "nope"), @"trace: `nope` is not a trace: no such file");
    insta::assert_snapshot!(error("trace", "empty"), @"trace: `empty` is not a trace: it has no opportunity to send; a trace has a line with a time in ms for each 1500 bytes");
    insta::assert_snapshot!(error("jitter", "5ms table lost.txt2"), @"jitter: `lost.txt2` is not a table of delays: no such file");
    insta::assert_snapshot!(error("loss", "recorded lte.down"), @"loss: `lte.down` is not a recording of losses: line 2: `2` is neither 0 (arrives) nor 1 (is lost)");
}

#[test]
fn layers_lie_over_each_other() {
    let profile = set("latency", "50ms").expect("a latency");
    let mut own = set("latency", "none").expect("it clears");
    own.set("rate", "1mbit").expect("a rate");
    let both = own.clone().over(&profile);
    assert_eq!(both, own);
    assert_eq!(both.to_string(), "1mbit");
    let other = set("rate", "2mbit").expect("a rate").over(&profile);
    assert_eq!(other.to_string(), "50ms, 2mbit");
    assert!(Settings::default().is_empty() && Settings::default().is_clear());
    assert!(!own.is_clear() && set("latency", "none").expect("it clears").is_clear());
    assert!(!set("latency", "none").expect("it clears").is_empty());
}

#[test]
fn they_go_through_json_as_texts() {
    let mut settings = set("latency", "50ms").expect("a latency");
    settings
        .set("jitter", "5ms table \"my delays.dist\"")
        .expect("jitter");
    settings.set("loss", "none").expect("it clears");
    let json = serde_json::to_string(&settings).expect("it is written");
    insta::assert_snapshot!(json, @r#"{"latency":"50ms","jitter":"5ms table \"my delays.dist\"","loss":"none"}"#);
    assert_eq!(serde_json::from_str::<Settings>(&json).ok(), Some(settings));
    let error = |json| {
        serde_json::from_str::<Settings>(json)
            .expect_err(json)
            .to_string()
    };
    insta::assert_snapshot!(error("{\"delay\": \"5ms\"}"), @"`delay` is not a condition: there are latency, jitter, rate, burst, overhead, trace, queue, discipline, loss, corrupt, duplicate, reorder, outage, mtu, scope, window, congestion, faults at line 1 column 16");
    insta::assert_snapshot!(error("{\"latency\": 5}"), @"invalid type: integer `5`, expected a string at line 1 column 13");
    insta::assert_snapshot!(error("{\"rate\": \"1mbit\", \"rate\": \"2mbit\"}"), @"`rate` is there twice at line 1 column 34");
}
