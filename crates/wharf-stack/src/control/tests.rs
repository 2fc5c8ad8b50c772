//! What is told to those who ask a stack that is gone, but for its socket.

use wharf_link::Size;

use super::{Client, ControlError, LogQuery, Refusal, Reply, Request, listen};
use crate::logs::Logs;

/// Asks with the engine gone, and compares what comes back: the error, or what was said.
#[track_caller]
fn check(word: Option<&str>, request: &Request, expected: Result<&[&str], &str>) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let serving = listen(&path, Logs::new(None), |_call| false).expect("it listens");
    if let Some(word) = word {
        serving.leave_word(Refusal {
            error: word.to_owned(),
            hint: None,
        });
    }
    let came = match Client::new(&path).ask(request) {
        Ok(Reply::Done { said }) => Ok(said),
        Err(ControlError::Refused(refusal)) => Err(refusal.error),
        other => panic!("{request:?}: {other:?}"),
    };
    let expected = expected
        .map(|said| said.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        .map_err(str::to_owned);
    assert_eq!(came, expected, "{request:?}");
}

#[test]
fn who_asks_too_late_is_told_why_it_ended() {
    let why = "service web: exit status 7";
    let capture = Request::Capture {
        link: "a -> b".to_owned(),
        file: "/nowhere".into(),
        limit: Size::from_bytes(1),
    };
    let play = Request::Play {
        scenario: "x".to_owned(),
    };
    for request in [Request::Settle, Request::Status, capture, play] {
        check(Some(why), &request, Err(why));
        check(None, &request, Err("the stack is stopping"));
    }
}

#[test]
fn who_asks_too_late_for_the_end_has_it() {
    check(
        Some("service web: exit status 7"),
        &Request::Down,
        Ok(&["stopped"]),
    );
}

#[test]
fn the_log_is_read_without_the_engine() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let _serving = listen(&path, Logs::new(None), |_call| false).expect("it listens");
    let query = Request::Logs(LogQuery::default());
    let lines = Client::new(&path).ask_for_many(&query).expect("it answers");
    assert_eq!(lines.count(), 0);
}
