//! The helpers around the project file: placeholders, `.env` files, names, known programs.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use proptest::prelude::*;
use wharf_stack::project::dotenv;
use wharf_stack::project::frameworks;
use wharf_stack::project::substitute::{Scope, Target, substitute};
use wharf_stack::project::{Command, Label, LinkName, ServiceKind};

fn scope() -> Scope {
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let target = |text: &str, scheme: &str| Target {
        address: address(text),
        url: format!("{scheme}://{text}"),
    };
    Scope {
        name: "web".to_owned(),
        address: address("127.0.0.1:4000"),
        url: None,
        ports: BTreeMap::from([("metrics".to_owned(), 4001)]),
        needs: BTreeMap::from([
            ("api".to_owned(), target("127.0.0.1:5000", "http")),
            ("db".to_owned(), target("[::1]:5432", "postgresql")),
        ]),
    }
}

#[test]
fn placeholders_are_filled_in_and_nothing_else() {
    for (text, wanted) in [
        (
            "serve --port {port} --host {host}",
            "serve --port 4000 --host 127.0.0.1",
        ),
        ("{url}/{name}", "http://127.0.0.1:4000/web"),
        ("-m {port.metrics}", "-m 4001"),
        (
            "{needs.api.url} {needs.api.host} {needs.api.port}",
            "http://127.0.0.1:5000 127.0.0.1 5000",
        ),
        (
            "{needs.db.url}/x {needs.db.addr}",
            "postgresql://[::1]:5432/x [::1]:5432",
        ),
        ("{{port}} {{needs.api.url}}", "{port} {needs.api.url}"),
        ("{{{port}}}", "{{port}}"),
        ("${port} ${PORT} $port", "${port} ${PORT} $port"),
        ("awk '{print $1}'", "awk '{print $1}'"),
        (r#"{"port":{"a":{port}}}"#, r#"{"port":{"a":4000}}"#),
        (
            "docker ps --format '{{.Names}}'",
            "docker ps --format '{{.Names}}'",
        ),
        (
            "{a,b} {port,host} {} { port } {Port} {port",
            "{a,b} {port,host} {} { port } {Port} {port",
        ),
        ("ü{port}ü", "ü4000ü"),
        ("{", "{"),
        ("", ""),
    ] {
        let filled = substitute(text, &scope());
        assert_eq!(filled.as_deref(), Ok(wanted), "{text}");
    }
}

#[test]
fn placeholders_that_stand_for_nothing_are_refused() {
    for (text, hint) in [
        ("{port.metrcs}", "did you mean `metrics`?"),
        ("{needs.apy.url}", "did you mean `api`?"),
        ("{needs.api.uri}", "did you mean `url`?"),
        ("{needs.api}", "write it as in `{needs.api.url}`"),
        ("{needs}", "write it as in `{needs.api.url}`"),
        ("{host.name}", "write `{host}`"),
    ] {
        let error = substitute(text, &scope()).expect_err(text);
        assert_eq!(error.hint.as_deref(), Some(hint), "{text}: {error}");
        assert_eq!(error.offset, 0, "{text}");
    }
}

#[test]
fn env_files_are_read_as_a_shell_would() {
    let environment = BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())]);
    let read = |text: &str| dotenv::parse(text, &environment);
    let text = r#"
# comment
A=1
export B = two words # comment
C='single $HOME # "x"'
D="double\n${HOME} \$HOME \x \"q\""
E=a#b
F=
G=$HOME/x:${A}:${NOPE:-default}:${NOPE}.
H="two
lines"
  I=indented
J=p\$q\ r
K=$
L="x"   # comment
A=again
M=${A}
export=odd
"#;
    let variables = read(text).expect("it is right");
    let wanted = [
        ("B", "two words"),
        ("C", "single $HOME # \"x\""),
        ("D", "double\n/home/me $HOME \\x \"q\""),
        ("E", "a#b"),
        ("F", ""),
        ("G", "/home/me/x:1:default:."),
        ("H", "two\nlines"),
        ("I", "indented"),
        ("J", "p$q r"),
        ("K", "$"),
        ("L", "x"),
        ("A", "again"),
        ("M", "again"),
        ("export", "odd"),
    ];
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(variables, wanted);
    let crlf = read("\u{feff}A=1\r\nB=\"x\"\r\n\r\nC='y'").expect("it is right");
    let values: Vec<&str> = crlf.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["1", "x", "y"]);
}

