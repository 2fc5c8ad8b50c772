use wharf_facts::Owner;
use wharf_lease::verify::{Service, Verdict, listener_of};

use crate::worker::{Worker, command};
use crate::{Place, Reuse, bind, v4};

#[test]
fn a_services_listener_is_found_where_it_is() {
    let place = Place::new();
    let (lease, _hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let (other, _other_hold) = place.registry.lease_held(&place.key("api")).expect("a hold");
    let (told, moved) = (lease.port(), other.port());
    let mut server = Worker::start(command("lease")).expect("a worker");
    let pids = [server.pid()];
    let service = Service {
        pids: &pids,
        cgroup: None,
    };
    let verdict = |port| listener_of(service, port).expect("a verdict");

    assert_eq!(verdict(told), Verdict::NotYet, "a hold is no listener");
    server.tell(&told.to_string());
    server.expect("listening");
    assert_eq!(verdict(told), Verdict::AsTold(vec![v4(told)]));
    assert_eq!(verdict(moved), Verdict::Elsewhere(vec![v4(told)]));

    // Somebody else's service that was told the same port.
    let nobody = Service {
        pids: &[],
        cgroup: None,
    };
    let Verdict::Foreign(Owner::Known(owners)) = listener_of(nobody, told).expect("a verdict") else {
        panic!("it is foreign");
    };
    assert_eq!(owners[0].pid, server.pid());
    server.end();
    assert_eq!(listener_of(nobody, told).expect("a verdict"), Verdict::NotYet);
}

#[test]
fn a_cgroup_alone_is_enough() {
    let Some(cgroup) = wharf_host::process::cgroup_id(std::process::id()) else {
        crate::skip("a_cgroup_alone_is_enough", "no version 2 cgroups here");
        return;
    };
    let place = Place::new();
    let (lease, _hold) = place.registry.lease_held(&place.key("web")).expect("a hold");
    let server = bind(v4(lease.port()), Reuse::Yes).expect("bound");
    let service = Service {
        pids: &[],
        cgroup: Some(cgroup),
    };
    server.listen(1).expect("a server");
    let told = Verdict::AsTold(vec![v4(lease.port())]);
    match listener_of(service, lease.port()).expect("a verdict") {
        Verdict::Foreign(_) => crate::skip("a_cgroup_alone_is_enough", "sockets bear none here"),
        verdict => assert_eq!(verdict, told),
    }
}
