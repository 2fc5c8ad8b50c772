//! Who serves: alone, in turn, elsewhere, or not at all.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Version};
use socket2::{Domain, Socket, Type};
use wharf_door::{Door, DoorError, Role, WhoHas};

use crate::support::backend::{Backend, hear};
use crate::support::client::{connect, get, send2, try_send};
use crate::support::{PATIENCE, Site, await_that};

struct Nginx;

impl WhoHas for Nginx {
    fn who_has(&self, _address: SocketAddr) -> Option<String> {
        Some("nginx (pid 812)".to_owned())
    }
}

/// Another program of the same user that would share the port.
fn stranger(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("socket");
    socket.set_reuse_address(true).expect("reuse");
    socket.set_reuse_port(true).expect("reuse");
    socket.bind(&address.into()).expect("bind");
    socket.listen(1).expect("listen");
    socket
}

#[test]
fn one_serves_and_others_wait_and_all_say_so() {
    let site = Site::new();
    let first = site.open();
    let second = site.open();
    let serving = Role::Serving {
        addresses: vec![site.v4(), site.v6()],
        lost: vec![],
    };
    assert_eq!(first.role(), serving);
    assert_eq!(second.role(), Role::Waiting);
    let owner = second.owner().expect("a note");
    assert_eq!(owner.pid, std::process::id());
    assert_eq!(owner.addresses, [site.v4(), site.v6()]);
    // Leaving nothing behind but the lock, and nothing of a waiter that was killed.
    std::fs::write(site.path().join("door-2000000000.sock"), "").expect("write");
    assert_eq!(first.exit().passed_to, Some(std::process::id()));
    assert!(second.wait_until(PATIENCE, |role| *role == serving));
    assert_eq!(second.exit().passed_to, None);
    let left: Vec<_> = std::fs::read_dir(site.path())
        .expect("read")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["door.lock"]);
}

#[test]
fn a_family_that_is_lost_is_named_and_the_other_serves() {
    let mut site = Site::new();
    let backend = Backend::says("hello");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _stranger = stranger(site.v6());
    let mut config = site.config();
    config.who_has = Some(Arc::new(Nginx));
    let door = Door::start(config).expect("start the door");
    let waiter = site.open();
    let Role::Serving { addresses, lost } = door.role() else {
        panic!("{:?}", door.role());
    };
    assert_eq!(addresses, [site.v4()]);
    let said = format!("bind {}: address in use by nginx (pid 812)", site.v6());
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].to_string(), said);
    assert_eq!(waiter.owner().expect("a note").lost, [said]);
    assert_eq!(get(site.v4(), "web.shop.localhost", "").body, "hello");
    // The heir is told.
    let role = door.role();
    door.exit();
    assert!(waiter.wait_until(PATIENCE, |heirs| *heirs == role));
}

#[test]
fn a_port_that_is_taken_means_a_lease() {
    let mut site = Site::new();
    let backend = Backend::says("hello");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _strangers = (stranger(site.v4()), stranger(site.v6()));
    let mut config = site.config();
    config.who_has = Some(Arc::new(Nginx));
    config.fallback = Some(Box::new(|| Ok(vec![TcpListener::bind("127.0.0.1:0")?])));
    let door = Door::start(config).expect("start the door");
    let Role::Elsewhere { addresses, lost } = door.role() else {
        panic!("{:?}", door.role());
    };
    assert_eq!(lost.len(), 2);
    assert!(lost.iter().all(|lost| lost.why.contains("nginx (pid 812)")));
    let host = format!("web.shop.localhost:{}", addresses[0].port());
    assert_eq!(get(addresses[0], &host, "").body, "hello");
    let origin = format!("Origin: http://{host}\r\n");
    assert_eq!(get(addresses[0], &host, &origin).status, 200);
    // The port in a name is the one that is served.
    let host = format!("web.shop.localhost:{}", site.port.number);
    assert_eq!(get(addresses[0], &host, "").status, 421);
}

#[test]
fn a_port_that_is_taken_and_no_lease_is_an_error_that_names_the_owner() {
    let site = Site::new();
    let _strangers = (stranger(site.v4()), stranger(site.v6()));
    let mut config = site.config();
    config.who_has = Some(Arc::new(Nginx));
    let error = Door::start(config).expect_err("no address");
    assert!(matches!(error, DoorError::NoAddress { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "serve the door: bind {}: address in use by nginx (pid 812); bind {}: address in use by nginx (pid 812)",
            site.v4(),
            site.v6()
        )
    );
}

#[test]
fn a_run_directory_that_others_can_enter_is_refused() {
    let site = Site::new();
    for mode in [0o701, 0o750, 0o777] {
        std::fs::set_permissions(site.path(), std::fs::Permissions::from_mode(mode)).expect("chmod");
        let error = Door::start(site.config()).expect_err("too open");
        assert!(matches!(error, DoorError::RunDir { .. }), "{mode:o}: {error}");
    }
    let mut config = site.config();
    config.run_dir = site.path().join("none");
    let error = Door::start(config).expect_err("not there");
    assert!(matches!(error, DoorError::File { .. }), "{error}");
}

#[test]
fn sockets_of_waiters_are_the_users_alone() {
    let site = Site::new();
    let _owner = site.open();
    let _waiter = site.open();
    let posts: Vec<_> = std::fs::read_dir(site.path())
        .expect("read")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".sock"))
        .collect();
    assert_eq!(posts.len(), 1);
    let mode = posts[0].metadata().expect("stat").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// An exit without an heir answers what has begun: a request in flight, and a connection that nobody has accepted
