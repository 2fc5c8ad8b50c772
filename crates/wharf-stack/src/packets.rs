//! What packets can have of the conditions of a link.

use wharf_link::{Conditions, Congestion, Loss, Probability, Scope};
use wharf_relay::{Cut, CutDirection};

/// What of these conditions acts on connections, and so has no meaning where packets pass.
#[must_use]
pub fn of_connections(conditions: &Conditions) -> Option<&'static str> {
    if !conditions.faults().is_empty() {
        Some("faults of connections (slicing, limits, time-outs, resets)")
    } else if conditions.stream.window.is_some() {
        Some("a window")
    } else if conditions.scope != Scope::Link {
        Some("a scope")
    } else {
        None
    }
}

/// The same of a link's conditions. Its congestion control is a model of what the kernel does, and in a lab the
/// kernel does it.
pub(crate) fn of_modelled(conditions: &Conditions) -> Option<&'static str> {
    let is_modelled = conditions.stream.congestion != Congestion::default();
    of_connections(conditions).or(is_modelled.then_some("a model of congestion control"))
}

/// The conditions of a link that may be cut: up, down. Of what is cut, nothing passes.
pub(crate) fn in_force(up: &Conditions, down: &Conditions, cut: Option<Cut>) -> [Conditions; 2] {
    let nothing = |conditions: &Conditions| Conditions {
        loss: Some(Loss::Random(Probability::ALWAYS)),
        ..conditions.clone()
    };
    let direction = cut.map(|cut| cut.direction);
    let is_cut = |one| direction.is_some_and(|cut| cut == CutDirection::Both || cut == one);
    let of = |conditions, direction| if is_cut(direction) { nothing(conditions) } else { conditions.clone() };
    [of(up, CutDirection::Up), of(down, CutDirection::Down)]
}
