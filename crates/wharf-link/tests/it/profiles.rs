//! The table of profiles.

use std::collections::BTreeSet;
use std::time::Duration;

use wharf_link::{Profile, profiles};

#[test]
fn names_are_unique_labels() {
    let names: BTreeSet<_> = profiles().iter().map(|profile| profile.name).collect();
    assert_eq!(names.len(), profiles().len());
    for profile in profiles() {
        let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-/".contains(&b);
        assert!(profile.name.bytes().all(label), "{}", profile.name);
        assert!(profile.summary.len() > 3, "{}", profile.name);
        assert_eq!(
            profile.up.is_clear() && profile.down.is_clear(),
            profile.name == "perfect"
        );
        assert_eq!(Profile::named(profile.name), Some(profile));
    }
    assert_eq!(Profile::named("nope"), None);
}

#[test]
fn each_figure_has_a_source_and_a_date() {
    for profile in profiles() {
        let speaks_of = |figure: &str| {
            let figures = profile
                .sources
                .iter()
                .flat_map(|source| source.figures.split(", "));
            figures.into_iter().any(|known| known == figure || known == "all")
        };
        for conditions in [&profile.up, &profile.down] {
            for (key, text) in conditions.settings().iter() {
                let figure = match key.name() {
                    "latency" => "rtt",
                    other => other,
                };
                assert!(speaks_of(figure), "{}: {figure} {text}", profile.name);
            }
        }
        for source in profile.sources {
            assert!(source.from.len() > 10, "{}", profile.name);
            assert!(
                source.date.contains("20") || source.date == "1999",
                "{}",
                profile.name
            );
        }
    }
}

#[test]
fn the_ones_that_everybody_asks_for_are_there() {
    let mobile = Profile::named("4g").expect("a profile");
    assert_eq!(mobile.rtt(), Duration::from_millis(85));
    for name in [
        "perfect",
        "lan",
        "wifi",
        "wifi-bad",
        "ethernet-1g",
        "fiber",
        "cable",
        "dsl",
        "5g",
        "5g-mmwave",
        "4g",
        "4g-bad",
        "3g",
        "edge",
        "gprs",
        "starlink",
        "geo",
        "dial-up",
        "hotel-wifi",
        "train",
        "same-zone",
        "cross-zone",
        "eu-us",
        "eu-asia",
        "us-asia",
        "lossy",
        "flaky",
        "offline",
        "chrome/slow-4g",
        "wpt/cable",
        "lighthouse/slow-4g",
    ] {
        assert!(Profile::named(name).is_some(), "{name}");
    }
}

#[test]
fn a_profile_is_known_by_what_it_says() {
    for profile in profiles() {
        let [up, down] = [profile.up.settings(), profile.down.settings()];
        let known = Profile::saying(&up, &down).expect("one that says this");
        assert_eq!(
            (&known.up, &known.down),
            (&profile.up, &profile.down),
            "{}",
            profile.name
        );
    }
    let mut own = wharf_link::Settings::default();
    own.set("latency", "123.456ms").expect("a latency");
    assert_eq!(Profile::saying(&own, &own), None);
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