/// or that has sent nothing yet.
#[test]
fn an_exit_alone_answers_what_is_in_flight() {
    let mut site = Site::new();
    let (arrived, heard) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let backend = Backend::start(move |stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        arrived.send(()).expect("tell");
        wait.lock().expect("lock").recv_timeout(PATIENCE).expect("go on");
        let _ = reader
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    });
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let mut config = site.config();
    config.limits.drain = PATIENCE;
    config.limits.quiet_grace = Duration::from_secs(2);
    let door = Door::start(config).expect("start the door");
    let address = site.v4();
    let ask = move || {
        try_send(
            address,
            b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n",
            PATIENCE,
        )
    };
    let in_flight = std::thread::spawn(ask);
    heard.recv_timeout(PATIENCE).expect("in flight");
    let mut silent = connect(site.v4());
    let leaving = std::thread::spawn(move || door.exit());
    await_that("the door is shut", || {
        std::net::TcpStream::connect(address).is_err()
    });
    silent
        .write_all(b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n")
        .expect("write");
    heard.recv_timeout(PATIENCE).expect("the second is carried");
    go.send(()).expect("go");
    go.send(()).expect("go");
    let reply = in_flight.join().expect("joined").expect("an answer");
    assert_eq!(reply.body, "done");
    assert_eq!(reply.field("connection"), Some("close"));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut silent, &mut rest).expect("an answer and the end");
    assert!(rest.ends_with("done"), "{rest}");
    let report = leaving.join().expect("joined");
    assert_eq!((report.passed_to, report.cut), (None, 0));
}

/// HTTP/2 is told GOAWAY: what it has begun is answered.
#[test]
fn an_exit_answers_what_http2_has_begun() {
    let mut site = Site::new();
    let (arrived, heard) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let backend = Backend::start(move |stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        arrived.send(()).expect("tell");
        let wait = wait.lock().expect("lock");
        wait.recv_timeout(PATIENCE).expect("go on");
        let _ = reader
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    });
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let mut config = site.config();
    config.limits.drain = PATIENCE;
    let door = Door::start(config).expect("start the door");
    let address = site.v4();
    let asking = std::thread::spawn(move || {
        let request = Request::get("http://web.shop.localhost/")
            .version(Version::HTTP_2)
            .body(Full::new(Bytes::new()));
        send2(address, request.expect("a request"))
    });
    heard.recv_timeout(PATIENCE).expect("in flight");
    let leaving = std::thread::spawn(move || door.exit());
    await_that("the door is shut", || {
        std::net::TcpStream::connect(address).is_err()
    });
    go.send(()).expect("go");
    assert_eq!(asking.join().expect("joined").body, "done");
    assert_eq!(leaving.join().expect("joined").cut, 0);
}

/// A service that inherited the door would keep it, and its lock, after Wharf's death.
#[cfg(target_os = "linux")]
#[test]
fn no_child_inherits_the_door() {
    let site = Site::new();
    let owner = site.open();
    let heir = site.open();
    assert_eq!(owner.exit().passed_to, Some(std::process::id()));
    assert!(heir.wait_until(PATIENCE, Role::serves));
    let _waiter = site.open();
    let seen = std::process::Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output()
        .expect("run ls");
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.contains("/dev/null"), "{seen}");
    assert!(!seen.contains("socket:"), "{seen}");
    assert!(!seen.contains("door.lock"), "{seen}");
}

/// Tunnels and event streams have no end: an exit does not wait for them.
#[test]
fn an_exit_does_not_wait_for_event_streams() {
    let mut site = Site::new();
    let backend = Backend::start(|stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        let _ = reader
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
        let _ = std::io::Read::read(&mut reader, &mut [0]);
    });
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let mut config = site.config();
    config.limits.drain = Duration::from_secs(3600);
    let door = Door::start(config).expect("start the door");
    let mut stream = connect(site.v4());
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n")
        .expect("write");
    let mut byte = [0];
    std::io::Read::read_exact(&mut stream, &mut byte).expect("the stream has begun");
    assert_eq!(door.exit().cut, 1);
}
