//! Bodies and tunnels: nothing is collected, nothing is held back.

use std::convert::Infallible;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::Site;
use crate::support::backend::{Backend, hear};
use crate::support::client::{connect, send2};

const MEBIBYTE: usize = 1024 * 1024;

/// Reads until `end` has come, and returns what came.
fn read_to(stream: &mut TcpStream, end: &str) -> String {
    let mut got = Vec::new();
    let mut byte = [0];
    while !got.ends_with(end.as_bytes()) {
        match stream.read(&mut byte) {
            Ok(1..) => got.push(byte[0]),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&got)),
        }
        assert!(got.len() < MEBIBYTE, "no {end:?} in a mebibyte");
    }
    String::from_utf8_lossy(&got).into_owned()
}

#[test]
fn a_websocket_carries_bytes_both_ways_until_both_ends() {
    let mut site = Site::new();
    let backend = Backend::start(|stream| {
        let mut reader = BufReader::new(stream);
        let heard = hear(&mut reader).expect("a request");
        assert_eq!(heard.field("upgrade").as_deref(), Some("websocket"));
        assert_eq!(heard.field("connection").as_deref(), Some("upgrade"));
        assert!(heard.field("sec-websocket-key").is_some());
        // Head and first frame in one piece: the frame must not be lost in a buffer.
        let greeting = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello";
        reader.get_mut().write_all(greeting).expect("write");
        let mut frame = [0; 9];
        reader.read_exact(&mut frame).expect("a frame");
        reader.get_mut().write_all(&frame).expect("write");
        // The client closes its half; ours still works.
        assert_eq!(reader.read(&mut [0]).expect("the end"), 0);
        reader.get_mut().write_all(b"\x88\x00").expect("write");
    });
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let mut stream = connect(site.v4());
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: web.shop.localhost:{port}\r\nOrigin: http://web.shop.localhost:{port}\r\n\
         Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        port = site.port.number
    );
    stream.write_all(request.as_bytes()).expect("write");
    let head = read_to(&mut stream, "\r\n\r\n").to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("\r\nupgrade: websocket\r\n"), "{head}");
    assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    let mut greeting = [0; 7];
    stream.read_exact(&mut greeting).expect("the greeting");
    assert_eq!(&greeting, b"\x81\x05hello");
    let frame = b"\x81\x83\x01\x02\x03\x04abc";
    stream.write_all(frame).expect("write");
    let mut echo = [0; 9];
    stream.read_exact(&mut echo).expect("the echo");
    assert_eq!(&echo, frame);
    stream.shutdown(Shutdown::Write).expect("half-close");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the rest");
    assert_eq!(rest, b"\x88\x00");
}

#[test]
fn a_refused_upgrade_is_an_answer_like_any_other() {
    let mut site = Site::new();
    let backend = Backend::says("no");
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let mut stream = connect(site.v4());
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: Upgrade\r\nUpgrade: chat/1\r\n\r\n",
        )
        .expect("write");
    let answer = read_to(&mut stream, "\r\n\r\nno");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn events_arrive_one_by_one() {
    let mut site = Site::new();
    // The second event is sent only when the client has the first.
    let (seen, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let backend = Backend::start(move |stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        let stream = reader.get_mut();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            .expect("write");
        let wait = wait.lock().expect("lock");
        for event in 2..=5 {
            wait.recv_timeout(Duration::from_secs(20))
                .expect("the client saw it");
            let event = format!("data: {event}\n\n");
            stream.write_all(event.as_bytes()).expect("write");
        }
    });
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let mut stream = connect(site.v6());
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n\r\n")
        .expect("write");
    for event in 1..=5 {
        read_to(&mut stream, &format!("data: {event}\n\n"));
        let _ = seen.send(());
    }
}

