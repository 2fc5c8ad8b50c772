//! Routes, matched as gorilla/mux matches Toxiproxy's.
//!
//! A path is unescaped before it is matched, so a name with an escaped slash in it cannot be reached; a path that is
//! not clean is redirected (301); a trailing slash is another path (404); a known path with another method is 405.

use hyper::Method;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Reset,
    Proxies,
    CreateProxy,
    Populate,
    Proxy(String),
    UpdateProxy(String),
    DeleteProxy(String),
    Toxics(String),
    CreateToxic(String),
    Toxic(String, String),
    UpdateToxic(String, String),
    DeleteToxic(String, String),
    Version,
    Metrics,
}

/// What a method and a path come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Routed {
    To(Route),
    NotFound,
    NotAllowed,
    Redirect(String),
}

/// Whether there is a route for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithMetrics {
    Yes,
    No,
}

/// Finds the route.
pub(crate) fn routed(method: &Method, path: &str, query: Option<&str>, metrics: WithMetrics) -> Routed {
    let Some(path) = unescaped(path) else {
        return Routed::NotFound;
    };
    let clean = cleaned(&path);
    if clean != path {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        return Routed::Redirect(format!("{}{query}", escaped(&clean)));
    }
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let is = |allowed: &[Method], route: Route| match allowed.contains(method) {
        true => Some(Routed::To(route)),
        false => None,
    };
    let (get, post, patch, delete) = (&[Method::GET], &[Method::POST], Method::PATCH, &[Method::DELETE]);
    let change = [Method::POST, patch];
    let found = match parts.as_slice() {
        ["reset"] => is(post, Route::Reset),
        ["proxies"] => is(get, Route::Proxies).or_else(|| is(post, Route::CreateProxy)),
        ["populate"] => is(post, Route::Populate),
        ["version"] => is(get, Route::Version),
        ["metrics"] if metrics == WithMetrics::Yes => Some(Routed::To(Route::Metrics)),
        ["proxies", proxy] if !proxy.is_empty() => {
            let proxy = (*proxy).to_owned();
            is(get, Route::Proxy(proxy.clone()))
                .or_else(|| is(&change, Route::UpdateProxy(proxy.clone())))
                .or_else(|| is(delete, Route::DeleteProxy(proxy)))
        }
        ["proxies", proxy, "toxics"] if !proxy.is_empty() => {
            let proxy = (*proxy).to_owned();
            is(get, Route::Toxics(proxy.clone())).or_else(|| is(post, Route::CreateToxic(proxy)))
        }
        ["proxies", proxy, "toxics", toxic] if !proxy.is_empty() && !toxic.is_empty() => {
            let (proxy, toxic) = ((*proxy).to_owned(), (*toxic).to_owned());
            is(get, Route::Toxic(proxy.clone(), toxic.clone()))
                .or_else(|| is(&change, Route::UpdateToxic(proxy.clone(), toxic.clone())))
                .or_else(|| is(delete, Route::DeleteToxic(proxy, toxic)))
        }
        _ => return Routed::NotFound,
    };
    found.unwrap_or(Routed::NotAllowed)
}

/// Undoes percent-encoding; nothing if that gives no text.
fn unescaped(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

/// Go's `path.Clean`, with a leading slash, and the trailing one kept.
fn cleaned(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut clean = format!("/{}", parts.join("/"));
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    clean
}

/// A path as a header may carry it.
fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"/-_.~!$&'()*+,;=:@".contains(&byte);
        match plain {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
