//! The catalogue as a whole, and explanations as they are shown.

use std::collections::BTreeSet;

use wharf_advice::{Explanation, RuleId, Verdict, explain, rules};

use crate::machine::Machine;

fn explained(facts: &str) -> Explanation {
    let mut machine = Machine::quiet();
    for line in facts.lines() {
        assert!(machine.take(line.trim()), "no fact: {line}");
    }
    let question = machine.question().expect("a question");
    explain(&machine.snapshot(), &question)
}

#[test]
fn the_table_of_rules() {
    let rows: Vec<String> = rules()
        .iter()
        .map(|rule| {
            let platforms: Vec<String> = rule.platforms.iter().map(ToString::to_string).collect();
            format!(
                "{:>2} {:<30} {} [{}]\n   “{}”",
                rule.number,
                rule.id,
                rule.title,
                platforms.join(", "),
                rule.symptom
            )
        })
        .collect();
    insta::assert_snapshot!("rules", rows.join("\n"));
}

#[test]
fn numbers_and_names_are_used_once() {
    let all = rules();
    let numbers: BTreeSet<u16> = all.iter().map(|rule| rule.number).collect();
    let names: BTreeSet<&str> = all.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(numbers.len(), all.len());
    assert_eq!(names.len(), all.len());
    assert_eq!(
        numbers.last().copied().map(usize::from),
        Some(all.len()),
        "a number is left out"
    );
    for rule in all {
        let is_kebab = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        assert!(rule.id.as_str().chars().all(is_kebab), "{}", rule.id);
        assert!(
            !rule.platforms.is_empty() && !rule.needs.is_empty(),
            "{}",
            rule.id
        );
        assert_eq!(RuleId::find(rule.id.as_str()), Some(rule.id));
    }
    assert_eq!(RuleId::find("gopher"), None);
}

/// An explanation reads back from its JSON.
#[track_caller]
fn check(name: &str, facts: &str, verdict: Verdict) {
    let explanation = explained(facts);
    assert_eq!(explanation.verdict(), verdict, "{explanation:#?}");
    let json = serde_json::to_string_pretty(&explanation).expect("json");
    let again: Explanation = serde_json::from_str(&json).expect("an explanation");
    assert_eq!(again, explanation);
    insta::assert_snapshot!(name, format!("{}\n\n{json}", explanation.short()));
}

#[test]
fn a_server_is_explained() {
    check(
        "server",
        "ask http://localhost:5173/
        listen 127.0.0.1:5173 pid=812 rq=1
        process 90 zsh
        process 91 npm parent=90
        process 812 node parent=91 cmd=\"node /src/shop/node_modules/.bin/vite\" because=npm:dev checkout=/src/shop branch=cart
        tcp established 127.0.0.1:5173 127.0.0.1:50000 pid=812
        tcp established 127.0.0.1:50000 127.0.0.1:5173 pid=900
        process 900 firefox
        probe 127.0.0.1:5173 accepted http status=200 framework=Vite
        probe [::1]:5173 refused",
        Verdict::Clean,
    );
}

#[test]
fn nothing_is_explained() {
    check(
        "nothing",
        "ask 127.0.0.1:62893
        listen 127.0.0.1:62894 pid=812
        process 812 node because=shell checkout=/src/shop
        lease 62893 web /src/shop",
        Verdict::NothingThere,
    );
}

#[test]
fn the_hidden_is_explained() {
    check(
        "hidden",
        "ask 23456\nlisten 0.0.0.0:23456 owner=hidden uid=33",
        Verdict::Hidden,
    );
}

#[test]
fn a_name_may_mean_several_ports() {
    let explanation = explained(
        "ask java
        listen 127.0.0.1:8080 pid=812
        listen 127.0.0.1:8081 pid=812
        process 812 java because=shell",
    );
    assert_eq!(
        explanation.summary,
        "8080: java (pid 812) on 127.0.0.1; 8081: java (pid 812) on 127.0.0.1"
    );
    assert_eq!(explanation.listeners.len(), 2);
    assert_eq!(explanation.verdict(), Verdict::Clean);
    let nobody = explained("ask gopherd");
    assert_eq!(nobody.summary, "nothing of that name listens");
    assert_eq!(nobody.verdict(), Verdict::NothingThere);
    let by_custom = explained("ask redis");
    assert_eq!(by_custom.port.map(|port| port.port), Some(6379));
}

#[test]
fn a_parents_ports_are_its_childrens() {
    let explanation = explained(
        "ask pid:91
        listen 127.0.0.1:5173 pid=812
        process 91 npm
        process 812 node parent=91",
    );
    assert_eq!(explanation.listeners.len(), 1);
    let idle = explained("ask pid:91\nprocess 91 npm cwd=/src");
    assert_eq!(
        idle.summary,
        "npm (pid 91), in /src, started 60 minutes ago listens nowhere"
    );
    assert_eq!(
        explained("ask pid:7").summary,
        "there is no such process, as far as can be seen"
    );
}

#[test]
fn a_blind_explanation_claims_nothing() {
    let explanation = explained("ask 3000\nmerge {\"tcp\": {\"unknown\": \"permission denied\"}}");
    assert_eq!(explanation.verdict(), Verdict::Hidden);
    assert!(
        explanation
            .unknowns
            .contains(&"who listens: permission denied".to_owned())
    );
    assert!(explanation.findings.is_empty());
}

#[test]
fn hostile_names_cannot_write_to_a_terminal() {
    let explanation = explained(
        "ask 3000
        listen 127.0.0.1:3000 pid=812
        merge {\"processes\": [{\"pid\": 812, \"parent\": 1, \"name\": \"a\\u001b[2Jb\", \"command\": [\"x\\u0007\"], \"cwd\": \"/\\u202e\", \"reason\": {\"kind\": \"orphan\", \"dead_session\": 1}}]}",
    );
    let json = serde_json::to_string(&explanation).expect("json");
    assert!(
        !json.contains("\\u001b") && !json.contains("\\u0007") && !json.contains('\u{202e}'),
        "{json}"
    );
    assert!(
        explanation.summary.starts_with("a\u{fffd}[2Jb (pid 812)"),
        "{}",
        explanation.summary
    );
}
