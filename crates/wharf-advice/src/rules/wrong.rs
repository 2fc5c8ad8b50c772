//! The wrong thing answers, or the right thing wrongly.

use std::collections::BTreeMap;

use wharf_facts::{Checkout, Connect, Probe, Seen};

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
