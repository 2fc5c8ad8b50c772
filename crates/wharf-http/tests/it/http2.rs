//! HTTP/2: streams end as they ended, and the connection with its other half.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::client::{Client, Protocol, request};
use crate::support::provider::Provider;
use crate::support::{PATIENCE, runtime, stage, until};

#[test]
fn many_streams_share_one_connection_of_each_side() {
    let provider = Provider::start();
    let stage = stage(provider.address, "header=x-fail status=500");
    runtime().block_on(async {
        let client = Client::connect(stage.address(), Protocol::Http2).await;
        let Client::Http2(client) = client else {
            unreachable!()
        };
        let mut all = JoinSet::new();
        for index in 0..200 {
            let mut client = Client::Http2(client.clone());
            all.spawn(async move {
                let words = match index % 4 {
                    0 => "GET /large",
                    1 => "GET /ten x-fail:1",
                    2 => "POST /echo =hello",
                    _ => "GET /trailers te:trailers",
                };
                (index, client.see(request(words, Protocol::Http2)).await)
            });
        }
        while let Some(seen) = all.join_next().await {
            let (index, seen) = seen.expect("a task");
            let expected = match index % 4 {
                0 => "4194304 bytes whole",
                1 => "500 content-length=0 \"\" whole",
                2 => "\"hello\" whole",
                _ => "grpc-status=0 \"0123456789\" whole",
            };
            assert!(seen.ends_with(expected), "{index}: {seen}");
        }
    });
    assert_eq!(stage.stats().total_connections, 1);
    assert_eq!(stage.stats().requests, 200);
    assert_eq!(provider.asked(), 150);
}

#[test]
fn dropping_a_stream_spares_the_others_and_dropping_the_connection_does_not() {
    let provider = Provider::start();
    let stage = stage(
        provider.address,
        "path=/stream drop=request\npath=/ten drop=connection",
    );
    runtime().block_on(async {
        let mut client = Client::connect(stage.address(), Protocol::Http2).await;
        let dropped = client.see(request("GET /stream", Protocol::Http2)).await;
        assert!(dropped.starts_with("no answer"), "{dropped}");
        let other = client.see(request("POST /echo =hello", Protocol::Http2)).await;
        assert!(other.ends_with("\"hello\" whole"), "{other}");
        let dropped = client.see(request("GET /ten", Protocol::Http2)).await;
        assert!(dropped.ends_with("ConnectionReset"), "{dropped}");
        let other = client.see(request("POST /echo =hello", Protocol::Http2)).await;
        assert!(other.starts_with("no answer"), "{other}");
    });
    assert_eq!(stage.stats().dropped, 2);
}

#[test]
fn a_refusal_resets_the_connection() {
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let stage = stage(nobody.expect("an address"), "path=/own status=200 body=own");
    runtime().block_on(async {
        let mut client = Client::connect(stage.address(), Protocol::Http2).await;
        let seen = client.see(request("GET /own", Protocol::Http2)).await;
        assert!(seen.ends_with("\"own\" whole"), "{seen}");
        let seen = client.see(request("GET /ten", Protocol::Http2)).await;
        assert_eq!(seen, "no answer: ConnectionReset");
    });
    assert_eq!(stage.stats().refused, 1);
}

#[test]
fn a_provider_that_dies_takes_its_clients_along() {
    let provider = Provider::start();
    let stage = stage(provider.address, "");
    runtime().block_on(async {
        let mut client = Client::connect(stage.address(), Protocol::Http2).await;
        let seen = client.see(request("GET /ten", Protocol::Http2)).await;
        assert!(seen.ends_with("whole"), "{seen}");
        drop(provider);
        let seen = client.see(request("GET /ten", Protocol::Http2)).await;
        assert!(seen.starts_with("no answer"), "{seen}");
    });
    until(0, || stage.stats().connections);
}

#[test]
fn a_cancelled_request_is_cancelled_at_the_provider() {
    // It is seen by what it holds: a provider of one stream at a time.
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a listener");
    let stage = stage(address, "");
    let cancelled = Arc::new(tokio::sync::Notify::new());
    let seen = Arc::clone(&cancelled);
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let serving = async {
            let (stream, _) = listener.accept().await.expect("a connection");
            let service = hyper::service::service_fn(move |_request| {
                let told = OnDrop(Arc::clone(&seen));
                async move {
                    let _told = told;
                    std::future::pending::<Result<hyper::Response<Full<Bytes>>, hyper::Error>>().await
                }
            });
            // Ends with the client.
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        };
        let asking = async {
            let mut client = Client::connect(stage.address(), Protocol::Http2).await;
            let asked = client.send(request("GET /", Protocol::Http2));
            assert!(
                timeout(Duration::from_millis(300), asked).await.is_err(),
                "no answer comes"
            );
            timeout(PATIENCE, cancelled.notified())
                .await
                .expect("it is cancelled");
        };
        tokio::select! {
            () = serving => panic!("the client's connection lives"),
            () = asking => {}
        }
    });
}

struct OnDrop(Arc<tokio::sync::Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[test]
fn a_stalled_stream_stalls_alone() {
    let provider = Provider::start();
    let stage = stage(provider.address, "header=x-stall stall=4B");
    runtime().block_on(async {
        let mut client = Client::connect(stage.address(), Protocol::Http2).await;
        let response = client
            .send(request("GET /ten x-stall:1", Protocol::Http2))
            .await
            .expect("an answer");
        let mut body = response.into_body();
        let mut data = Vec::new();
        while data.len() < 4 {
            let frame = timeout(PATIENCE, body.frame())
                .await
                .expect("in time")
                .expect("a frame");
            data.extend_from_slice(&frame.expect("no error").into_data().expect("data"));
        }
        assert_eq!(data, b"0123");
        let more = timeout(Duration::from_millis(300), body.frame()).await;
        assert!(more.is_err(), "nothing more comes");
        let other = client.see(request("GET /ten", Protocol::Http2)).await;
        assert!(other.ends_with("\"0123456789\" whole"), "{other}");
    });
}

#[test]
fn a_client_that_does_not_read_stops_only_its_own_stream() {
    let provider = Provider::start();
    let stage = stage(provider.address, "path=/other status=500");
    runtime().block_on(async {
        let stream = TcpStream::connect(stage.address()).await.expect("connect");
        // Room for one body of 4 MiB not at all, for another one yes.
        let (client, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .handshake(TokioIo::new(stream))
            .await
            .expect("HTTP/2");
        tokio::spawn(connection);
        let mut client = Client::Http2(client);
        let held = client
            .send(request("GET /large", Protocol::Http2))
            .await
            .expect("an answer");
        for _ in 0..3 {
            let seen = client.see(request("GET /large", Protocol::Http2)).await;
            assert!(seen.ends_with("4194304 bytes whole"), "{seen}");
        }
        let all = timeout(PATIENCE, held.into_body().collect())
            .await
            .expect("in time");
        assert_eq!(all.expect("a body").to_bytes().len(), 4 << 20);
    });
}
