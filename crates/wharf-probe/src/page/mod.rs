//! What an HTTP answer says of its server: bytes in, facts out.

mod framework;
mod head;
mod request;
mod title;

pub(crate) use head::{Answer, Reading, read};
pub(crate) use request::{Request, USER_AGENT};

use wharf_facts::{HttpFacts, Spoken};

use crate::speech;

/// The most of a body that is looked at.
pub(crate) const BODY: usize = 16 * 1024;

/// The facts of `answer` to a question for `path`.
pub(crate) fn facts(path: &str, answer: &Answer) -> HttpFacts {
    let body = answer.text();
    HttpFacts {
        path: path.to_owned(),
        status: answer.status,
        server: answer.header("server"),
        powered_by: answer.header("x-powered-by"),
        via: via(answer),
        location: answer.header("location").map(without_query),
        content_type: answer.header("content-type"),
        hsts: answer.header("strict-transport-security"),
        cookies: answer.cookies(),
        title: title::find(&body),
        framework: framework::find(answer, &body).map(str::to_owned),
        ..HttpFacts::default()
    }
}

/// Where a redirect leads. What follows the path can be a secret, as sign-ins have it, and facts are shown
/// to others.
fn without_query(location: String) -> String {
    match location.split_once(['?', '#']) {
        Some((path, _)) => format!("{path}?…"),
        None => location,
    }
}

/// What shows that a proxy answered, not the server.
fn via(answer: &Answer) -> Option<String> {
    if let Some(via) = answer.header("via") {
        return Some(via);
    }
    const PROXIES: [&str; 4] = [
        "x-squid-error",
        "x-cache-lookup",
        "x-zscaler-transaction-id",
        "x-bluecoat-via",
    ];
    let name = PROXIES.into_iter().find(|name| answer.header(name).is_some());
    match name {
        Some(name) => Some(format!("{name}: {}", answer.header(name)?)),
        None => answer
            .header("server")
            .filter(|server| server.to_ascii_lowercase().contains("zscaler")),
    }
}

/// What an HTTP answer shows to be spoken there, if not HTTP alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hint {
    /// It is this, which answers those who come with HTTP by mistake.
    Is(Spoken),
    /// TLS should have been spoken.
    WantsTls,
    /// It may be a debugger of JavaScript: `/json/version` tells.
    MayInspect,
    /// It may be Docker: `/_ping` tells.
    MayBeDocker,
    /// It wants a WebSocket.
    WantsWebsocket,
}

/// What `answer` hints at.
pub(crate) fn hint(answer: &Answer) -> Option<Hint> {
    let body = answer.text();
    let says = |text: &str| body.contains(text);
    if says("trying to access MongoDB over HTTP") {
        return Some(Hint::Is(Spoken::Mongodb));
    }
    // Go's net/http, nginx, Apache: each says it in words.
    let wants_tls = [
        "HTTP request to an HTTPS server",
        "plain HTTP request was sent to HTTPS port",
        "speaking plain HTTP to an SSL-enabled",
    ];
    if answer.status == 400 && wants_tls.into_iter().any(says) {
        return Some(Hint::WantsTls);
    }
    if says("WebSockets request was expected") {
        return Some(Hint::MayInspect);
    }
    if answer.header("api-version").is_some()
        || (answer.status == 404 && body.trim() == r#"{"message":"page not found"}"#)
    {
        return Some(Hint::MayBeDocker);
    }
    let upgrades = answer
        .header("upgrade")
        .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"));
    (answer.status == 426 || upgrades || (answer.status == 400 && says("WebSocket")))
        .then_some(Hint::WantsWebsocket)
}

/// What a debugger of JavaScript says at `/json/version`: what it is, and its own words for it.
pub(crate) fn inspector(answer: &Answer) -> Option<(Spoken, String)> {
    let said: serde_json::Value = serde_json::from_str(answer.text().trim()).ok()?;
    let browser = said.get("Browser")?.as_str()?;
    said.get("Protocol-Version")?;
    let spoken =
        if browser.starts_with("node.js/") || browser.starts_with("Deno/") || browser.starts_with("Bun") {
            Spoken::Inspector
        } else {
            Spoken::Devtools
        };
    Some((spoken, speech::plain(browser)))
}

/// What Docker says at `/_ping`: its API's version, in a header that only it sends.
pub(crate) fn docker(answer: &Answer) -> Option<String> {
    let version = answer.header("api-version")?;
    (answer.status == 200 && answer.text().starts_with("OK")).then(|| format!("Docker API {version}"))
}
