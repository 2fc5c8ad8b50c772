//! Messages as programs really print them.

use wharf_advice::{Failure, Operation};

use super::{cause, told};

/// Checks what `text` tells: the operation, the failure, and the place (`-` where it tells none).
#[track_caller]
fn check(text: &str, expected: (Operation, Failure), place: &str) {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let found = told(&lines);
    let Some(first) = cause(&found) else {
        panic!("nothing was understood of {text:?}");
    };
    let meaning = (
        first.symptom.operation.expect("an operation"),
        first.symptom.failure.expect("a failure"),
    );
    let at = first.target.as_ref().map_or("-".to_owned(), ToString::to_string);
    assert_eq!((meaning, at.as_str()), (expected, place), "{text}");
}

const IN_USE: (Operation, Failure) = (Operation::Bind, Failure::AddressInUse);
const DENIED: (Operation, Failure) = (Operation::Bind, Failure::AccessDenied);
const NO_ADDRESS: (Operation, Failure) = (Operation::Bind, Failure::AddressNotAvailable);
const REFUSED: (Operation, Failure) = (Operation::Connect, Failure::Refused);
const RESET: (Operation, Failure) = (Operation::Talk, Failure::Reset);
const TLS: (Operation, Failure) = (Operation::Talk, Failure::Tls);
const NO_NAME: (Operation, Failure) = (Operation::Resolve, Failure::NameUnknown);

#[test]
fn a_port_that_is_taken_in_everybodys_words() {
    // Node, and what Vite, Next and webpack-dev-server say.
    check(
        "Error: listen EADDRINUSE: address already in use :::3000\n    at Server.setupListenHandle (node:net:1908:16)",
        IN_USE,
        "[::]:3000",
    );
    check(
        "Error: listen EADDRINUSE: address already in use 127.0.0.1:3000",
        IN_USE,
        "127.0.0.1:3000",
    );
    check("Error: Port 5173 is already in use", IN_USE, "5173");
    check(
        " \u{1b}[33m⚠\u{1b}[39m Port 3000 is in use, trying 3001 instead.",
        IN_USE,
        "3000",
    );
    check(
        "Something is already running on port 3000.\nport 3000 is already in use",
        IN_USE,
        "3000",
    );
    // Python.
    check("OSError: [Errno 98] Address already in use", IN_USE, "-");
    check(
        "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
        IN_USE,
        "127.0.0.1:8000",
    );
    check(
        "Address already in use\nPort 5000 is in use by another program. Either identify and stop that program, or start the server with a different port.",
        IN_USE,
        "5000",
    );
    check("Error: That port is already in use.", IN_USE, "-");
    check(
        "[2026-11-28 01:00:00 +0000] [812] [ERROR] Connection in use: ('127.0.0.1', 8000)",
        IN_USE,
        "127.0.0.1:8000",
    );
    // Go, Rust, Java, Ruby, PHP, .NET, Elixir.
    check(
        "2026/11/28 01:00:00 main.go:42: listen tcp :8080: bind: address already in use",
        IN_USE,
        "8080",
    );
    check(
        "listen tcp 127.0.0.1:8080: bind: address already in use",
        IN_USE,
        "127.0.0.1:8080",
    );
    check(
        "Error: Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }",
        IN_USE,
        "-",
    );
    check(
        "Error: error creating server listener: Address already in use (os error 98)",
        IN_USE,
        "-",
    );
    check("java.net.BindException: Address already in use", IN_USE, "-");
    check(
        "Web server failed to start. Port 8080 was already in use.",
        IN_USE,
        "8080",
    );
    check(
        "ERROR: transport error 202: bind failed: Address already in use",
        IN_USE,
        "-",
    );
    check(
        "Address already in use - bind(2) for \"127.0.0.1\" port 3000 (Errno::EADDRINUSE)",
        IN_USE,
        "127.0.0.1:3000",
    );
    check(
        "[Sat Nov 28 01:00:00 2026] Failed to listen on localhost:8000 (reason: Address already in use)",
        IN_USE,
        "localhost:8000",
    );
    check(
        "System.IO.IOException: Failed to bind to address http://127.0.0.1:5000: address already in use.",
        IN_USE,
        "127.0.0.1:5000",
    );
    check(
        "[error] Failed to start Ranch listener Demo.Endpoint.HTTP in :ranch_tcp:listen([port: 4000]) for reason :eaddrinuse (address already in use)",
        IN_USE,
        "4000",
    );
    // Servers.
    check(
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
        IN_USE,
        "0.0.0.0:80",
    );
    check(
        "(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80",
        IN_USE,
        "[::]:80",
    );
    check(
        "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\nHINT:  Is another postmaster already running on port 5432? If not, wait a few seconds and retry.",
        IN_USE,
        "5432",
    );
    check(
        "812:M 28 Nov 2026 01:00:00.000 # Warning: Could not create server TCP listening socket 127.0.0.1:6379: bind: Address already in use",
        IN_USE,
        "127.0.0.1:6379",
    );
    check(
        "docker: Error response from daemon: driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:8080 failed: port is already allocated.",
        IN_USE,
        "0.0.0.0:8080",
    );
    check(
        "Error starting userland proxy: listen tcp4 0.0.0.0:5432: bind: address already in use",
        IN_USE,
        "0.0.0.0:5432",
    );
    check(
        "bind [127.0.0.1]:8080: Address already in use\nchannel_setup_fwd_listener_tcpip: cannot listen to port: 8080",
        IN_USE,
        "127.0.0.1:8080",
    );
    check(
        "Error: listen tcp 127.0.0.1:2019: bind: Only one usage of each socket address (protocol/network address/port) is normally permitted.",
        IN_USE,
        "127.0.0.1:2019",
    );
}