#[test]
fn large_bodies_pass_both_ways() {
    const SIZE: usize = 48 * MEBIBYTE;
    let byte_at = |at: usize| u8::try_from(at % 251).expect("small");
    let mut site = Site::new();
    // Echoes while it reads: neither side may wait for the whole.
    let backend = Backend::start(|stream| {
        let mut reader = BufReader::new(stream);
        let heard = hear(&mut reader).expect("a request");
        let length = heard.field("content-length").expect("a length");
        let mut stream = reader.get_ref().try_clone().expect("clone");
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").expect("write");
        let mut body = reader.take(length.parse().expect("a number"));
        std::io::copy(&mut body, &mut stream).expect("echo");
    });
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let mut stream = connect(site.v4());
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: web.shop.localhost\r\nContent-Length: {SIZE}\r\nConnection: close\r\n\r\n"
    )
    .expect("write");
    let mut writer = stream.try_clone().expect("clone");
    let sender = std::thread::spawn(move || {
        let body: Vec<u8> = (0..SIZE).map(byte_at).collect();
        writer.write_all(&body).expect("send the body");
    });
    read_to(&mut stream, "\r\n\r\n");
    let mut body = Vec::new();
    stream.read_to_end(&mut body).expect("the whole body");
    sender.join().expect("sent");
    assert_eq!(body.len(), SIZE);
    assert!(body.iter().enumerate().all(|(at, byte)| *byte == byte_at(at)));
}

#[test]
fn a_client_that_does_not_read_stops_the_service() {
    let mut site = Site::new();
    let (said, written) = mpsc::channel();
    let backend = Backend::start(move |stream| {
        let mut reader = BufReader::new(stream);
        hear(&mut reader);
        let stream = reader.get_mut();
        stream
            .set_write_timeout(Some(Duration::from_millis(500)))
            .expect("timeout");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("write");
        let piece = vec![0; 64 * 1024];
        let mut total = 0;
        while total < 256 * MEBIBYTE {
            match stream.write(&piece) {
                Ok(some) => total += some,
                Err(_) => break,
            }
        }
        let _ = said.send(total);
    });
    site.register("shop", &[("web.shop.localhost", backend.address)]);
    let _door = site.open();
    let mut stream = connect(site.v4());
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\n\r\n")
        .expect("write");
    let total = written
        .recv_timeout(Duration::from_secs(30))
        .expect("the service stopped");
    // The kernel's buffers on two connections (at most 6 + 4 MiB each), and little of ours.
    assert!(total < 32 * MEBIBYTE, "{total} bytes were taken");
}

/// A message, and then trailers.
struct Message {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.take().map(Frame::data);
        let next = data.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(next.map(Ok))
    }
}

async fn greet(request: Request<hyper::body::Incoming>) -> Result<Response<Message>, Infallible> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().expect("a value"));
    let te = request.headers().get("te").map(|te| te.as_bytes().to_vec());
    let told = format!(
        "{:?} {} {:?} te={:?}",
        request.version(),
        request.uri(),
        request.headers().get("host"),
        te.map(String::from_utf8),
    );
    let response = Response::builder()
        .header("content-type", "application/grpc")
        .body(Message {
            data: Some(told.into()),
            trailers: Some(trailers),
        });
    Ok(response.expect("a response"))
}

#[test]
fn grpc_keeps_http2_and_its_trailers() {
    let (tell, address) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let service = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bind");
            tell.send(listener.local_addr().expect("address")).expect("tell");
            let serve = async {
                let (stream, _) = listener.accept().await.expect("accept");
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = builder
                    .serve_connection(TokioIo::new(stream), service_fn(greet))
                    .await;
            };
            tokio::select! {
                () = serve => {}
                _ = stopped => {}
            }
        });
    });
    let address = address.recv().expect("address");
    let mut site = Site::new();
    site.register("shop", &[("api.shop.localhost", address)]);
    let door = site.open();
    let uri = format!("http://api.shop.localhost:{}/greeter/Hello", site.port.number);
    let request = Request::post(&uri)
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .body(Full::new(Bytes::from_static(b"\0\0\0\0\0")))
        .expect("a request");
    let reply = send2(site.v4(), request);
    assert_eq!(reply.status, 200, "{reply:?}");
    let told = format!("HTTP/2.0 {uri} None te=Some(Ok(\"trailers\"))");
    assert_eq!(reply.body, told);
    assert_eq!(reply.trailers.get("grpc-status").expect("a status"), "0");
    assert_eq!(
        reply.head.get("content-type").expect("a type"),
        "application/grpc"
    );
    drop(door);
    let _ = stop.send(());
    service.join().expect("the service ended");
}
