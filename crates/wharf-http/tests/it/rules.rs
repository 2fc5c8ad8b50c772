//! The text of rules: of a project file, and of a flag.

use serde::Deserialize;
use wharf_http::{Rule, RuleText};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    http: Vec<Rule>,
}

#[test]
fn rules_are_written_in_toml_or_in_words() {
    let file = r#"
        [[http]]
        path = "/health"

        [[http]]
        method = ["PUT", "POST"]
        path = "/orders/**"
        header = "x-tenant: acme*"
        probability = "10%"
        status = 503
        body = "try later"
        delay = "300ms"
        response.set = { retry-after = "7" }

        [[http]]
        method = "GET"
        rate = "100kbit"
        truncate = "64KiB"
        request = { remove = "cookie", add = { x-a = "1" } }
        response = { remove = ["etag", "age"] }

        [[http]]
        drop = "connection"
    "#;
    let words = [
        "path=/health",
        "method=PUT method=POST path=/orders/** header='x-tenant: acme*' probability=10% status=503 \
         body='try later' delay=300ms response.set.retry-after=7",
        "method=GET rate=100kbit truncate=64KiB request.remove=cookie request.add.x-a=1 \
         response.remove=etag response.remove=age",
        "drop=connection",
    ];
    let file: File = toml::from_str(file).expect("rules");
    let words: Vec<Rule> = words.iter().map(|words| words.parse().expect(words)).collect();
    assert_eq!(file.http, words);
    // And back.
    for rule in words {
        let text = toml::to_string(&rule).expect("text");
        assert_eq!(toml::from_str::<Rule>(&text).expect("a rule"), rule, "{text}");
        assert_eq!(Rule::try_from(RuleText::from(rule.clone())), Ok(rule));
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let refused = [
        "status=99",
        "status=101",
        "status=600",
        "status=many",
        "status=503 status=504",
        "status=503 drop=request",
        "status=204 body=x",
        "body=x",
        "truncate=1B stall=1B",
        "drop=request truncate=1B",
        "drop=request response.set.x=1",
        "drop=request request.remove=x",
        "status=503 request.remove=x",
        "drop=everything",
        "path=api/*",
        "method='A B'",
        "header='a b: c'",
        "probability=200%",
        "rate=10",
        "delay=soon",
        "response.set.content-length=7",
        "request.remove=Transfer-Encoding",
        "response.add.x=1 response.add.x=2",
        "response.sets.x=1",
        "respond.set.x=1",
        "stats=503",
        "503",
        "body='x",
    ];
    let mut table = String::new();
    for words in refused {
        let error = words.parse::<Rule>().expect_err(words);
        table.push_str(&format!("{words}\n  {error}\n"));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn unknown_keys_of_a_file_are_refused() {
    for text in ["stauts = 503", "response.sets = {}", "status = 503\nbody.x = 1"] {
        let error = toml::from_str::<Rule>(text).expect_err(text).to_string();
        assert!(
            error.contains("unknown field") || error.contains("invalid type"),
            "{error}"
        );
    }
    let error = toml::from_str::<Rule>("status = 503\ndrop = \"request\"").expect_err("a conflict");
    assert!(
        error
            .to_string()
            .contains("`status` and `drop` exclude each other"),
        "{error}"
    );
}
