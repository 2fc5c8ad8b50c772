//! Looks for a story that breaks the machine: `cargo +nightly fuzz run machine`.
#![no_main]

#[path = "../drive.rs"]
mod drive;

libfuzzer_sys::fuzz_target!(|story: &[u8]| {
    drive::drive(story);
});
