use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use wharf_lease::{LeaseRange, RegistryConfig, portserver};

use crate::{Place, no_forks, skip, spawn};

/// Runs `work` while a portserver answers at the address that it is given.
fn with_server(place: &Place, address: &str, work: impl FnOnce()) {
    let listener = portserver::bind(address).expect("an address");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let server =
            scope.spawn(|| portserver::serve(&listener, &place.registry, || stop.load(Ordering::Relaxed)));
        // Stops the server even when an assertion fails in `work`.
        struct Stop<'a>(&'a AtomicBool);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let guard = Stop(&stop);
        work();
        drop(guard);
        server.join().expect("no panic").expect("no error");
    });
}

fn path(place: &Place) -> String {
    place
        .directory
        .path()
        .join("portserver")
        .to_str()
        .expect("a path")
        .to_owned()
}

fn ask(mut stream: UnixStream, request: &[u8]) -> String {
    // A server that has heard enough closes, and what we write then is refused.
    let _ = stream.write_all(request);
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Ok(_) => answer,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => answer,
        Err(error) => panic!("read: {error}"),
    }
}

fn connect(address: &str) -> UnixStream {
    UnixStream::connect(address).expect("the server listens")
}

fn port(answer: &str) -> u16 {
    let digits = answer.strip_suffix('\n').expect("a newline");
    digits.parse().expect("a port")
}

#[test]
fn each_request_gets_a_port_of_its_own() {
    let place = Place::new();
    let leased = place.registry.lease(&place.key("web")).expect("a lease").port();
    let address = path(&place);
    with_server(&place, &address, || {
        let request = format!("{}\n", std::process::id());
        let mut ports = BTreeSet::from([leased]);
        for _ in 0..10 {
            let port = port(&ask(connect(&address), request.as_bytes()));
            assert!(place.registry.range().contains(port));
            drop(TcpListener::bind(("127.0.0.1", port)).expect("it is free"));
            assert!(ports.insert(port), "{port} was given twice");
        }
        // And Wharf's own leases keep clear of them.
        for number in 0..10 {
            let lease = place
                .registry
                .lease(&place.key(&format!("s{number}")))
                .expect("a lease");
            assert!(ports.insert(lease.port()), "{} is a client's", lease.port());
        }
    });
}

#[test]
fn a_request_may_come_in_parts_or_without_a_newline() {
    let place = Place::new();
    let address = path(&place);
    with_server(&place, &address, || {
        let pid = std::process::id().to_string();
        let mut parts = connect(&address);
        let (first, rest) = pid.split_at(1);
        parts.write_all(first.as_bytes()).expect("written");
        port(&ask(parts, format!("{rest}\n").as_bytes()));
        let ended = connect(&address);
        (&ended).write_all(pid.as_bytes()).expect("written");
        ended.shutdown(Shutdown::Write).expect("ended");
        port(&ask(ended, b""));
        port(&ask(connect(&address), pid.as_bytes()));
    });
}

#[test]
fn what_is_no_request_gets_no_byte() {
    let place = Place::new();
    let address = path(&place);
    let mut dead = spawn(&mut Command::new("true")).expect("a process");
    let dead_pid = dead.id();
    dead.wait().expect("its end");
    with_server(&place, &address, || {
        let long = format!("{}{}\n", "0".repeat(20), std::process::id());
        for request in ["0\n", "-1\n", "1\n", "x\n", "\n", "99999999999\n", &long] {
            assert_eq!(ask(connect(&address), request.as_bytes()), "", "{request:?}");
        }
        assert_eq!(ask(connect(&address), format!("{dead_pid}\n").as_bytes()), "");
        // A client that says nothing and goes harms nobody.
        drop(connect(&address));
        port(&ask(
            connect(&address),
            format!("{}\n", std::process::id()).as_bytes(),
        ));
    });
}

#[test]
fn a_port_is_given_again_when_its_process_is_dead_and_it_binds() {
    let range: wharf_facts::PortRange = "18930-18931".parse().expect("a range");
    let config = RegistryConfig {
        range: LeaseRange::Exactly(range),
        ..Default::default()
    };
    let place = Place::with(config);
    let address = path(&place);
    let mut child = spawn(Command::new("sleep").arg("1000")).expect("a process");
    let _quiet = no_forks();
    with_server(&place, &address, || {
        let request = format!("{}\n", child.id());
        let ports: BTreeSet<u16> = (0..2)
            .map(|_| port(&ask(connect(&address), request.as_bytes())))
            .collect();
        assert_eq!(ports.len(), 2);
        let ours = format!("{}\n", std::process::id());
        assert_eq!(ask(connect(&address), ours.as_bytes()), "", "the range is full");
        child.kill().expect("killed");
        child.wait().expect("its end");
        let busy = std::net::UdpSocket::bind(("127.0.0.1", 18930)).expect("bound");
        assert_eq!(port(&ask(connect(&address), ours.as_bytes())), 18931);
        assert_eq!(ask(connect(&address), ours.as_bytes()), "", "18930 does not bind");
        drop(busy);
        assert_eq!(port(&ask(connect(&address), ours.as_bytes())), 18930);
    });
}

#[test]
fn an_abstract_address_serves_too() {
    use std::os::linux::net::SocketAddrExt;
    let place = Place::new();
    let name = format!("wharf-lease-test-{}", std::process::id());
    with_server(&place, &format!("@{name}"), || {
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a name");
        let stream = UnixStream::connect_addr(&address).expect("the server listens");
        port(&ask(stream, format!("{}\n", std::process::id()).as_bytes()));
    });
}

#[test]
fn a_dead_socket_file_is_replaced_and_a_living_one_is_not() {
    let place = Place::new();
    let address = path(&place);
    drop(portserver::bind(&address).expect("an address"));
    let living = portserver::bind(&address).expect("nobody listens at the file that is left");
    let error = portserver::bind(&address).expect_err("it listens");
    assert!(error.to_string().contains(&address), "{error}");
    drop(living);
    std::fs::remove_file(&address).expect("removed");
    std::fs::write(&address, "somebody's file").expect("written");
    portserver::bind(&address).expect_err("it is no socket");
    assert_eq!(
        std::fs::read_to_string(&address).expect("kept"),
        "somebody's file"
    );
}

#[test]
fn the_usual_client_is_served() {
    const TEST: &str = "the_usual_client_is_served";
    let script = "import portpicker; print(portpicker.pick_unused_port())";
    let python = |code: &str, address: &str| {
        let mut command = Command::new("python3");
        command.args(["-c", code]).env("PORTSERVER_ADDRESS", address);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        spawn(&mut command).and_then(Child::wait_with_output)
    };
    let importable = python("import portpicker", "");
    if !importable.is_ok_and(|output| output.status.success()) {
        return skip(TEST, "Python's portpicker is not installed");
    }
    let place = Place::new();
    let address = path(&place);
    with_server(&place, &address, || {
        let output = python(script, &address).expect("it runs");
        let port = port(&String::from_utf8_lossy(&output.stdout));
        assert!(place.registry.range().contains(port), "{port}");
    });
}
