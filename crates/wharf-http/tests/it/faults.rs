//! Rules and requests, over both protocols: what the client sees.

use wharf_http::HttpStage;

use crate::support::client::{Client, Protocol, request};
use crate::support::provider::Provider;
use crate::support::{config, parse, runtime};
use std::time::Duration;

/// Runs each request over each protocol on a new connection, and tells what the client saw and whether the provider was asked.
fn check(rules: &str, requests: &[&str]) -> String {
    let runtime = runtime();
    let provider = Provider::start();
    let mut table = String::new();
    for words in requests {
        table.push_str(&format!("{words}\n"));
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let mut config = config(provider.address, rules);
            config.limits.stall = Duration::from_millis(50);
            let stage = HttpStage::start(config).expect("a stage");
            let before = provider.asked();
            let seen = runtime.block_on(async {
                let mut client = Client::connect(stage.address(), protocol).await;
                client.see(request(words, protocol)).await
            });
            let asked = match provider.asked() - before {
                0 => " (not asked)",
                _ => "",
            };
            table.push_str(&format!("  {protocol:?} {seen}{asked}\n"));
        }
    }
    table
}

#[test]
fn without_a_rule_the_stage_is_not_there() {
    let provider = Provider::start();
    let stage = crate::support::stage(provider.address, "path=/other status=500");
    runtime().block_on(async {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            // One connection each, kept alive over all requests.
            let mut direct = Client::connect(provider.address, protocol).await;
            let mut staged = Client::connect(stage.address(), protocol).await;
            for words in [
                "GET /ten",
                "HEAD /ten",
                "GET /stream",
                "GET /trailers te:trailers",
                "GET /large",
                "POST /echo =hello",
                "POST /echo x-sent:1",
                "OPTIONS /nothing",
                "GET /host",
            ] {
                let expected = direct.see(request(words, protocol)).await;
                let seen = staged.see(request(words, protocol)).await;
                assert_eq!(seen, expected, "{protocol:?} {words}");
                assert!(seen.ends_with("whole"), "{protocol:?} {words}: {seen}");
            }
        }
    });
    assert_eq!(stage.stats().total_connections, 2);
    assert_eq!(stage.stats().requests, 18);
}

#[test]
fn a_status_is_answered_without_the_provider() {
    let rules = "path=/ten status=503 'body=try later' response.set.retry-after=7 response.add.x-why=rule
        path=/echo status=204
        path=/stream status=200 body=0123456789 truncate=4B";
    insta::assert_snapshot!(check(
        rules,
        &[
            "GET /ten",
            "HEAD /ten",
            "POST /ten =hello",
            "POST /echo =hello",
            "GET /stream",
            "GET /other",
        ]
    ));
}

#[test]
fn a_body_is_broken_off_after_so_many_bytes() {
    let rules = "header=x-all truncate=10B
        header=x-none truncate=0B
        header=x-large truncate=1MiB
        truncate=7B";
    insta::assert_snapshot!(check(
        rules,
        &[
            "GET /ten",
            "GET /ten x-all:1",
            "GET /ten x-none:1",
            "HEAD /ten",
            "GET /stream",
            "GET /stream x-all:1",
            "GET /trailers te:trailers",
            "GET /large x-large:1",
            "GET /nothing",
        ]
    ));
}

#[test]
fn a_stalled_body_ends_with_its_time() {
    insta::assert_snapshot!(check("stall=3B", &["GET /ten", "GET /stream", "GET /nothing"]));
}

#[test]
fn slow_and_late_bodies_are_whole() {
    let rules = "path=/ten rate=8kbit
        path=/trailers rate=8kbit
        delay=20ms";
    insta::assert_snapshot!(check(
        rules,
        &[
            "GET /ten",
            "GET /trailers te:trailers",
            "GET /stream",
            "POST /echo =hello"
        ]
    ));
}

#[test]
fn headers_are_changed_both_ways() {
    let rules = "path=/echo request.set.x-sent=changed response.remove=x-page response.add.x-more=1
        path=/host request.set.host=other.test";
    insta::assert_snapshot!(check(
        rules,
        &["POST /echo x-sent:1 =hello", "POST /echo =hello", "GET /host"]
    ));
}

#[test]
fn a_dropped_request_has_no_answer() {
    let rules = "path=/ten drop=connection
        path=/stream drop=request
        path=/echo drop=request delay=10ms";
    insta::assert_snapshot!(check(rules, &["GET /ten", "GET /stream", "POST /echo =hello"]));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = "path=/ten
        method=POST method=PUT status=500
        header='x-sent: a*' status=501
        path=/** status=502";
    insta::assert_snapshot!(check(
        rules,
        &[
            "GET /ten",
            "POST /ten",
            "PUT /echo",
            "GET /echo x-sent:abc",
            "GET /echo x-sent:b",
        ]
    ));
}

#[test]
fn a_probability_is_the_same_draw_each_time() {
    let runtime = runtime();
    let provider = Provider::start();
    let mut fates = Vec::new();
    for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Http1] {
        let stage = crate::support::stage(provider.address, "path=/ten status=500 probability=30%");
        let fate: String = runtime.block_on(async {
            let mut client = Client::connect(stage.address(), protocol).await;
            let mut fate = String::new();
            for _ in 0..60 {
                // None of the rule's business, and so without an effect on its draws.
                client.see(request("GET /nothing", protocol)).await;
                let seen = client.see(request("GET /ten", protocol)).await;
                fate.push(if seen.starts_with("500") { 'x' } else { '.' });
            }
            fate
        });
        let hits = fate.bytes().filter(|&byte| byte == b'x').count() as u64;
        assert_eq!(stage.stats().rules, [hits]);
        fates.push(fate);
        // The same rule again begins again.
        stage.set_rules(parse("path=/ten status=500 probability=30%"));
        assert_eq!(stage.stats().rules, [0]);
    }
    assert_eq!(fates[0], fates[1]);
    assert_eq!(fates[0], fates[2]);
    insta::assert_snapshot!(fates[0]);
}
