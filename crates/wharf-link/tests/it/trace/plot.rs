//! Pictures of traces.

use std::time::Duration;

use proptest::prelude::*;
use wharf_link::Seed;
use wharf_link::trace::synth::Model;
use wharf_link::trace::{Repeat, Trace, plot};

fn of(text: &str, secs: u64) -> Trace {
    let model: Model = text.parse().expect(text);
    model
        .trace(Duration::from_secs(secs), Seed(62_893))
        .expect("a trace")
}

#[test]
fn for_a_terminal() {
    let pictures = [
        plot::text(&of("4g-driving", 120), 80, 15),
        plot::text(&of("sawtooth 1mbit 10mbit 20s", 60), 60, 9),
        plot::text(&of("starlink", 600), 80, 12),
        plot::text(&of("constant 56kbit", 7_200), 24, 5),
        plot::text(
            &Trace::parse("three", b"1\n2\n2\n5\n", Repeat::Once).expect("a trace"),
            40,
            8,
        ),
    ];
    insta::assert_snapshot!(pictures.join("\n"));
}

#[test]
fn as_svg() {
    let trace = of("square 1mbit 8mbit 2s", 10);
    insta::assert_snapshot!(plot::svg(&trace, 320, 160));
}

#[test]
fn a_name_cannot_be_anything_else_in_svg() {
    let name = "<script>alert(1)</script>&\"\u{0}";
    let trace = Trace::parse(name, b"1\n", Repeat::Loop).expect("a trace");
    let svg = plot::svg(&trace, 320, 160);
    assert!(!svg.contains("<script"));
    assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;: rate over time"));
}

proptest! {
    #[test]
    fn every_trace_has_a_picture_of_the_size_asked_for(
        counts in proptest::collection::btree_map(0u32..100_000, 0u32..1_000, 1..40),
        width in 0u16..700,
        height in 0u16..200,
    ) {
        let Ok(trace) = Trace::from_counts("any", counts, Repeat::Loop) else {
            return Ok(());
        };
        let text = plot::text(&trace, width, height);
        prop_assert_eq!(text.lines().count(), usize::from(height.clamp(5, 100)));
        let widest = text.lines().skip(1).map(|line| line.chars().count()).max();
        // The last label of the axis may stand out by half.
        prop_assert!(widest.is_some_and(|widest| widest <= usize::from(width.clamp(24, 500)) + 4));
        let svg = plot::svg(&trace, width, height);
        prop_assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
