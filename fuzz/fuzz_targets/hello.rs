//! The first bytes of a TLS client, and each beginning of them: `cargo fuzz run hello`.
#![no_main]

use wharf_capture::hello::{Seen, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let whole = read(bytes);
    if let Seen::Hello(hello) = &whole {
        assert!(hello.length <= bytes.len());
        let name = hello.name.as_deref().unwrap_or("x");
        assert!((1..=255).contains(&name.len()));
        // What is behind it changes nothing, and no beginning is another one.
        assert_eq!(read(&bytes[..hello.length]), whole);
        for length in [0, 1, 5, 9, hello.length / 2, hello.length - 1] {
            assert_eq!(read(&bytes[..length.min(hello.length - 1)]), Seen::NeedMore);
        }
    }
});
