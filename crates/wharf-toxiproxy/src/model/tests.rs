//! What requests do to the collection, and what is asked of the carrier, without any.

use super::{Carrier, Collection, Proxy};

/// Writes down what it is asked. Addresses with `bad` in them cannot be had; a port of 0 becomes 1000, 1001, …
#[derive(Default)]
struct Fake {
    asked: Vec<String>,
    ports: u16,
}

impl Carrier for Fake {
    fn resolve(&mut self, listen: &str) -> Result<String, String> {
        Ok(listen.replace("localhost", "127.0.0.1"))
    }

    fn start(&mut self, proxy: &Proxy) -> Result<String, String> {
        let toxics = proxy.toxics.listed().len();
        self.asked
            .push(format!("start {} {} {toxics}", proxy.name, proxy.listen));
        if proxy.listen.contains("bad") {
            return Err(format!("listen tcp {}: bind: no", proxy.listen));
        }
        let listen = proxy.listen.replace("localhost", "127.0.0.1");
        Ok(match listen.strip_suffix(":0") {
            None => listen,
            Some(host) => {
                self.ports += 1;
                format!("{host}:{}", 999 + self.ports)
            }
        })
    }

    fn stop(&mut self, name: &str) {
        self.asked.push(format!("stop {name}"));
    }

    fn remove(&mut self, name: &str) {
        self.asked.push(format!("remove {name}"));
    }

    fn set_toxics(&mut self, proxy: &Proxy) {
        let names: Vec<&str> = proxy
            .toxics
            .listed()
            .iter()
            .map(|toxic| toxic.name.as_str())
            .collect();
        self.asked
            .push(format!("toxics {} {}", proxy.name, names.join(",")));
    }
}

/// One request: `create`, `update p`, `delete p`, `populate`, `reset`, `toxic p`, `untoxic p t`, and its body.
type Request<'a> = (&'a str, &'a str);

/// Makes the requests, and compares what the last one asked of the carrier, its error, and what is there then.
#[track_caller]
fn check(requests: &[Request<'_>], asked: &[&str], error: Option<&str>, there: &[&str]) {
    let (mut collection, mut carrier) = (Collection::default(), Fake::default());
    let mut last = None;
    for (request, body) in requests {
        carrier.asked.clear();
        let words: Vec<&str> = request.split(' ').collect();
        let result = match words.as_slice() {
            ["create"] => collection.create(body, &mut carrier).map(|_| ()),
            ["update", name] => collection.update(name, body, &mut carrier).map(|_| ()),
            ["delete", name] => collection.delete(name, &mut carrier),
            ["populate"] => collection
                .populate(body, &mut carrier)
                .failure
                .map_or(Ok(()), Err),
            ["reset"] => collection.reset(&mut carrier),
            ["toxic", name] => collection.add_toxic(name, body, &mut carrier).map(|_| ()),
            ["untoxic", name, toxic] => collection.remove_toxic(name, toxic, &mut carrier),
            other => panic!("{other:?}"),
        };
        last = result.err().map(|failure| failure.error);
    }
    assert_eq!(carrier.asked, asked);
    assert_eq!(last.as_deref(), error);
    let state = collection.all().values().map(|proxy| {
        let enabled = if proxy.enabled { "on" } else { "off" };
        let toxics = proxy.toxics.listed().len();
        format!(
            "{} {} {} {enabled} {toxics}",
            proxy.name, proxy.listen, proxy.upstream
        )
    });
    assert_eq!(state.collect::<Vec<_>>(), there);
}

const P: Request<'static> = (
    "create",
    r#"{"name":"p","listen":"localhost:0","upstream":"a:1"}"#,
);
const OFF: Request<'static> = ("update p", r#"{"enabled":false}"#);
const TOXIC: Request<'static> = ("toxic p", r#"{"type":"latency"}"#);

