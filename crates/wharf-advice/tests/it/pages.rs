//! Each rule has its page, and each page its rule.

use std::collections::BTreeSet;
use std::path::PathBuf;

use wharf_advice::{Rule, rules};

const SECTIONS: &[&str] = &[
    "**Cause.**",
    "**How Wharf sees it.**",
    "**What it cannot see.**",
    "**Fix.**",
    "**Sources.**",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[expect(clippy::disallowed_methods, reason = "the pages are compared with the rules")]
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn platforms(rule: &Rule) -> String {
    let platforms: Vec<String> = rule.platforms.iter().map(ToString::to_string).collect();
    platforms.join(", ")
}

#[test]
fn each_page_says_what_its_rule_says() {
    for rule in rules() {
        let page = read(&rule.page());
        let head = format!(
            "# {}\n\n`{}` · rule {} · {}\n\n> {}\n",
            rule.title,
            rule.id,
            rule.number,
            platforms(rule),
            rule.symptom
        );
        assert!(
            page.starts_with(&head),
            "{} does not begin with\n{head}",
            rule.page()
        );
        let mut rest = page.as_str();
        for section in SECTIONS {
            let at = rest.find(section);
            let at = at.unwrap_or_else(|| panic!("{}: no {section}, or not in its place", rule.page()));
            rest = &rest[at..];
        }
        assert!((10..=40).contains(&page.lines().count()), "{}", rule.page());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the pages are compared with the rules")]
fn each_page_has_its_rule() {
    let named: BTreeSet<String> = rules().iter().map(|rule| format!("{}.md", rule.id)).collect();
    let found: BTreeSet<String> = std::fs::read_dir(root().join("docs/rules"))
        .expect("docs/rules")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(found, named);
}

#[test]
fn the_index_has_each_rule() {
    let index = read("docs/rules/README.md");
    // The rows come below the line that ends the table's head.
    let mut rows = index
        .lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1);
    for rule in rules() {
        let row = format!(
            "| {} | [{}]({}.md) | {} | {} |",
            rule.number,
            rule.title,
            rule.id,
            rule.symptom,
            platforms(rule)
        );
        assert_eq!(rows.next(), Some(row.as_str()));
    }
    assert_eq!(rows.next(), None);
}
