//! Text out of bytes, bounded.

/// Text of at most `most` bytes and a sign that it was cut. What is no UTF-8 is replaced.
pub(crate) fn clip(bytes: &[u8], most: usize) -> String {
    match bytes.get(..most) {
        Some(beginning) if beginning.len() < bytes.len() => {
            let mut text = String::from_utf8_lossy(beginning).into_owned();
            // A character that the cut went through.
            if text.ends_with(char::REPLACEMENT_CHARACTER) {
                text.pop();
            }
            text.push('…');
            text
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// What stands before the first NUL, and what behind it.
pub(super) fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

/// A line without its end, and how long it is with it.
pub(super) fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = bytes.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// The first `N` bytes.
pub(super) fn first<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk::<N>().copied()
}
