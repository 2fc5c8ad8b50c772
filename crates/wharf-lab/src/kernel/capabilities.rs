//! Capabilities: kept over exec for our own processes, gone before the user's command.

use rustix::io::Result;
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, set_capabilities, set_capabilities_secure_bits,
};

/// What the processes of a lab need in their own namespaces.
const NEEDED: CapabilitySet = CapabilitySet::NET_ADMIN
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_ADMIN)
    .union(CapabilitySet::SETPCAP);

/// Whether this process may make namespaces as it is.
pub(crate) fn may_make_namespaces() -> bool {
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN;
    capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

/// Keeps what is needed over exec: a user other than 0 would lose it there (capabilities(7)).
pub(crate) fn keep_over_exec() -> Result<()> {
    let sets = capabilities(None)?;
    let inheritable = sets.inheritable | NEEDED;
    set_capabilities(None, CapabilitySets { inheritable, ..sets })?;
    each(NEEDED, |one| configure_capability_in_ambient_set(one, true))
}

/// Gives everything up, for good: what is executed from now on has nothing.
pub(crate) fn drop_all() -> Result<()> {
    drop_but(CapabilitySet::empty())
}

/// Gives everything up but what tools of the network need.
pub(crate) fn keep_network() -> Result<()> {
    drop_but(CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW)
}

/// The bounding set stays: a program whose file has capabilities, as ping's may, would not run at all without
/// them (it asks for them), and has them over the lab's own namespaces only.
fn drop_but(kept: CapabilitySet) -> Result<()> {
    clear_ambient_capability_set()?;
    // Where the user is 0 in its own user namespace, exec would give everything back.
    set_capabilities_secure_bits(CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED)?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: kept,
            permitted: kept,
            inheritable: kept,
        },
    )?;
    each(kept, |one| configure_capability_in_ambient_set(one, true))
}

fn each(sets: CapabilitySet, act: impl FnMut(CapabilitySet) -> Result<()>) -> Result<()> {
    sets.iter().try_for_each(act)
}