#[test]
fn env_files_that_are_wrong_name_the_line() {
    let read = |text: &str| dotenv::parse(text, &BTreeMap::new()).map_err(|error| error.to_string());
    for (text, wanted) in [
        ("A=1\n=2", "line 2: a variable's name is wanted here, not `=`"),
        ("A", "line 1: `A` has no `=` behind it"),
        ("\n\n1A=2", "line 3: `1A`: a name may not begin with a digit"),
        ("A='x", "line 1: `A`: the quote that begins here is never closed"),
        ("A='x' y", "line 1: `A`: something follows its last quote"),
        ("A=${B", "line 1: `A`: `${B` is never closed"),
        ("A=${B%x}", "line 1: `A`: `${B%x}` is not understood"),
        ("A=\0", "line 1: `A` has a NUL character in it"),
        ("A=1\rB=2", "line 1: a carriage return inside a line"),
    ] {
        assert_eq!(read(text), Err(wanted.to_owned()), "{text:?}");
    }
}

#[test]
fn an_env_file_cannot_grow_without_bound() {
    let mut text = "A0=0123456789abcdef\n".to_owned();
    for line in 1..40 {
        let before = line - 1;
        text.push_str(&format!("A{line}=$A{before}$A{before}$A{before}$A{before}\n"));
    }
    let error = dotenv::parse(&text, &BTreeMap::new()).expect_err("4^39 is too much");
    assert!(error.problem.contains("longer than"), "{error}");
    let wide = (0..20).fold(format!("A={}\n", "x".repeat(100_000)), |text, line| {
        format!("{text}B{line}=$A\n")
    });
    let error = dotenv::parse(&wide, &BTreeMap::new()).expect_err("2 MB is too much");
    assert!(error.problem.contains("together"), "{error}");
}

#[test]
fn labels_are_made_from_any_text() {
    for (text, wanted) in [
        ("My Shop", Some("my-shop")),
        ("feature/JIRA-12_x", Some("feature-jira-12-x")),
        ("--a--b--", Some("a-b")),
        ("Straße", Some("stra-e")),
        ("...", None),
        ("", None),
    ] {
        let label = Label::made_from(text);
        assert_eq!(label.as_ref().map(Label::as_str), wanted, "{text}");
    }
    let long = Label::made_from(&"a/b".repeat(40)).expect("it has letters");
    let other = Label::made_from(&format!("{}c", "a/b".repeat(40))).expect("it has letters");
    assert!(long.as_str().len() <= 63, "{long}");
    assert_ne!(long, other);
}

#[test]
fn link_names_are_read_with_and_without_blanks() {
    for text in ["web->api", "web -> api", "  web  ->  api "] {
        let name: LinkName = text.parse().expect(text);
        assert_eq!(name.to_string(), "web -> api");
    }
    for text in [
        "web api",
        "web ->",
        "-> api",
        "Web -> api",
        "web -> api -> db",
        "",
    ] {
        assert!(text.parse::<LinkName>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn whatever_a_label_is_made_from_it_is_a_label(text in ".{0,200}") {
        if let Some(label) = Label::made_from(&text) {
            prop_assert_eq!(label.as_str().parse::<Label>(), Ok(label));
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[ -~\n\r\t{}$'\"\\\\=#.ü]{0,200}") {
        let _ = dotenv::parse(&text, &BTreeMap::new());
        let _ = substitute(&text, &scope());
        let _ = wharf_stack::project::Project::parse(&text, std::path::Path::new("wharf.toml"));
        let command = Command::Shell(text);
        let _ = frameworks::apply(&command, &frameworks::no_scripts, ServiceKind::Service, scope().address);
    }

    #[test]
    fn texts_without_braces_are_left_alone(text in "[^{]{0,100}") {
        prop_assert_eq!(substitute(&text, &scope()), Ok(text));
    }
}
