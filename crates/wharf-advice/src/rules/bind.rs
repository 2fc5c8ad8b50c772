//! Taking a port fails, and nobody has it.

use std::net::IpAddr;

use wharf_facts::Seen;

use super::{ALL, LINUX, Need, WINDOWS, id};
use crate::case::Case;
use crate::draft::Draft;
use crate::{Failure, Method, Rule, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: id("low-port"),
        number: 28,
        title: "The port is for the privileged",
        symptom: "permission denied (EACCES) when I listen on port 80",
        platforms: LINUX,
        needs: &[Need::Symptom, Need::Settings],
        detect: low_port,
    },
    Rule {
        id: id("windows-excluded-range"),
        number: 29,
        title: "Windows keeps the port for itself",
        symptom: "an attempt was made to access a socket in a way forbidden by its access permissions",
        platforms: WINDOWS,
        needs: &[Need::Symptom],
        detect: windows_excluded_range,
    },
    Rule {
        id: id("address-not-here"),
        number: 35,
        title: "The address is not on this machine",
        symptom: "cannot assign requested address (EADDRNOTAVAIL) when I listen",
        platforms: ALL,
        needs: &[Need::Symptom, Need::Interfaces],
        detect: address_not_here,
    },
];

fn low_port(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let start = *case.snapshot.settings.unprivileged_start.known()?;
    let is_denied = case.is_binding_denied();
    if !is_denied || port >= start {
        return None;
    }
    let user = case.snapshot.viewer.user.known();
    let user = user.map_or("you", String::as_str);
    Some(
        Draft::problem(
            case.subject(),
            format!("Ports below {start} are for root, and {port} is one."),
        )
        .likely(96)
        .seen(
            Method::Settings,
            format!(
                "net.ipv4.ip_unprivileged_port_start is {start}, and {user} has not CAP_NET_BIND_SERVICE"
            ),
        )
        .fix(format!(
            "Take a port above, such as {}.",
            if port == 443 { 8443 } else { 8080 }
        ))
        .run(
            "Or let everybody take such ports until the next start of the machine.",
            format!("sudo sysctl -w net.ipv4.ip_unprivileged_port_start={port}"),
        )
        .run(
            "Or give the right to one program.",
            "sudo setcap cap_net_bind_service=+ep \"$(readlink -f \"$(command -v PROGRAM)\")\"",
        ),
    )
}

impl Case<'_> {
    /// Whether a command was not allowed to take the port.
    fn is_binding_denied(&self) -> bool {
        let denied = self.failure() == Some(Failure::AccessDenied);
        denied
            && self
                .symptom
                .is_some_and(|symptom| symptom.operation != Some(crate::Operation::Connect))
    }
}

fn windows_excluded_range(case: &Case<'_>) -> Option<Draft> {
    let port = case.port?;
    let says_so = case.mentions(&["forbidden by its access permissions", "wsaeacces", "10013"]);
    if !says_so || !case.listeners.is_empty() {
        return None;
    }
    let mut draft = Draft::problem(
        case.subject(),
        format!(
            "Nobody listens on port {port}: Windows (Hyper-V, winnat) has reserved the range it lies in."
        ),
    )
    .likely(94)
    .seen(
        Method::Output,
        "access to the socket is forbidden by its access permissions",
    );
    if case.sees_sockets() {
        draft = draft.seen(Method::Sockets, format!("nothing listens on port {port}"));
    }
    Some(
        draft
            .run(
                "See the ranges.",
                "netsh int ipv4 show excludedportrange protocol=tcp",
            )
            .run(
                "Let them be dealt out anew, as administrator.",
                "net stop winnat && net start winnat",
            )
            .run(
                "Or keep the port for yourself, as administrator, while winnat is stopped.",
                format!("netsh int ipv4 add excludedportrange protocol=tcp startport={port} numberofports=1"),
            ),
    )
}

fn address_not_here(case: &Case<'_>) -> Option<Draft> {
    let asked = case.asked_address()?;
    let is_failing = case.failure() == Some(Failure::AddressNotAvailable) && case.is_binding();
    let anywhere = case.snapshot.settings.nonlocal_bind == Seen::Known(true);
    if !is_failing || anywhere {
        return None;
    }
    let is_macos = case.snapshot.system.os == Seen::Known("macos".to_owned());
    let plain: [IpAddr; 2] = [
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    ];
    // All of 127/8 is loopback's on Linux and Windows; macOS has 127.0.0.1 alone.
    if asked.is_loopback() {
        let is_alias = is_macos && asked.is_ipv4() && !plain.contains(&asked);
        return is_alias.then(|| {
            Draft::problem(asked, format!("macOS has 127.0.0.1 on loopback and no other address of 127/8: {asked} must be added first."))
                .likely(96)
                .seen(Method::Output, "the address cannot be assigned")
                .run("Add it, until the next start of the machine.", format!("sudo ifconfig lo0 alias {asked} up"))
        });
    }
    if case.is_here(asked) != Some(false) {
        return None;
    }
    let interfaces = case.snapshot.interfaces.items().iter();
    let mut own: Vec<IpAddr> = interfaces
        .flat_map(|interface| interface.addresses.iter().map(|own| own.address))
        .filter(|address| !address.is_loopback())
        .collect();
    own.sort_unstable();
    let mut draft = Draft::problem(
        asked,
        format!("No interface of this machine has {asked}, so nobody can listen there."),
    )
    .likely(96)
    .seen(
        Method::Interfaces,
        format!("this machine has {}", words::join(&own)),
    );
    if own.is_empty() {
        draft = Draft::problem(
            asked,
            format!("No interface of this machine has {asked}, so nobody can listen there."),
        )
        .likely(96)
        .seen(Method::Interfaces, "this machine has loopback addresses alone");
    }
    Some(
        draft
            .fix("If it is a VPN's address, connect the VPN first.")
            .fix("Or listen on 127.0.0.1, or on 0.0.0.0 to be reached from elsewhere."),
    )
}
