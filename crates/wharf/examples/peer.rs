//! A service for the end-to-end tests: it listens as it is told, or as it is told not to.
//!
//! `peer echo`         returns what it is sent
//! `peer udp-echo`     returns the datagrams that it is sent
//! `peer both-echo`    as `echo` and `udp-echo`, on one port
//! `peer udp-silent`   binds no socket until the file `go` appears in its folder, then as `udp-echo`
//! `peer hello`        answers any HTTP request with `hello from SERVICE`, and keeps serving
//! `peer stubborn`     as `hello`, but binds without SO_REUSEADDR, as Python's socketserver does
//! `peer elsewhere`    as `hello`, on the next free port after the one it was told
//! `peer six`          as `hello`, on [::1] only
//! `peer passed`       as `hello`, on the socket handed over by LISTEN_FDS
//! `peer notify`       as `hello`, and says READY=1 after the file `go` appears in its folder
//! `peer late`         as `hello`, but listens only after the file `go` appears in its folder
//! `peer sink`         reads and discards, and closes when the other side has
//! `peer keep`         accepts connections and leaves them alone

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

fn main() -> io::Result<()> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let port: u16 = variable("PORT").parse().unwrap_or(0);
    let ip: IpAddr = variable("HOST").parse().unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let service = variable("WHARF_SERVICE");
    match mode.as_str() {
        "udp-echo" => return echo_datagrams((ip, port).into()),
        "udp-silent" => {
            // A client's socket, at a port that the kernel chose: not what makes it ready.
            let _client = UdpSocket::bind((ip, 0))?;
            writeln!(io::stdout(), "a client's socket is bound")?;
            await_file("go");
            return echo_datagrams((ip, port).into());
        }
        "both-echo" => drop(std::thread::spawn(move || echo_datagrams((ip, port).into()))),
        _ => {}
    }
    let listener = match mode.as_str() {
        "stubborn" => without_reuse((ip, port).into())?,
        "elsewhere" => first_free((ip, port + 1).into())?,
        "six" => TcpListener::bind(("::1", port))?,
        "passed" => passed()?,
        "late" => {
            await_file("go");
            TcpListener::bind((ip, port))?
        }
        _ => TcpListener::bind((ip, port))?,
    };
    if mode == "notify" {
        std::thread::spawn(move || {
            await_file("go");
            let socket = UnixDatagram::unbound()?;
            socket.send_to(b"READY=1", variable("NOTIFY_SOCKET"))
        });
    }
    let mut kept = Vec::new();
    for stream in listener.incoming() {
        let (stream, service) = (stream?, service.clone());
        match mode.as_str() {
            "echo" | "both-echo" => drop(std::thread::spawn(|| echo_back(stream))),
            "sink" => drop(std::thread::spawn(|| io::copy(&mut { stream }, &mut io::sink()))),
            // Without a thread each: there may be thousands.
            "keep" => kept.push(stream),
            _ => drop(std::thread::spawn(move || say_hello(stream, &service))),
        }
    }
    Ok(())
}

fn await_file(name: &str) {
    while !Path::new(name).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// As dev servers do that move on when a port is taken.
fn first_free(from: SocketAddr) -> io::Result<TcpListener> {
    let candidates = (from.port()..from.port() + 50).map(|port| TcpListener::bind((from.ip(), port)));
    candidates
        .flatten()
        .next()
        .ok_or_else(|| io::Error::other("no free port"))
}

fn without_reuse(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&address.into())?;
    socket.listen(64)?;
    Ok(socket.into())
}

/// The first passed socket is descriptor 3 (sd_listen_fds(3)).
fn passed() -> io::Result<TcpListener> {
    assert_eq!(
        std::env::var("LISTEN_PID"),
        Ok(std::process::id().to_string()),
        "LISTEN_PID is this process"
    );
    Ok(wharf_lease::fd::adopt(3).map_err(io::Error::other)?.into())
}

fn echo_datagrams(at: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind(at)?;
    let mut buffer = [0; 64 * 1024];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..length], from)?;
    }
}

fn echo_back(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return stream.shutdown(std::net::Shutdown::Write);
        }
        stream.write_all(&buffer[..count])?;
    }
}

fn say_hello(mut stream: TcpStream, service: &str) -> io::Result<()> {
    let body = format!("hello from {service}");
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&buffer[..count]);
        while let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            seen.drain(..end + 4);
            stream.write_all(reply.as_bytes())?;
        }
    }
}
