use std::process::{Command, Stdio};

use wharf_host::process;

use crate::{Waiter, eventually, skip};

#[test]
fn this_process_is_seen_as_it_is() {
    let pid = std::process::id();
    let me = process::describe(pid).expect("this process");
    assert_eq!(me.pid, pid);
    assert_eq!(Some(me.start_time), process::start_time(pid));
    assert_eq!(me.cwd, std::env::current_dir().ok());
    assert_eq!(me.command, std::env::args().collect::<Vec<_>>());
    assert_eq!(me.uid, rustix::process::geteuid().as_raw());
    assert!(process::is_alive(pid, me.start_time));
    assert!(!process::is_alive(pid, me.start_time + 1));
    assert!(process::all().expect("all").contains(&pid));
    assert_eq!(process::environ_value(pid, "PATH"), std::env::var_os("PATH"));
    assert_eq!(process::environ_value(pid, "WHARF_NO_SUCH"), None);
}

#[test]
fn a_tree_holds_children_and_grandchildren() {
    // The shell waits for `cat`, so both are there until the pipe ends.
    let child = Waiter::start(
        Command::new("sh")
            .args(["-c", "cat; true"])
            .env("WHARF_HOST_TEST", "tree")
            .stdin(Stdio::piped())
            .stdout(Stdio::null()),
    );
    eventually("a grandchild", || process::children(child.pid()).len() == 1);
    let grandchild = process::children(child.pid())[0];
    assert_eq!(process::tree(child.pid()), [child.pid(), grandchild]);
    assert!(process::tree(std::process::id()).contains(&grandchild));
    assert_eq!(
        process::environ_value(grandchild, "WHARF_HOST_TEST"),
        Some("tree".into())
    );
}

#[test]
fn a_zombie_is_not_alive_and_the_vanished_are_no_error() {
    let mut child = Command::new("true").spawn().expect("start a child");
    let pid = child.id();
    let start = process::start_time(pid).expect("even a zombie has a start time");
    eventually("the child's end", || !process::is_alive(pid, start));
    assert_eq!(process::start_time(pid), Some(start), "it waits to be reaped");
    child.wait().expect("reap it");

    assert_eq!(process::start_time(pid), None);
    assert_eq!(process::describe(pid), None);
    assert!(process::children(pid).is_empty());
    assert_eq!(process::tree(pid), [pid]);
    assert_eq!(process::environ_value(pid, "PATH"), None);
    assert_eq!(process::cgroup_id(pid), None);
    assert!(process::socket_inodes(pid).expect("no error").is_empty());
    for never in [0, u32::MAX] {
        assert_eq!(process::describe(never), None);
        assert!(!process::is_alive(never, 0));
    }
}

#[test]
fn a_cgroup_id_is_the_one_that_sockets_bear() {
    let Some(id) = process::cgroup_id(std::process::id()) else {
        skip(
            "a_cgroup_id_is_the_one_that_sockets_bear",
            &"no version 2 cgroups here",
        );
        return;
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("an address");
    let all = wharf_host::sockets::listeners().expect("listeners");
    let mine = all
        .iter()
        .find(|socket| socket.local == address)
        .expect("our listener");
    // Kernels without CONFIG_SOCK_CGROUP_DATA say nothing.
    if let Some(cgroup) = mine.cgroup {
        assert_eq!(cgroup, id);
    } else {
        skip(
            "a_cgroup_id_is_the_one_that_sockets_bear",
            &"sockets bear none here",
        );
    }
}
