//! The wrong thing answers, or the right thing wrongly.

use std::collections::BTreeMap;

use wharf_facts::{Checkout, Connect, Probe, Reception, Seen, Spoken};

use super::nothing::quoted;
use super::{ALL, Need, UNIX, id};
use crate::case::{Case, is_work};
use crate::draft::Draft;
use crate::{Failure, Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("other-checkout"),
        number: 43,
        title: "Another checkout's server has the port",
        symptom: "I changed the code, and the page stays as it was",
        platforms: ALL,
        needs: &[Need::Sockets, Need::Processes],
        detect: other_checkout,
    },
    Rule {
        id: id("service-worker"),
        number: 44,
        title: "The browser answers from what an earlier project left there",
        symptom: "the browser shows an old project, curl shows the new one",
        platforms: ALL,
        needs: &[Need::Symptom],
        detect: service_worker,
    },
    Rule {
        id: id("shared-cookies"),
        number: 45,
        title: "Two servers set the same cookie",
        symptom: "logging in to one local project logs me out of the other",
        platforms: ALL,
        needs: &[Need::Probe],
        detect: shared_cookies,
    },
    Rule {
        id: id("host-not-allowed"),
        number: 48,
        title: "The server refuses the name it was asked by",
        symptom: "Blocked request. This host is not allowed; Invalid Host header; DisallowedHost",
        platforms: ALL,
        needs: &[Need::Probe, Need::Symptom],
        detect: host_not_allowed,
    },
    Rule {
        id: id("websocket-refused"),
        number: 49,
        title: "A WebSocket does not pass",
        symptom: "the page loads, and hot reload or the WebSocket fails",
        platforms: ALL,
        needs: &[Need::Symptom],
        detect: websocket_refused,
    },
    Rule {
        id: id("runs-from-deleted"),
        number: 63,
        title: "The server runs from files that are deleted",
        symptom: "I removed the worktree or rebuilt, and the old version still answers",
        platforms: UNIX,
        needs: &[Need::Sockets, Need::Processes],
        detect: runs_from_deleted,
    },
    Rule {
        id: id("other-protocol"),
        number: 67,
        title: "The server speaks another protocol",
        symptom: "malformed response; unexpected packet; protocol error at the first byte",
        platforms: ALL,
        needs: &[Need::Probe, Need::Url],
        detect: other_protocol,
    },
];

/// The main checkout that one belongs to.
fn main_root(checkout: &Checkout) -> &str {
    checkout.worktree_of.as_ref().unwrap_or(&checkout.root)
}

fn said(checkout: &Checkout) -> String {
    match checkout.head.known() {
        Some(head) => format!("{} on {}", checkout.root, words::head(head)),
        None => checkout.root.clone(),
    }
}

fn other_checkout(case: &Case<'_>) -> Option<Draft> {
    let here = case.snapshot.viewer.checkout.known()?.as_ref()?;
    let found = case.listening().into_iter().find_map(|owner| {
        let checkout = owner.checkout.known()?.as_ref()?;
        (checkout.root != here.root).then_some((owner, checkout))
    });
    let (owner, there) = found?;
    // One of ours serves the one who asks as well.
    let serves_here = case
        .listening()
        .into_iter()
        .any(|owner| matches!(&owner.checkout, Seen::Known(Some(checkout)) if checkout.root == here.root));
    if serves_here {
        return None;
    }
    let is_sibling = main_root(there) == main_root(here);
    let says = format!(
        "{} serves {}, and you are in {}.",
        words::process(owner),
        said(there),
        said(here)
    );
    let draft = if is_sibling {
        Draft::warning(case.subject(), says).likely(85)
    } else {
        Draft::note(case.subject(), says).likely(38)
    };
    let mut draft = draft
        .seen(Method::Processes, words::introduce(case.snapshot, owner))
        .seen(Method::Processes, format!("you are in {}", said(here)));
    let mut own: Vec<(u16, String)> = case
        .snapshot
        .listeners()
        .flat_map(|row| case.owners(row).into_iter().map(move |owner| (row.port(), owner)))
        .filter(
            |(_, owner)| matches!(&owner.checkout, Seen::Known(Some(checkout)) if checkout.root == here.root),
        )
        .map(|(port, owner)| (port, words::process(owner)))
        .collect();
    own.sort();
    if let Some((port, who)) = own.first() {
        draft = draft
            .seen(
                Method::Sockets,
                format!("{who} of this checkout listens on port {port}"),
            )
            .fix(format!("Go to port {port}."));
    }
    Some(draft.run("Stop the other one.", case.stop_command()).run(
        "Or give each checkout a port of its own.",
        "PORT=$(wharf port web)",
    ))
}