#[test]
fn a_port_that_may_not_be_taken() {
    check(
        "Error: listen EACCES: permission denied 0.0.0.0:80",
        DENIED,
        "0.0.0.0:80",
    );
    check(
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
        DENIED,
        "0.0.0.0:80",
    );
    check("listen tcp :443: bind: permission denied", DENIED, "443");
    check(
        "PermissionError: [Errno 13] error while attempting to bind on address ('0.0.0.0', 80): permission denied",
        DENIED,
        "0.0.0.0:80",
    );
    check(
        "listen tcp 0.0.0.0:50080: bind: An attempt was made to access a socket in a way forbidden by its access permissions.",
        DENIED,
        "0.0.0.0:50080",
    );
    check(
        "Error: listen EADDRNOTAVAIL: address not available 10.9.8.7:3000",
        NO_ADDRESS,
        "10.9.8.7:3000",
    );
    check(
        "nginx: [emerg] bind() to [::1]:8080 failed (99: Cannot assign requested address)",
        NO_ADDRESS,
        "[::1]:8080",
    );
    check(
        "OSError: [Errno 99] Cannot assign requested address",
        NO_ADDRESS,
        "-",
    );
    check(
        "listen tcp 192.168.9.9:80: bind: cannot assign requested address",
        NO_ADDRESS,
        "192.168.9.9:80",
    );
}

#[test]
fn nobody_there_in_everybodys_words() {
    check(
        "Error: connect ECONNREFUSED 127.0.0.1:3000",
        REFUSED,
        "127.0.0.1:3000",
    );
    check("Error: connect ECONNREFUSED ::1:3000", REFUSED, "[::1]:3000");
    check(
        "curl: (7) Failed to connect to localhost port 3000 after 0 ms: Couldn't connect to server",
        REFUSED,
        "localhost:3000",
    );
    check(
        "curl: (7) Failed to connect to 127.0.0.1 port 3000 after 0 ms: Could not connect to server",
        REFUSED,
        "127.0.0.1:3000",
    );
    check(
        "psql: error: connection to server at \"localhost\" (::1), port 5432 failed: Connection refused",
        REFUSED,
        "[::1]:5432",
    );
    check(
        "dial tcp 127.0.0.1:5432: connect: connection refused",
        REFUSED,
        "127.0.0.1:5432",
    );
    check(
        "Could not connect to Redis at 127.0.0.1:6379: Connection refused",
        REFUSED,
        "127.0.0.1:6379",
    );
    check(
        "ERROR 2003 (HY000): Can't connect to MySQL server on '127.0.0.1:3306' (111)",
        REFUSED,
        "127.0.0.1:3306",
    );
    check(
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='localhost', port=8000): Max retries exceeded with url: / (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))",
        REFUSED,
        "localhost:8000",
    );
    check(
        "Error: error sending request for url (http://localhost:3000/): error trying to connect: tcp connect error: Connection refused (os error 111)",
        REFUSED,
        "http://localhost:3000/",
    );
    check(
        "Failed to open TCP connection to localhost:3000 (Connection refused - connect(2) for \"localhost\" port 3000) (Errno::ECONNREFUSED)",
        REFUSED,
        "localhost:3000",
    );
    check(
        "Connecting to localhost (localhost)|127.0.0.1|:3000... failed: Connection refused.",
        REFUSED,
        "127.0.0.1:3000",
    );
    check(
        "channel 2: open failed: connect failed: Connection refused",
        REFUSED,
        "-",
    );
    check(
        "java.net.ConnectException: Connection refused (Connection refused)",
        REFUSED,
        "-",
    );
}

