use std::time::Duration;

use wharf_lease::{Ended, hold_until};

use crate::{Place, Reuse, eventually, no_forks, serve, v4};

#[test]
fn a_holder_ends_when_nobody_comes() {
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    assert_eq!(hold_until(hold, Duration::from_millis(20)), Ended::Expired);
    lease.hold().expect("it was given up");
}

#[test]
fn a_holder_ends_when_its_server_listens() {
    let _quiet = no_forks();
    let place = Place::new();
    let (lease, hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let holder = std::thread::spawn(|| hold_until(hold, Duration::from_secs(3600)));
    let server = serve(v4(lease.port()), Reuse::Yes).expect("a server");
    eventually("the holder's end", || holder.is_finished());
    assert_eq!(holder.join().expect("no panic"), Ended::Listening);
    drop(server);
    lease.hold().expect("it was given up");
}
