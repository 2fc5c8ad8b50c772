//! How facts are said.

/// `text` without what could write to a terminal: a process chooses its own name, a page its title.
pub(crate) fn clean(text: &str) -> String {
    let is_hostile = |letter: char| {
        letter.is_control()
            // What changes the direction of what follows, and what is not seen at all.
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|letter| {
            if is_hostile(letter) {
                char::REPLACEMENT_CHARACTER
            } else {
                letter
            }
        })
        .collect()
}
