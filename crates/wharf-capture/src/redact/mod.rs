//! Secrets: which names promise one, and what is put in its place.

pub(crate) mod command;
pub(crate) mod sql;
pub(crate) mod url;

/// What stands where a secret was.
pub(crate) const REDACTED: &str = "[redacted]";

/// What the name of a secret has in it, wherever in the name.
const TELLING: [&str; 14] = [
    "authorization",
    "authentication",
    "apikey",
    "cookie",
    "credential",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "session",
    "signature",
    "token",
];

/// What the name of a secret is, or ends with, as a word of its own.
const TELLING_WORDS: [&str; 9] = ["auth", "code", "key", "nonce", "otp", "pass", "pin", "pwd", "sig"];

/// Names that end with a telling word and are no secrets.
const HARMLESS: [&str; 4] = [
    "sec-websocket-key",
    "idempotency-key",
    "surrogate-key",
    "status-code",
];

/// Whether a name, such as `X-Api-Key`, `access_token` or `dbPassword`, promises a secret.
pub(crate) fn is_secret(name: &[u8]) -> bool {
    let name: String = String::from_utf8_lossy(name.get(..128).unwrap_or(name)).into_owned();
    let lower = name.to_ascii_lowercase();
    if HARMLESS.contains(&lower.as_str()) {
        return false;
    }
    let plain: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    if TELLING.iter().any(|telling| plain.contains(telling)) {
        return true;
    }
    TELLING_WORDS.contains(&last_word(&name).as_str())
}

/// Whether the value of a header field is a secret.
pub(crate) fn is_secret_field(name: &[u8]) -> bool {
    // Pseudo-header fields are parts of the request line.
    !name.starts_with(b":") && is_secret(name)
}

/// The last word of `user_id`, `user-id`, `user.id` or `userId`: `id`.
fn last_word(name: &str) -> String {
    let end = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let mut word: Vec<char> = Vec::new();
    for c in end.chars().rev() {
        if !c.is_ascii_alphanumeric() {
            break;
        }
        word.push(c.to_ascii_lowercase());
        // `dbKey` begins its last word at the capital; `KEY` has no small letter before it.
        if c.is_ascii_uppercase() && end.chars().any(|c| c.is_ascii_lowercase()) {
            break;
        }
    }
    word.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_promise_secrets() {
        for name in [
            "Authorization",
            "Proxy-Authorization",
            "cookie",
            "Set-Cookie",
            "X-Api-Key",
            "x-apikey",
            "api_key",
            "key",
            "KEY",
            "access_token",
            "AccessToken",
            "dbPassword",
            "client_secret",
            "X-CSRF-Token",
            "sig",
            "X-Amz-Signature",
            "code",
            "pwd",
            "sessionid",
            "private-key",
            "x-auth",
            "signingKey",
        ] {
            assert!(is_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_that_do_not() {
        for name in [
            "monkey",
            "keyboard",
            "author",
            "page",
            "q",
            "Content-Type",
            "Accept-Encoding",
            "compass",
            "id",
            "Sec-WebSocket-Key",
            "Idempotency-Key",
            "spin",
            "zipcode",
            "design",
            "",
        ] {
            assert!(!is_secret(name.as_bytes()), "{name}");
        }
        assert!(!is_secret_field(b":authority"));
    }
}
