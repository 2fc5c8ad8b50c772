//! Heads and bodies of HTTP/1 as a stage reads them: `cargo fuzz run head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    wharf_http::fuzzing::heads_and_bodies(bytes);
});