#[test]
fn what_else_goes_wrong_on_the_way() {
    check("curl: (52) Empty reply from server", RESET, "-");
    check("Error: socket hang up", RESET, "-");
    check("curl: (56) Recv failure: Connection reset by peer", RESET, "-");
    check(
        "curl: (35) error:0A00010B:SSL routines::wrong version number",
        TLS,
        "-",
    );
    check(
        "Get \"https://localhost:8443/\": http: server gave HTTP response to HTTPS client",
        TLS,
        "https://localhost:8443/",
    );
    check(
        "Error: self-signed certificate\n    at TLSSocket.onConnectSecure",
        TLS,
        "-",
    );
    check(
        "curl: (6) Could not resolve host: web.shop.localhost",
        NO_NAME,
        "-",
    );
    check("Error: getaddrinfo ENOTFOUND web.localhost", NO_NAME, "-");
    check(
        "curl: (22) The requested URL returned error: 403",
        (Operation::Talk, Failure::Http(403)),
        "-",
    );
    check(
        "AxiosError: Request failed with status code 502",
        (Operation::Talk, Failure::Http(502)),
        "-",
    );
    check(
        "Error: ENOSPC: System limit for number of file watchers reached, watch '/src'",
        (Operation::Watch, Failure::NoSpace),
        "-",
    );
    check(
        "accept4: too many open files",
        (Operation::Accept, Failure::TooManyFiles),
        "-",
    );
    check(
        "connect ETIMEDOUT 10.0.0.1:80",
        (Operation::Connect, Failure::TimedOut),
        "10.0.0.1:80",
    );
    check(
        "curl: (7) Failed to connect to 10.9.9.9 port 80: Network is unreachable",
        (Operation::Connect, Failure::Unreachable),
        "10.9.9.9:80",
    );
}

#[test]
fn what_only_its_words_tell_is_left_to_the_rules() {
    for line in [
        "Access to fetch at 'http://127.0.0.1:3000/' from origin 'http://localhost:5173' has been blocked by CORS policy",
        "Blocked request. This host (\"shop.test\") is not allowed.",
        "page.goto: net::ERR_UNSAFE_PORT at http://localhost:6666/",
        "WebSocket connection to 'wss://localhost:5173/hmr' failed",
        "[vite] failed to connect to websocket",
    ] {
        let found = told(&[line.to_owned()]);
        let first = cause(&found).expect("it is understood");
        assert_eq!((first.symptom.failure, first.symptom.text.as_str()), (None, line));
    }
}

#[test]
fn what_has_to_do_with_no_port_is_passed_over() {
    for line in [
        "cp: cannot create regular file '/etc/x': Permission denied",
        "listening on http://127.0.0.1:3000",
        "Local:   http://localhost:5173/",
        "error: test failed, to rerun pass `--lib`",
        "GET / 200 12ms",
        "thread 'main' panicked at src/main.rs:4:10:",
        "",
    ] {
        assert_eq!(told(&[line.to_owned()]), [], "{line}");
    }
}

#[test]
fn the_failure_to_bind_explains_what_follows() {
    let lines = [
        "connect ECONNREFUSED 127.0.0.1:5432",
        "listen EADDRINUSE: address already in use :::3000",
    ];
    let found = told(&lines.map(str::to_owned));
    assert_eq!(found.len(), 2);
    let first = cause(&found).expect("one");
    assert_eq!(first.symptom.failure, Some(Failure::AddressInUse));
}
