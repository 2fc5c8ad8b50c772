//! Forwards, tunnels and debuggers.

use wharf_facts::{Connect, Meeting, Reason, Seen, Silence};

use super::nothing::is_nobody_there;
use super::{ALL, LINUX, Need, WSL, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("wsl-mirrored-hang"),
        number: 5,
        title: "WSL's mirrored network hides that a port is closed",
        symptom: "connecting to a closed port hangs, where it should be refused",
        platforms: WSL,
        needs: &[Need::Sockets, Need::Probe],
        detect: wsl_mirrored_hang,
    },
    Rule {
        id: id("forward-to-ipv6-only"),
        number: 14,
        title: "An editor forwards to IPv4, the server is on IPv6",
        symptom: "the forwarded port of the dev container hangs",
        platforms: LINUX,
        needs: &[Need::Sockets],
        detect: forward_to_ipv6_only,
    },
    Rule {
        id: id("ssh-forward-far-end-closed"),
        number: 15,
        title: "The ssh tunnel is up, its far end is closed",
        symptom: "the tunnel accepts and closes at once; channel 3: open failed",
        platforms: ALL,
        needs: &[Need::Processes, Need::Probe],
        detect: ssh_forward_far_end_closed,
    },
    Rule {
        id: id("debugger-detached"),
        number: 16,
        title: "The debugged program has ended",
        symptom: "Disconnected from the target VM, address: '127.0.0.1:62893'",
        platforms: ALL,
        needs: &[Need::Symptom],
        detect: debugger_detached,
    },
];

fn wsl_mirrored_hang(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let inside = case.snapshot.system.inside.known()?;
    let wsl = inside.wsl.as_ref()?;
    let is_mirrored = wsl.networking == Seen::Known("mirrored".to_owned());
    let hangs = case.failure() == Some(Failure::TimedOut)
        || case
            .probes
            .iter()
            .any(|probe| matches!(probe.connect, Connect::TimedOut(_)));
    if !is_mirrored || !hangs || !is_nobody_there(case) {
        return None;
    }
    Some(
        Draft::problem(
            case.subject(),
            format!("Port {port} is closed; WSL's mirrored network swallows the refusal, so it looks as if it hung."),
        )
        .likely(92)
        .seen(Method::Sockets, format!("nothing listens on port {port}"))
        .seen(Method::Settings, "networkingMode is mirrored")
        .fix("Start the server; the network is well.")
        .fix("Where the wait hurts, set networkingMode=nat in .wslconfig and run `wsl --shutdown`."),
    )
}

fn forward_to_ipv6_only(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let inside = case.snapshot.system.inside.known()?;
    let editor = inside.dev_container.as_ref()?;
    let is_v6_only =
        matches!(case.meets_v4(), Meeting::Nobody) && matches!(case.meets_v6(), Meeting::Listeners(_));
    if !is_v6_only || case.is_binding() {
        return None;
    }
    Some(
        Draft::problem(
            case.subject(),
            format!(
                "{} listens on [::1] only, and the editor forwards to 127.0.0.1.",
                case.whos()
            ),
        )
        .likely(94)
        .seen(
            Method::Sockets,
            format!("port {port} is open on ::1 and refused on 127.0.0.1"),
        )
        .seen(
            Method::Environment,
            format!("inside a workspace of an editor: {editor}"),
        )
        .fix("Let the server listen on 127.0.0.1 or 0.0.0.0: `--host 127.0.0.1`."),
    )
}

fn ssh_forward_far_end_closed(case: &Case<'_>) -> Option<Draft> {
    let tunnel = case
        .listening()
        .into_iter()
        .find_map(|owner| match &owner.reason {
            Seen::Known(Reason::SshForward { host, forwards }) => Some((owner, host, forwards)),
            _ => None,
        });
    let (owner, host, forwards) = tunnel?;
    let is_closed = |probe: &&wharf_facts::Probe| {
        probe.connect == Connect::Accepted
            && matches!(probe.silence, Seen::Known(Silence::Closed | Silence::Reset))
    };
    let by_probe = case.probes.iter().any(is_closed);
    let by_symptom = case.failure() == Some(Failure::Reset)
        || case.mentions(&["open failed", "administratively prohibited"]);
    if !by_probe && !by_symptom {
        return None;
    }
    let host = host.as_deref().unwrap_or("the other machine");
    let method = if by_probe { Method::Probe } else { Method::Output };
    Some(
        Draft::problem(
            case.subject(),
            format!("The tunnel to {host} stands, and nothing listens at its far end."),
        )
        .likely(92)
        .seen(Method::Processes, format!("{} forwards {}", words::process(owner), forwards.join(" ")))
        .seen(method, "the connection was accepted here and closed at once")
        .run("See whether the service runs over there.", format!("ssh {} ss -tln", super::nothing::quoted(host)))
        .fix("If the service listens on 127.0.0.1 there, the forward must say 127.0.0.1, and not the machine's name."),
    )
}

fn debugger_detached(case: &Case<'_>) -> Option<Draft> {
    if !case.mentions(&[
        "disconnected from the target vm",
        "debugger disconnected",
        "debug adapter process has terminated",
    ]) {
        return None;
    }
    let mut draft = Draft::note(
        case.subject(),
        "This is no error: the debugged program has ended, and its debugger's connection with it.",
    )
    .likely(98)
    .seen(Method::Output, "the debugger says that it was disconnected");
    if case.sees_sockets() && case.listeners.is_empty() && case.port.is_some() {
        draft = draft.seen(
            Method::Sockets,
            "nothing listens there any more; such a port is a temporary one",
        );
    }
    Some(draft.fix("Look at the program's exit code and at the end of its log: there is why it ended."))
}