fn service_worker(case: &Case<'_>) -> Option<Draft> {
    if !case.mentions(&["serviceworker", "service worker", "service-worker"]) {
        return None;
    }
    Some(
        Draft::warning(
            case.subject(),
            "A service worker or a cached redirect that an earlier project left at this origin answers in place of the server.",
        )
        .likely(74)
        .seen(Method::Output, "a service worker is named")
        .seen(Method::Standard, "a service worker belongs to scheme, host and port, and not to a project")
        .fix("In the browser's developer tools: Application → Storage → Clear site data.")
        .fix("Give each project a name of its own, such as http://web.shop.localhost:62893, so that nothing is inherited."),
    )
}

/// Cookies that nearly every server of a framework sets by the same name are the ones that hurt.
fn shared_cookies(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let mut by_name: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    let is_here = |probe: &&Probe| case.is_here(probe.address.ip()) == Some(true);
    for probe in case.snapshot.probes.items().iter().filter(is_here) {
        for cookie in probe.http.iter().flat_map(|http| &http.cookies) {
            by_name.entry(cookie).or_default().push(probe.address.port());
        }
    }
    let (cookie, mut ports) = by_name
        .into_iter()
        .find(|(_, ports)| ports.contains(&port) && ports.iter().any(|other| *other != port))?;
    ports.sort_unstable();
    ports.dedup();
    Some(
        Draft::warning(
            case.subject(),
            format!(
                "The servers on ports {} all set the cookie {cookie}, and browsers do not tell ports apart.",
                words::join(&ports)
            ),
        )
        .likely(52)
        .seen(Method::Probe, format!("Set-Cookie: {cookie} from each of them"))
        .seen(
            Method::Standard,
            "RFC 6265, section 8.5: cookies do not provide isolation by port",
        )
        .fix("Go to each by a name of its own: http://web.shop.localhost:62893 and so on.")
        .fix("Or name the cookies apart."),
    )
}

/// What servers say when they refuse a Host.
const REFUSALS: &[&str] = &[
    "this host",
    "host is not allowed",
    "invalid host header",
    "disallowedhost",
    "invalid http_host header",
    "blocked host",
    "blocked hosts",
    "allowedhosts",
    "alloweddevorigins",
    "misdirected request",
];

