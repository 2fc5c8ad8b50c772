//! The address within a line: `:::3000`, `('127.0.0.1', 8000)`, `"localhost" port 5432`, a URL.

use std::net::{IpAddr, SocketAddr};

use wharf_advice::Target;

use super::phrases::without_escapes;

/// Where a line says that it was, if it says so.
pub(super) fn of(line: &str) -> Option<Target> {
    let line = without_escapes(line);
    url(&line)
        .or_else(|| tuple(&line))
        .or_else(|| address(&line))
        .or_else(|| worded(&line))
}

/// Of a URL its host and port: that is what failed.
fn url(line: &str) -> Option<Target> {
    let at = line.find("://")?;
    let scheme_start = line
        .get(..at)?
        .rfind(|letter: char| !letter.is_ascii_alphanumeric())
        .map_or(0, |before| before + 1);
    let rest = line.get(scheme_start..)?;
    let end = rest
        .find(|letter: char| letter.is_whitespace() || "'\"`<>),;".contains(letter))
        .unwrap_or(rest.len());
    let text = rest.get(..end)?.trim_end_matches(['.', ':']);
    // `http://:8080` and `http://*:80`: any address.
    match text.parse::<Target>().ok()? {
        Target::Url(url) => Some(match url.host.parse::<IpAddr>() {
            Ok(ip) => Target::Address(SocketAddr::new(ip, url.port)),
            Err(_) => Target::Url(url),
        }),
        other => Some(other),
    }
}

/// Python's `('127.0.0.1', 8000)` and `host='localhost', port=8000`.
fn tuple(line: &str) -> Option<Target> {
    let plain = line.replace("host=", "").replace("port=", "");
    let mut rest = plain.as_str();
    while let Some(at) = rest.find("',") {
        let host = rest.get(..at)?.rsplit('\'').next()?;
        let after = rest.get(at + 2..)?;
        let port = leading_number(after.trim_start());
        if let Some(port) = port
            && let Some(target) = host_and_port(host, port)
        {
            return Some(target);
        }
        rest = after;
    }
    None
}

/// `127.0.0.1:80`, `[::1]:80`, `:::3000`, `*:80`, `:8080`, `localhost:3000`, within other signs.
fn address(line: &str) -> Option<Target> {
    // wget's `|127.0.0.1|:3000`.
    let line = line.replace("|:", ":");
    let words = line.split(|letter: char| letter.is_whitespace() || "'\"`(),;=<>|@".contains(letter));
    words.filter_map(address_word).next()
}

fn address_word(word: &str) -> Option<Target> {
    let word = word.trim_end_matches(['.', ':', '/', '!']);
    if let Some(port) = word.strip_prefix(":::") {
        let port = number(port)?;
        return Some(Target::Address(SocketAddr::new(IpAddr::from([0_u16; 8]), port)));
    }
    let any = word.strip_prefix("*:").or_else(|| word.strip_prefix(':'));
    if let Some(port) = any.and_then(number) {
        return Some(Target::Port(port));
    }
    if let Ok(address) = word.parse::<SocketAddr>() {
        return (address.port() != 0).then_some(Target::Address(address));
    }
    let (host, port) = word.rsplit_once(':')?;
    let port = number(port)?;
    // ssh's `[127.0.0.1]:8080`.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Some(Target::Address(SocketAddr::new(ip, port)));
    }
    looks_like_a_host(host).then(|| Target::Host {
        name: host.to_lowercase(),
        port,
    })
}

/// `port 3000`, with the host that stands before it: `to localhost port 3000`, `"::1" port 80`,
/// `at "localhost" (::1), port 5432`.
fn worded(line: &str) -> Option<Target> {
    let lower = line.to_lowercase();
    let mut from = 0;
    while let Some(found) = lower.get(from..)?.find("port") {
        let start = from + found;
        from = start + 4;
        let is_word = lower
            .get(..start)?
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric());
        let after = lower
            .get(from..)?
            .trim_start_matches([' ', '=', ':', '#', '(', '"', '\'', '[']);
        let Some(port) = leading_number(after).filter(|_| is_word) else {
            continue;
        };
        let before = line.get(..start).unwrap_or_default();
        return host_before(before)
            .and_then(|host| host_and_port(host, port))
            .or(Some(Target::Port(port)));
    }
    None
}

/// The host that the last words before `port` name.
fn host_before(before: &str) -> Option<&str> {
    let words = before.split(|letter: char| letter.is_whitespace() || "\"'`(),|".contains(letter));
    let near: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    near.into_iter().rev().take(3).find(|word| {
        let is_address = word.parse::<IpAddr>().is_ok();
        is_address || is_local_name(&word.to_lowercase())
    })
}

fn host_and_port(host: &str, port: u16) -> Option<Target> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Some(Target::Address(SocketAddr::new(ip, port)));
    }
    let is_host = looks_like_a_host(host);
    is_host.then(|| Target::Host {
        name: host.to_lowercase(),
        port,
    })
}

fn is_local_name(name: &str) -> bool {
    const ENDINGS: [&str; 7] = [
        ".localhost",
        ".local",
        ".test",
        ".internal",
        ".lan",
        ".dev",
        ".app",
    ];
    name == "localhost" || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// `main.go:42` and `line:3` are no hosts; `db` and `web.shop.localhost` are.
fn looks_like_a_host(name: &str) -> bool {
    const WORDS: [&str; 9] = [
        "error", "line", "code", "at", "pid", "exit", "status", "warning", "http",
    ];
    let name = name.to_lowercase();
    let plain = !name.contains('.')
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    is_local_name(&name) || (plain && !WORDS.contains(&name.as_str()))
}

fn number(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port| is_number && port != 0)
}

fn leading_number(text: &str) -> Option<u16> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    number(text.get(..end)?)
}
