//! Units parse what people write, refuse what is ambiguous, and print what parses back.

use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::time::Duration;

use proptest::prelude::*;
use wharf_link::{Jitter, Latency, Probability, QueueLimit, Rate, Size};

#[track_caller]
fn reads<T: FromStr + Display>(text: &str, shown: &str)
where
    T::Err: Debug,
{
    let value: T = text.parse().expect("it parses");
    assert_eq!(value.to_string(), shown);
}

#[track_caller]
fn refuses<T: FromStr<Err: Display> + Debug>(text: &str, why: &str) {
    let error = text.parse::<T>().expect_err("it is refused").to_string();
    assert!(error.contains(why), "{error}");
    assert!(error.contains(text), "{error}");
}

#[test]
fn rates() {
    reads::<Rate>("10mbit", "10mbit");
    reads::<Rate>("1.5gbit", "1.5gbit");
    reads::<Rate>("1500mbit", "1.5gbit");
    reads::<Rate>("500 kbit", "500kbit");
    reads::<Rate>("800bit", "800bit");
    reads::<Rate>("10Mbit", "10mbit");
    refuses::<Rate>("10mbps", "write `10mbit`");
    refuses::<Rate>("10MB/s", "`1MB/s` is `8mbit`");
    refuses::<Rate>("10", "no unit");
    refuses::<Rate>("0mbit", "cut it");
    refuses::<Rate>("1.5bit", "decimals");
    refuses::<Rate>("-1mbit", "is not one of");
    refuses::<Rate>("mbit", "number");
    refuses::<Rate>("99999999999999999999tbit", "too big");
    refuses::<Rate>("", "no unit");
}

#[test]
fn sizes() {
    reads::<Size>("64KiB", "64KiB");
    reads::<Size>("1500B", "1500B");
    reads::<Size>("1MB", "1MB");
    reads::<Size>("1.5MiB", "1536KiB");
    reads::<Size>("0B", "0B");
    refuses::<Size>("64", "no unit");
    refuses::<Size>("64K", "must be one of");
}

#[test]
fn latencies() {
    reads::<Latency>("50ms", "50ms");
    reads::<Latency>("1.5s", "1.5s");
    reads::<Latency>("200us", "200us");
    reads::<Latency>("200µs", "200us");
    reads::<Latency>("0.25ms", "250us");
    reads::<Latency>("0", "0ms");
    refuses::<Latency>("50", "write `50ms`");
    refuses::<Latency>("50m", "must be one of");
    refuses::<Latency>("100000s", "more than a day");
}

#[test]
fn probabilities() {
    reads::<Probability>("0.5%", "0.5%");
    reads::<Probability>("100%", "100%");
    reads::<Probability>("0.0000001%", "0.0000001%");
    refuses::<Probability>("0.5", "percent");
    refuses::<Probability>("101%", "above 100%");
}

#[test]
fn jitter_and_queues() {
    reads::<Jitter>("20ms", "20ms");
    reads::<Jitter>("20ms uniform", "20ms");
    reads::<Jitter>("1.5s normal", "1.5s normal");
    refuses::<Jitter>("20ms gauss", "normal");
    reads::<QueueLimit>("64KiB", "64KiB");
    reads::<QueueLimit>("100packets", "100packets");
    refuses::<QueueLimit>("100", "no unit");
    refuses::<QueueLimit>("x packets", "100packets");
}

proptest! {
    #[test]
    fn what_is_printed_parses_back(number in 1u64.., small in 0u32..1_000_000_000) {
        let rate = Rate::from_bits(number).expect("above zero");
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        let size = Size::from_bytes(number);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
        let part = Probability::from_parts_per_billion(small).expect("at most one");
        prop_assert_eq!(part.to_string().parse(), Ok(part));
        let nanos = Duration::from_nanos(number % 86_400_000_000_000);
        let latency = Latency::new(nanos).expect("under a day");
        prop_assert_eq!(latency.to_string().parse(), Ok(latency));
    }

    #[test]
    fn no_text_panics(text in "\\PC*", number in "[0-9.]{0,30}", unit in "[a-zA-Z/%µ]{0,5}") {
        for text in [text, format!("{number}{unit}")] {
            let _ = text.parse::<Rate>();
            let _ = text.parse::<Size>();
            let _ = text.parse::<Latency>();
            let _ = text.parse::<Probability>();
            let _ = text.parse::<Jitter>();
            let _ = text.parse::<QueueLimit>();
        }
    }
}