fn host_not_allowed(case: &Case<'_>) -> Option<Draft> {
    let name = case.asked_name();
    let refuses = |probe: &&&Probe| {
        let http = probe.http.as_ref();
        let named = http.is_some_and(|http| http.named_host == Seen::Known(Reception::Refused));
        let by_status = probe.name.is_some()
            && probe.name.as_deref() == name
            && http.is_some_and(|http| matches!(http.status, 400 | 403 | 421));
        named || by_status
    };
    let refused = case.probes.iter().find(refuses);
    // Only where the same page is given to who asks by address.
    let plain = case.probes.iter().any(|probe| {
        let http = probe.http.as_ref();
        probe.name.is_none() && http.is_some_and(|http| (200..400).contains(&http.status))
    });
    let named = refused.and_then(|probe| probe.http.as_ref());
    let is_sure = named.is_some_and(|http| http.named_host.is_known());
    let by_probe = refused.filter(|_| is_sure || plain);
    let by_text = case.mentions(REFUSALS);
    if by_probe.is_none() && !by_text {
        return None;
    }
    let name = by_probe.and_then(|probe| probe.name.as_deref()).or(name);
    let shown = name.unwrap_or("the name it was asked by");
    let mut draft = Draft::problem(
        case.subject(),
        format!("The server refuses {shown}: it answers only to hosts on its list, to keep strange pages out (DNS rebinding)."),
    )
    .likely(92);
    if let Some(http) = named.filter(|_| by_probe.is_some()) {
        draft = draft.seen(
            Method::Probe,
            format!("with Host: {shown} it answers {}", http.status),
        );
    }
    if by_text {
        draft = draft.seen(Method::Output, "a host is refused by name");
    }
    let list = name.unwrap_or("NAME");
    Some(allow(case, draft, list).fix("Or ask by a name that it takes: localhost, or one below localhost."))
}

/// How the framework, if it is known, is told to take a name; else how each one is.
fn allow(case: &Case<'_>, draft: Draft, name: &str) -> Draft {
    let known = case.listening().into_iter().find_map(crate::program::of);
    let framework = case
        .probes
        .iter()
        .find_map(|probe| probe.http.as_ref()?.framework.as_deref())
        .or(known.map(|known| known.name))
        .unwrap_or_default();
    let ways = [
        (
            "Vite",
            format!("In vite.config: server.allowedHosts: ['{name}']."),
        ),
        (
            "Next.js",
            format!("In next.config: allowedDevOrigins: ['{name}']."),
        ),
        (
            "webpack",
            format!("In webpack's devServer: allowedHosts: ['{name}']."),
        ),
        ("Django", format!("In settings.py: ALLOWED_HOSTS = ['{name}'].")),
        (
            "Rails",
            format!("In config/environments/development.rb: config.hosts << '{name}'."),
        ),
    ];
    let own = ways.iter().find(|(known, _)| framework.contains(known));
    match own {
        Some((_, way)) => draft.fix(way),
        None => draft.fix(format!(
            "Put {name} on its list: Vite server.allowedHosts, Next.js allowedDevOrigins, webpack allowedHosts, Django ALLOWED_HOSTS, Rails config.hosts."
        )),
    }
}

fn websocket_refused(case: &Case<'_>) -> Option<Draft> {
    let says_so = case.mentions(&[
        "websocket",
        "[hmr]",
        "[vite] failed to connect",
        "ws://",
        "wss://",
    ]);
    let is_failure = case.mentions(&[
        "fail",
        "error",
        "closed",
        "refused",
        "unexpected response",
        "could not",
        "unable",
    ]);
    if !says_so || !is_failure {
        return None;
    }
    let h2 = case
        .probes
        .iter()
        .any(|probe| probe.alpn.as_deref() == Some("h2") || probe.protocol == Seen::Known(Spoken::H2c));
    let mut draft = Draft::problem(
        case.subject(),
        "The WebSocket does not pass, though pages do: something between the browser and the server does not upgrade it.",
    )
    .likely(if h2 { 86 } else { 64 })
    .seen(Method::Output, "a WebSocket failed");
    if h2 {
        draft = draft
            .seen(
                Method::Probe,
                "HTTP/2 is spoken there; WebSockets over it need RFC 8441, which few proxies have",
            )
            .fix("Let the proxy offer HTTP/1.1 only, or one that speaks extended CONNECT.");
    }
    Some(
        draft
            .fix("Let the proxy pass on Upgrade and Connection (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade).")
            .fix("Tell the dev server the port that the browser sees (Vite: server.hmr.clientPort)."),
    )
}

