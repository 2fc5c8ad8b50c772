//! `wharf portserver`: portpicker's protocol.

use wharf_lease::{Registry, portserver};

use crate::out;
use crate::report::{Code, Report};
use crate::surroundings::{lease_config, state_dir};

pub(super) fn run(address: Option<String>) -> Result<(), Report> {
    let state = state_dir()?;
    let registry = Registry::open(&state, lease_config()?)?;
    let address = address.unwrap_or_else(|| state.path().join("portserver.sock").display().to_string());
    let listener = portserver::bind(&address)?;
    // The caller takes it up: eval "$(wharf portserver ... &)" or by hand.
    out::line(&format!("PORTSERVER_ADDRESS={address}"));
    portserver::serve(&listener, &registry, || false)
        .map_err(|error| Report::new(Code::Failed, format!("serve {address}: {error}")))
}
