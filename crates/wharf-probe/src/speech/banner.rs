//! Those who speak first, or answer anything with text of their own.

use wharf_facts::Spoken;

use super::Verdict;

pub(super) fn recognise(bytes: &[u8]) -> Option<Verdict> {
    if is_http2_settings(bytes) {
        return Some(Verdict::of(Spoken::H2c));
    }
    if bytes.starts_with(b"HTTP/1.") {
        return Some(Verdict::of(Spoken::Http));
    }
    // Telnet: IAC, then WILL, WONT, DO or DONT (RFC 854).
    if let [0xff, 0xfb..=0xfe, ..] = bytes {
        return Some(Verdict::of(Spoken::Other("telnet".to_owned())));
    }
    // All others say a line, and are judged when it is whole.
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = &bytes[..end];
    let text = String::from_utf8_lossy(line);
    let has = |what: &str| text.to_ascii_uppercase().contains(what);
    let verdict = if text.starts_with("SSH-") {
        Verdict::of(Spoken::Ssh)
    } else if text.starts_with("220") && has("FTP") {
        Verdict::of(Spoken::Ftp).leaving(b"QUIT\r\n")
    } else if text.starts_with("220") || (text.starts_with("554") && has("SMTP")) {
        // RFC 5321, 4.2: SMTP's greeting. FTP servers say their protocol's name.
        Verdict::of(Spoken::Smtp).leaving(b"QUIT\r\n")
    } else if text.starts_with("+OK") {
        Verdict::of(Spoken::Pop3).leaving(b"QUIT\r\n")
    } else if text.starts_with("* OK") || text.starts_with("* PREAUTH") {
        Verdict::of(Spoken::Imap).leaving(b"a LOGOUT\r\n")
    } else if text.starts_with("RFB 0") {
        Verdict::of(Spoken::Rfb)
    } else if text.starts_with("@RSYNCD:") {
        Verdict::of(Spoken::Other("rsync".to_owned()))
    } else {
        return None;
    };
    Some(verdict.saying(line))
}

/// The server's preface is a SETTINGS frame on stream 0, which many send at once (RFC 9113, 3.4).
fn is_http2_settings(bytes: &[u8]) -> bool {
    match bytes {
        [0, high, low, 4, 0, 0, 0, 0, 0, ..] => u16::from_be_bytes([*high, *low]) % 6 == 0,
        _ => false,
    }
}
