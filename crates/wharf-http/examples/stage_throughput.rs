//! What a stage costs: requests a second and bytes a second, directly and through a stage, as ratios.
//!
//! `cargo run --release -p wharf-http --example stage_throughput`

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use wharf_http::{HttpStage, StageConfig, Upstream};

const TIME: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Http1,
    Http2,
}

#[expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
fn main() {
    let provider = provider();
    let open = HttpStage::start(StageConfig::new("open", Upstream::clear([provider]))).expect("a stage");
    let rules = [
        "path=/other status=500",
        "method=PUT header='x-a: b*' delay=1s",
        "path=/** probability=0% status=500",
    ];
    let ruled = StageConfig {
        rules: rules.iter().map(|words| words.parse().expect(words)).collect(),
        ..StageConfig::new("ruled", Upstream::clear([provider]))
    };
    let ruled = HttpStage::start(ruled).expect("a stage");
    for (name, path, connections) in [
        ("100 B, 1 client", "/100", 1),
        ("100 B, 16 clients", "/100", 16),
        ("1 MiB, 2 clients", "/1048576", 2),
    ] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let ways = [provider, open.address(), ruled.address()];
            let mut best = [0.0_f64; 3];
            // In turns, so that what else the machine does meets all alike.
            for _ in 0..ROUNDS {
                for (way, best) in ways.iter().zip(&mut best) {
                    *best = best.max(load(*way, protocol, path, connections));
                }
            }
            let [direct, open, ruled] = best;
            println!(
                "{name:18} {protocol:?}: direct {direct:8.0}/s, stage {open:8.0}/s ({:.2}), three rules {ruled:8.0}/s ({:.2})",
                open / direct,
                ruled / direct,
            );
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Answers `/N` with N bytes, until the program ends.
fn provider() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.set_nonblocking(true).expect("a listener");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("nodelay");
                tokio::spawn(async move {
                    let service = service_fn(|request: Request<hyper::body::Incoming>| async move {
                        let length = request.uri().path().trim_start_matches('/').parse().unwrap_or(0);
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![0; length]))))
                    });
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    });
    address
}

/// Requests a second.
fn load(address: SocketAddr, protocol: Protocol, path: &'static str, connections: usize) -> f64 {
    runtime().block_on(async {
        let mut clients = JoinSet::new();
        let began = Instant::now();
        for _ in 0..connections {
            clients.spawn(client(address, protocol, path, began + TIME));
        }
        let mut total = 0;
        while let Some(count) = clients.join_next().await {
            total += count.expect("a client");
        }
        total as f64 / began.elapsed().as_secs_f64()
    })
}

async fn client(address: SocketAddr, protocol: Protocol, path: &str, end: Instant) -> u64 {
    let stream = TcpStream::connect(address).await.expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let io = TokioIo::new(stream);
    let mut count = 0;
    match protocol {
        Protocol::Http1 => {
            let (mut client, connection) = http1::handshake(io).await.expect("HTTP/1");
            tokio::spawn(connection);
            while Instant::now() < end {
                let request = Request::get(path).header("host", "x").body(Empty::<Bytes>::new());
                let response = client
                    .send_request(request.expect("a request"))
                    .await
                    .expect("an answer");
                response.into_body().collect().await.expect("a body");
                count += 1;
            }
        }
        Protocol::Http2 => {
            let (mut client, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
            tokio::spawn(connection);
            while Instant::now() < end {
                let request = Request::get(format!("http://x{path}")).body(Empty::<Bytes>::new());
                let response = client
                    .send_request(request.expect("a request"))
                    .await
                    .expect("an answer");
                response.into_body().collect().await.expect("a body");
                count += 1;
            }
        }
    }
    count
}