fn runs_from_deleted(case: &Case<'_>) -> Option<Draft> {
    const GONE: &str = " (deleted)";
    let found = case
        .listening()
        .into_iter()
        .filter(|owner| is_own(owner))
        .find_map(|owner| {
            let gone = |path: &Seen<String>| {
                path.known()
                    .and_then(|path| path.strip_suffix(GONE))
                    .map(str::to_owned)
            };
            gone(&owner.cwd)
                .map(|path| (owner, "directory", path))
                .or_else(|| gone(&owner.exe).map(|path| (owner, "program", path)))
        });
    let (owner, what, path) = found?;
    let is_binding = case.finds_port_in_use();
    Some(
        Draft::warning(
            case.subject(),
            format!(
                "{} still runs, though its {what} {path} is deleted: what it serves is from before.",
                words::process(owner)
            ),
        )
        .likely(if is_binding { 94 } else { 87 })
        .seen(Method::Processes, format!("its {what} is {path} (deleted)"))
        .seen(Method::Processes, words::introduce(case.snapshot, owner))
        .run("Stop it, and start the new one.", case.stop_command()),
    )
}

/// Not a service of the machine, which an upgrade may have replaced while it runs: that is its
/// distribution's business.
fn is_own(owner: &wharf_facts::ProcessFacts) -> bool {
    let is_unit = matches!(owner.reason, Seen::Known(wharf_facts::Reason::Unit { .. }));
    is_work(owner) || (!is_unit && owner.cwd.known().is_some_and(|cwd| cwd.ends_with(" (deleted)")))
}

/// What the schemes of URLs ask for, in the words of what may be spoken.
#[rustfmt::skip]
const SPOKEN: &[(&[&str], &[&str])] = &[
    (&["http", "https", "ws", "wss", "grpc"],
     &["http", "h2c", "tls", "websocket", "grpc", "docker", "devtools", "inspector"]),
    (&["postgres", "postgresql"], &["postgres", "tls"]),
    (&["mysql"], &["mysql", "tls"]),
    (&["redis", "rediss"], &["redis", "tls"]),
    (&["mongodb"], &["mongodb", "tls"]),
    (&["amqp", "amqps"], &["amqp", "tls"]),
    (&["mqtt"], &["mqtt", "tls"]),
    (&["nats"], &["nats", "tls"]),
    (&["ssh"], &["ssh"]),
    (&["ftp"], &["ftp", "tls"]),
];

fn other_protocol(case: &Case<'_>) -> Option<Draft> {
    let scheme = case.scheme()?;
    let (_, fitting) = SPOKEN.iter().find(|(schemes, _)| schemes.contains(&scheme))?;
    let spoken = case.spoken()?;
    let is_known = SPOKEN.iter().any(|(_, words)| words.contains(&spoken))
        || [
            "smtp",
            "imap",
            "pop3",
            "jdwp",
            "dap",
            "gdb",
            "memcached",
            "kafka",
            "dns",
            "rfb",
        ]
        .contains(&spoken);
    let accepted = case.probes.iter().any(|probe| probe.connect == Connect::Accepted);
    if fitting.contains(&spoken) || !is_known || !accepted {
        return None;
    }
    let port = case.port?;
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "{} speaks {spoken} on port {port}, and was asked for {scheme}.",
                case.whos()
            ),
        )
        .likely(91)
        .seen(Method::Probe, format!("it answers as {spoken} does"))
        .run(
            "See what else is there.",
            format!("wharf explain {}", quoted(&format!("pid:{}", first_pid(case)))),
        )
        .fix(format!(
            "Correct the port, or the scheme: {spoken} is at this one."
        )),
    )
}

fn first_pid(case: &Case<'_>) -> u32 {
    case.listening().first().map_or(1, |owner| owner.pid)
}

/// Whether a command was answered with an HTTP status that only a proxy gives.
pub(super) fn is_gateway_error(failure: Option<Failure>) -> bool {
    matches!(failure, Some(Failure::Http(407 | 502..=504)))
}
