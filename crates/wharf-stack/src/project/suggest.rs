//! `did you mean`: the nearest of a few words to one that was mistyped.

/// The word nearest to `typed`, if it is near enough to have been meant.
pub(super) fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    words
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&typed, word), word))
        .filter(|&(distance, word)| distance <= allowance(&typed, word))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// A third of the longer word may be wrong, and one character of a short one; a word that begins
/// as the other does (`env_files`, `dependson`) is near as well.
fn allowance(typed: &str, word: &str) -> usize {
    let longer = typed.chars().count().max(word.chars().count());
    if typed.len() >= 3 && (word.starts_with(typed) || typed.starts_with(word)) {
        longer
    } else {
        (longer / 3).max(1)
    }
}

/// A hint: the nearest word, else all of them.
pub(super) fn hint<'a>(
    typed: &str,
    what: &str,
    words: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(word) = nearest(typed, words.clone()) {
        return Some(format!("did you mean `{word}`?"));
    }
    let all: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    (!all.is_empty()).then(|| format!("{what}: {}", all.join(", ")))
}
