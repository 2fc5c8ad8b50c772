//! The table of profiles.

use std::collections::BTreeSet;
use std::time::Duration;

use wharf_link::{Profile, profiles};

#[test]
fn names_are_unique_labels_and_sources_are_given() {
    let names: BTreeSet<_> = profiles().iter().map(|profile| profile.name).collect();
    assert_eq!(names.len(), profiles().len());
    for profile in profiles() {
        let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(profile.name.bytes().all(label), "{}", profile.name);
        assert!(profile.source.len() > 10, "{}", profile.name);
        assert!(profile.summary.len() > 10, "{}", profile.name);
        assert!(!profile.up.is_clear() && !profile.down.is_clear());
        assert_eq!(Profile::named(profile.name), Some(profile));
    }
    assert_eq!(Profile::named("nope"), None);
}

#[test]
fn the_ones_that_everybody_asks_for_are_there() {
    let mobile = Profile::named("4g").expect("a profile");
    assert_eq!(mobile.rtt(), Duration::from_millis(85));
    assert_eq!(mobile.down.to_string(), "42.5ms ± 8ms normal, 27.1mbit");
    assert_eq!(mobile.up.to_string(), "42.5ms ± 8ms normal, 10.6mbit");
    for name in ["3g", "5g", "starlink", "geo", "wifi", "eu-us"] {
        assert!(Profile::named(name).is_some(), "{name}");
    }
}

#[test]
fn the_table_is_as_reviewed() {
    let mut table = String::new();
    for profile in profiles() {
        let line = format!("{}: up {}; down {}\n", profile.name, profile.up, profile.down);
        table.push_str(&line);
    }
    insta::assert_snapshot!(table);
}
