use std::net::UdpSocket;

use wharf_facts::Owner;
use wharf_lease::verify::{Service, Verdict, listener_of, receiver_of};

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

#[test]
fn a_receiver_of_datagrams_is_told_from_a_client() {
    let place = Place::new();
    let (lease, _hold) = place.registry.lease_held(&place.key("dns")).expect("a hold");
    let (other, _other_hold) = place.registry.lease_held(&place.key("moved")).expect("a hold");
    let (told, moved) = (lease.port(), other.port());
    let pids = [std::process::id()];
    let us = Service {
        pids: &pids,
        cgroup: None,
    };
    let nobody = Service::default();
    // The kernel chose its port: a client's. Other tests of this process have no sockets for datagrams.
    let client = UdpSocket::bind("127.0.0.1:0").expect("bound");
    assert_eq!(receiver_of(us, told).expect("a verdict"), Verdict::NotYet);
    let server = UdpSocket::bind(v4(told)).expect("bound");
    assert_eq!(
        receiver_of(us, told).expect("a verdict"),
        Verdict::AsTold(vec![v4(told)])
    );
    assert_eq!(
        receiver_of(us, moved).expect("a verdict"),
        Verdict::Elsewhere(vec![v4(told)])
    );
    assert!(matches!(
        receiver_of(nobody, told).expect("a verdict"),
        Verdict::Foreign(Owner::Known(_))
    ));
    // One that is connected takes from one peer alone: it serves nobody.
    server
        .connect(client.local_addr().expect("an address"))
        .expect("connected");
    assert_eq!(receiver_of(us, told).expect("a verdict"), Verdict::NotYet);
}
