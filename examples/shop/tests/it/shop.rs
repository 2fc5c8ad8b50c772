//! Orders on their way, and the hops as they are measured.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::running::{Folder, Running};

#[test]
fn an_order_goes_all_the_way_and_stays() {
    let folder = Folder::new("order");
    let store = Running::store(folder.path());
    let api = Running::api(store.address);
    let web = Running::web(api.address);
    assert_eq!(web.get("/orders"), (200, json!([])));
    let order = r#"{"item":" Grüner Anker ","quantity":3}"#;
    let (status, placed) = web.post("/orders", "application/json", order);
    assert_eq!(
        (status, &placed["id"], &placed["item"]),
        (201, &json!(1), &json!("Grüner Anker"))
    );
    for number in 2..=12 {
        let (_, placed) = web.post("/orders", "application/json", r#"{"item":"Rope","quantity":1}"#);
        assert_eq!(placed["id"], number);
    }
    let (_, orders) = web.get("/orders");
    let ids: Vec<u64> = orders
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|order| order["id"].as_u64())
        .collect();
    assert_eq!(ids, (1..=12).rev().collect::<Vec<u64>>(), "the newest first");

    drop(store);
    assert_eq!(api.get("/orders").0, 502, "without a store there are no orders");
    assert_eq!(api.get("/health").0, 200, "but the API is there");
    let store = Running::store(folder.path());
    let api = Running::api(store.address);
    assert_eq!(api.get("/orders"), (200, orders), "and the store still has them");
}

#[test]
fn orders_that_are_none_are_refused() {
    let folder = Folder::new("refused");
    let store = Running::store(folder.path());
    let api = Running::api(store.address);
    let web = Running::web(api.address);
    for (content_type, body, status) in [
        ("application/json", r#"{"item":"","quantity":1}"#, 422),
        ("application/json", r#"{"item":"Rope","quantity":0}"#, 422),
        ("application/json", r#"{"item":"Rope","quantity":1000}"#, 422),
        ("application/json", r#"{"item":"Ro\npe","quantity":1}"#, 422),
        ("application/json", r#"{"item":"Rope","quantity":1,"id":7}"#, 422),
        ("application/json", "Rope", 422),
        ("text/plain", r#"{"item":"Rope","quantity":1}"#, 415),
    ] {
        for server in [&web, &api] {
            let (found, answer) = server.post("/orders", content_type, body);
            assert_eq!(found, status, "{body}: {answer}");
            assert!(answer["error"].is_string(), "{answer}");
        }
    }
    assert_eq!(web.get("/orders"), (200, json!([])));
}

#[test]
fn each_hop_is_measured() {
    let folder = Folder::new("hops");
    let store = Running::store(folder.path());
    let api = Running::api(store.address);
    let web = Running::web(api.address);
    let hops = hops(&web);
    assert_eq!(ends(&hops), ["web api", "api store"]);
    for hop in &hops {
        let ms = hop["ms"].as_f64().expect("it answered");
        assert!(ms > 0.0 && hop["problem"].is_null(), "{hop}");
    }
}

#[test]
fn a_hop_that_fails_says_how() {
    let folder = Folder::new("broken");
    let store = Running::store(folder.path());
    let api = Running::api(store.address);
    let web = Running::web(api.address);
    assert!(hops(&web)[1]["ms"].is_f64());
    drop(store);
    let broken = hops(&web);
    assert!(broken[0]["ms"].is_f64(), "{broken:?}");
    assert_eq!(broken[1]["problem"], "refused");
    drop(api);
    let broken = hops(&web);
    assert_eq!(
        (&broken[0]["problem"], &broken[1]["problem"]),
        (&json!("refused"), &json!("not known"))
    );
}

#[test]
fn a_hop_that_does_not_answer_says_so() {
    // It listens, and its queue takes the connection, but nobody ever answers: a cut link.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let api = Running::api(silent.local_addr().expect("it is bound"));
    let web = Running::web(api.address);
    let cut = hops(&web);
    assert!(
        cut[0]["ms"].is_f64(),
        "the hop before it is not delayed by it: {cut:?}"
    );
    assert_eq!(cut[1]["problem"], "no answer");
    let web = Running::web(silent.local_addr().expect("it is bound"));
    assert_eq!(hops(&web)[0]["problem"], "no answer");
    assert_eq!(web.get("/orders").0, 504);
}

fn hops(web: &Running) -> Vec<Value> {
    let (status, hops) = web.get("/hops");
    assert_eq!(status, 200, "{hops}");
    hops.as_array().expect("a list").clone()
}

fn ends(hops: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().expect("a name").to_owned();
    hops.iter()
        .map(|hop| format!("{} {}", word(&hop["from"]), word(&hop["to"])))
        .collect()
}
