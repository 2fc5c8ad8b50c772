use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use wharf_facts::{Owner, Socket};
use wharf_host::{owner, sockets};

use crate::Waiter;

fn listen() -> (TcpListener, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("an address");
    let all = sockets::listeners().expect("listeners");
    let socket = all
        .into_iter()
        .find(|socket| socket.local == address)
        .expect("our listener");
    (listener, socket)
}

#[track_caller]
fn pids(owner: &Owner) -> Vec<u32> {
    let Owner::Known(processes) = owner else {
        panic!("the owner is not known: {owner}")
    };
    let mut pids: Vec<u32> = processes.iter().map(|process| process.pid).collect();
    pids.sort_unstable();
    pids
}

#[test]
fn a_listener_is_ours() {
    let (_listener, socket) = listen();
    // Another test may be between fork and exec, and its child owns what we own.
    let owners = pids(&owner::of(&socket).expect("an owner"));
    assert!(owners.contains(&std::process::id()), "{owners:?}");
}

#[test]
fn all_who_share_a_socket_own_it() {
    let (listener, socket) = listen();
    let (_other, second) = listen();
    let shared: OwnedFd = listener.try_clone().expect("a second descriptor").into();
    // `tail -f` never reads to an end, whatever its input is.
    let child = Waiter::start(
        Command::new("tail")
            .args(["-f", "/dev/null"])
            .stdin(shared)
            .stdout(Stdio::null()),
    );
    let mut both = vec![std::process::id(), child.pid()];
    both.sort_unstable();
    let owners = owner::of_each(&[socket, second]).expect("owners");
    assert_eq!(pids(&owners[0]), both);
    assert_eq!(pids(&owners[1]), [std::process::id()]);
}

#[test]
fn what_nobody_shows_is_hidden_and_what_nobody_has_is_nobodys() {
    let (_listener, mut socket) = listen();
    socket.inode = u64::MAX;
    socket.uid = 33;
    assert_eq!(owner::of(&socket).expect("an owner"), Owner::Hidden { uid: 33 });
    socket.inode = 0;
    assert_eq!(owner::of(&socket).expect("an owner"), Owner::Nobody);
}