#[test]
fn a_proxy_that_cannot_start_is_not_created_and_one_that_is_off_is_not_started() {
    check(
        &[P],
        &["start p localhost:0 0"],
        None,
        &["p 127.0.0.1:1000 a:1 on 0"],
    );
    let bad = ("create", r#"{"name":"p","listen":"bad:1","upstream":"a:1"}"#);
    let error = Some("listen tcp bad:1: bind: no");
    check(&[bad], &["start p bad:1 0"], error, &[]);
    let off = (
        "create",
        r#"{"name":"p","listen":"bad:1","upstream":"a:1","enabled":false}"#,
    );
    check(&[off], &[], None, &["p bad:1 a:1 off 0"]);
}

#[test]
fn an_update_stops_and_starts_no_more_than_it_must() {
    let same = ("update p", r#"{"listen":"localhost:1000"}"#);
    check(&[P, same], &[], None, &["p 127.0.0.1:1000 a:1 on 0"]);
    let led = ("update p", r#"{"upstream":"b:1"}"#);
    let asked = ["stop p", "start p 127.0.0.1:1000 1"];
    check(&[P, TOXIC, led], &asked, None, &["p 127.0.0.1:1000 b:1 on 1"]);
    let moved = ("update p", r#"{"listen":"localhost:0"}"#);
    let asked = ["stop p", "remove p", "start p localhost:0 0"];
    check(&[P, moved], &asked, None, &["p 127.0.0.1:1001 a:1 on 0"]);
    check(&[P, OFF], &["stop p"], None, &["p 127.0.0.1:1000 a:1 off 0"]);
    check(&[P, OFF, OFF], &[], None, &["p 127.0.0.1:1000 a:1 off 0"]);
    check(
        &[P, OFF, moved],
        &["remove p"],
        None,
        &["p localhost:0 a:1 off 0"],
    );
}

#[test]
fn an_update_to_where_it_cannot_be_leaves_it_there_and_off() {
    let bad = ("update p", r#"{"listen":"bad:1"}"#);
    let there = ["p bad:1 a:1 off 0"];
    let error = Some("listen tcp bad:1: bind: no");
    check(
        &[P, bad],
        &["stop p", "remove p", "start p bad:1 0"],
        error,
        &there,
    );
    let good = ("update p", r#"{"listen":"localhost:0"}"#);
    check(&[P, bad, good], &["remove p"], None, &["p localhost:0 a:1 off 0"]);
}

#[test]
fn populate_leaves_replaces_and_stops_at_the_first_failure() {
    let same = r#"[{"name":"p","listen":"localhost:1000","upstream":"a:1","enabled":false}]"#;
    check(
        &[P, TOXIC, ("populate", same)],
        &[],
        None,
        &["p 127.0.0.1:1000 a:1 on 1"],
    );
    let other = r#"[{"name":"p","listen":"localhost:1000","upstream":"b:1"}]"#;
    let asked = ["stop p", "remove p", "start p localhost:1000 0"];
    check(
        &[P, TOXIC, ("populate", other)],
        &asked,
        None,
        &["p 127.0.0.1:1000 b:1 on 0"],
    );
    let bad = r#"[{"name":"q","listen":"localhost:0","upstream":"a:1"},
                  {"name":"p","listen":"bad:1","upstream":"a:1"},
                  {"name":"r","listen":"localhost:0","upstream":"a:1"}]"#;
    check(
        &[P, ("populate", bad)],
        &["start q localhost:0 0", "stop p", "remove p", "start p bad:1 0"],
        Some("listen tcp bad:1: bind: no"),
        &["p 127.0.0.1:1000 a:1 off 0", "q 127.0.0.1:1001 a:1 on 0"],
    );
    let nameless = r#"[{"name":"q","listen":"localhost:0","upstream":"a:1"},{"upstream":"a:1"}]"#;
    let error = Some("missing required field: name at proxy 2");
    check(&[("populate", nameless)], &[], error, &[]);
}

#[test]
fn reset_does_what_it_can_and_then_tells_what_it_could_not() {
    let bad = (
        "create",
        r#"{"name":"o","listen":"bad:1","upstream":"a:1","enabled":false}"#,
    );
    check(
        &[P, bad, TOXIC, OFF, ("reset", "")],
        &["start o bad:1 0", "toxics p ", "start p 127.0.0.1:1000 0"],
        Some("listen tcp bad:1: bind: no"),
        &["o bad:1 a:1 off 0", "p 127.0.0.1:1000 a:1 on 0"],
    );
}

#[test]
fn toxics_are_kept_in_their_order_and_their_ids_are_never_used_again() {
    let (mut collection, mut carrier) = (Collection::default(), Fake::default());
    collection.create(P.1, &mut carrier).expect("a proxy");
    let mut add = |body: &str| collection.add_toxic("p", body, &mut carrier).expect("a toxic");
    assert_eq!(add(r#"{"type":"noop","name":"a"}"#).id, 1);
    assert_eq!(add(r#"{"type":"noop","name":"b","stream":"upstream"}"#).id, 2);
    collection.remove_toxic("p", "a", &mut carrier).expect("removed");
    let again = collection.add_toxic("p", r#"{"type":"noop","name":"a"}"#, &mut carrier);
    assert_eq!(again.expect("a toxic").id, 3);
    assert_eq!(carrier.asked.last().map(String::as_str), Some("toxics p b,a"));
}
