//! The text of a wharf.toml: `cargo fuzz run project`.
#![no_main]

use std::path::Path;

use wharf_stack::project::Project;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Project::parse(text, Path::new("/project/wharf.toml")) {
        Ok(project) => assert_eq!(
            Project::parse(text, Path::new("/project/wharf.toml")).ok(),
            Some(project)
        ),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
