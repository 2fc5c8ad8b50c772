//! Conditions as people write them, `KEY=TEXT` in lines: `cargo fuzz run settings`.
//!
//! What is taken must read back as it is shown.
#![no_main]

use wharf_link::{Conditions, Settings};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut settings = Settings::default();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            let _ = settings.set(key, value);
        }
    }
    let mut files = |_: &str| Ok("1\n2\n5\n".to_owned());
    let Ok(conditions) = settings.resolve(&Conditions::CLEAR, &mut files) else {
        return;
    };
    let _ = conditions.to_string();
    let shown = conditions.settings();
    let again = shown
        .resolve(&Conditions::CLEAR, &mut files)
        .expect("what is shown reads back");
    assert_eq!(again.settings(), shown);
});
