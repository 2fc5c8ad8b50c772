//! A file that somebody calls a trace: `cargo fuzz run trace`.
#![no_main]

use std::time::Duration;

use wharf_link::Trace;
use wharf_link::trace::Repeat;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    for repeat in [Repeat::Loop, Repeat::Once] {
        let Ok(trace) = Trace::parse("a", text, repeat) else {
            return;
        };
        let mut time = Duration::ZERO;
        for _ in 0..100 {
            let Some(next) = trace.first_from(time) else {
                break;
            };
            assert!(next.time >= time, "opportunities do not run backwards");
            time = next.time + Duration::from_nanos(1);
        }
        let _ = trace.bytes_between(Duration::ZERO, time);
    }
});
