//! What is proposed for a folder: a table of folders, and the file for each.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;
use wharf_stack::init::{self, Compose, Findings, InitError, Machine, gather, propose};
use wharf_stack::project::Project;

/// A folder with these files in it. A name that ends with `/` is a folder.
fn folder(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let outer = fresh();
    let folder = outer.path().join("shop");
    fs::create_dir(&folder).expect("a folder for the test");
    for (name, text) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().expect("it is in the folder")).expect("a folder");
        if name.ends_with('/') {
            fs::create_dir_all(file).expect("a folder");
        } else {
            fs::write(file, text).expect("a file");
        }
    }
    (outer, folder)
}

fn fresh() -> TempDir {
    TempDir::new().expect("a folder for the test")
}

/// A machine with these programs on its PATH.
fn machine(programs: &TempDir, names: &[&str]) -> Machine {
    for name in names {
        let file = programs.path().join(name);
        fs::write(&file, "").expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    Machine {
        search_path: vec![programs.path().to_owned()],
        ..Machine::default()
    }
}

/// The proposal for a folder, with its notes, as one text; it must be right as a project file.
fn proposal(files: &[(&str, &str)], programs: &[&str], as_root: AsRoot) -> String {
    let (_outer, folder) = folder(files);
    let bin = fresh();
    let mut machine = machine(&bin, programs);
    if as_root == AsRoot::Yes {
        machine.is_root = true;
        machine.users = BTreeSet::from(["root".to_owned(), "postgres".to_owned(), "nobody".to_owned()]);
    }
    let mut findings = gather(&folder, &machine).expect("the folder can be read");
    findings.open_to_others = true;
    text(&findings)
}

fn text(findings: &Findings) -> String {
    let proposal = propose(findings);
    if let Err(error) = Project::parse(&proposal.toml, Path::new("shop/wharf.toml")) {
        panic!("{error}\nin\n{}", proposal.toml);
    }
    let notes = proposal.notes.iter().map(|note| format!("note: {note}\n"));
    format!("{}---\n{}", proposal.toml, notes.collect::<String>())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AsRoot {
    Yes,
    No,
}

const COMPOSE: &str = r#"
# Two of ours, and what they need.
version: "3.9"
x-common: &common
  restart: always
services:
  web:
    build: ./web
    ports: ["3000:3000"]
    environment:
      - API_URL=http://api:8000
      - PORT=3000
    depends_on: [api]
  api:
    build:
      context: ./api
      dockerfile: Dockerfile.dev
    command: >
      uvicorn main:app
      --reload
    environment:
      DATABASE_URL: "postgresql://shop:secret@db:5432/shop?sslmode=disable" # here
      REDIS_HOST: cache
      TEMPLATE: '{port} and {{.Name}}'
    depends_on:
      db:
        condition: service_healthy
      cache: {condition: service_started}
    volumes:
    - ./api:/app
  db:
    <<: *common
    image: docker.io/library/postgres:${PG:-16}-alpine
    environment:
      POSTGRES_USER: shop
      POSTGRES_PASSWORD: secret
    volumes:
      - data:/var/lib/postgresql/data
    ports:
      - "127.0.0.1:${DB_PORT:-5433}:5432"
  cache:
    image: redis:7
    command: ["redis-server", "--appendonly", "yes"]
  search:
    image: opensearchproject/opensearch:2
    ports:
      - target: 9200
        published: 9201
  worker_bee:
    image: example/unknown
  queue_1:
    build: ./queue
volumes:
  data:
"#;

const PACKAGE_VITE: &str =
    r#"{"name":"web","scripts":{"dev":"vite","build":"vite build"},"devDependencies":{"vite":"7"}}"#;
const PACKAGE_EXPRESS: &str =
    r#"{"name":"x","scripts":{"start":"node server.js"},"dependencies":{"express":"5"}}"#;
const FASTAPI: &str = "from fastapi import FastAPI\n\napp: FastAPI = FastAPI(title='x')\n";

#[test]
fn nothing() {
    insta::assert_snapshot!(proposal(&[("README.md", "# x")], &[], AsRoot::No));
}

#[test]
fn node_alone_and_in_folders() {
    let alone = proposal(
        &[
            ("package.json", PACKAGE_EXPRESS),
            ("package-lock.json", "{}"),
            ("node_modules/", ""),
        ],
        &[],
        AsRoot::No,
    );
    let folders = proposal(
        &[
            ("web/package.json", PACKAGE_VITE),
            ("web/pnpm-lock.yaml", ""),
            ("server/package.json", PACKAGE_EXPRESS),
            ("server/yarn.lock", ""),
            ("node_modules/x/package.json", PACKAGE_VITE),
            ("lib/package.json", r#"{"name":"lib","scripts":{"build":"tsc"}}"#),
            ("broken/package.json", "{"),
        ],
        &[],
        AsRoot::No,
    );
    let workspace = proposal(
        &[
            (
                "package.json",
                r#"{"workspaces":["apps/*"],"scripts":{"dev":"turbo dev"}}"#,
            ),
            ("bun.lock", ""),
            ("apps/site/package.json", PACKAGE_VITE),
            ("apps/docs/package.json", r#"{"scripts":{"dev":"astro dev"}}"#),
            (
                "apps/api/package.json",
                r#"{"scripts":{"dev":"tsx watch src/main.ts"}}"#,
            ),
            ("node_modules/", ""),
        ],
        &[],
        AsRoot::No,
    );
    insta::assert_snapshot!([alone, folders, workspace].join("\n=====\n\n"));
}

#[test]
fn python_and_others() {
    let django = proposal(&[("manage.py", ""), ("uv.lock", "")], &[], AsRoot::No);
    let flask = proposal(
        &[
            ("app.py", "import flask\nserver = flask.Flask(__name__)\n"),
            (".venv/bin/python", ""),
        ],
        &[],
        AsRoot::No,
    );
    let both = proposal(
        &[
            ("api/main.py", FASTAPI),
            ("web/package.json", PACKAGE_VITE),
            ("web/node_modules/", ""),
        ],
        &[],
        AsRoot::No,
    );
    let others = proposal(
        &[
            ("a/go.mod", ""),
            ("a/main.go", ""),
            ("b/artisan", ""),
            ("c/bin/rails", ""),
        ],
        &[],
        AsRoot::No,
    );
    let page = proposal(&[("index.html", "<h1>x</h1>")], &[], AsRoot::No);
    insta::assert_snapshot!([django, flask, both, others, page].join("\n=====\n\n"));
}

#[test]
fn cargo() {
    let single = proposal(
        &[
            (
                "Cargo.toml",
                "[package]\nname = 'shop'\n[dependencies]\naxum = '0.8'\n",
            ),
            ("src/main.rs", ""),
        ],
        &[],
        AsRoot::No,
    );
    let several = proposal(
        &[
            ("Cargo.toml", "[package]\nname = 'shop'\n"),
            ("src/bin/a.rs", ""),
            ("src/bin/b/main.rs", ""),
        ],
        &[],
        AsRoot::No,
    );
    let workspace = proposal(
        &[
            ("Cargo.toml", "[workspace]\nmembers = ['crates/*', 'gone']\n"),
            (
                "crates/api/Cargo.toml",
                "[package]\nname = 'api'\n[dependencies]\nhyper = '1'\n[[bin]]\nname = 'api'\n[[bin]]\nname = 'api_admin'\n",
            ),
            ("crates/cli/Cargo.toml", "[package]\nname = 'cli'\n"),
            ("crates/cli/src/main.rs", ""),
            ("crates/lib/Cargo.toml", "[package]\nname = 'lib'\n"),
        ],
        &[],
        AsRoot::No,
    );
    insta::assert_snapshot!([single, several, workspace].join("\n=====\n\n"));
}

#[test]
fn procfile() {
    let files = [
        (
            "Procfile",
            "# all\nrelease: ./migrate\nweb: bundle exec puma -p $PORT\nworker: echo '{port}' && ./work\n\nnonsense\n",
        ),
        ("package.json", PACKAGE_EXPRESS),
        (
            "compose.yml",
            "services:\n  db:\n    image: mysql:8\n    ports: ['3306:3306']\n",
        ),
    ];
    insta::assert_snapshot!(proposal(&files, &[], AsRoot::No));
}

#[test]
fn compose() {
    let files = [
        ("docker-compose.yml", COMPOSE),
        ("web/package.json", PACKAGE_VITE),
        ("web/node_modules/", ""),
        ("api/main.py", FASTAPI),
    ];
    let installed = ["postgres", "initdb", "redis-server"];
    let as_user = proposal(&files, &installed, AsRoot::No);
    let as_root = proposal(&files, &installed, AsRoot::Yes);
    let without = proposal(&files, &[], AsRoot::No);
    insta::assert_snapshot!([as_user, as_root, without].join("\n=====\n\n"));
}

#[test]
fn a_folder_closed_to_others_has_no_program_of_another_user() {
    let findings = Findings {
        compose: Some(Compose::parse(
            "compose.yaml",
            "services: {db: {image: postgres}}",
        )),
        programs: ["initdb", "postgres"]
            .map(|name| (name.to_owned(), name.into()))
            .to_vec(),
        users: BTreeSet::from(["postgres".to_owned()]),
        is_root: true,
        ..Findings::default()
    };
    let text = text(&findings);
    assert!(
        text.contains("[external.db]") && text.contains("can't enter this folder"),
        "{text}"
    );
}

const TWO_STORES: &str = "services:
  db:
    image: postgres
    environment: {POSTGRES_USER: 'a b', POSTGRES_PASSWORD: 'p{@}:/'}
  cache: {image: redis, volumes: ['data:/data']}
  queue: {image: redis, volumes: ['./redis.conf:/etc/redis.conf']}
";

#[test]
fn back_ends_are_told_of_stores_where_programs_look_for_them() {
    let files = [
        ("compose.yaml", TWO_STORES),
        (".venv/bin/python", ""),
        ("site/manage.py", ""),
        ("api/package.json", PACKAGE_EXPRESS),
        ("web/package.json", PACKAGE_VITE),
        ("node_modules/", ""),
        (".git/", ""),
    ];
    let text = proposal(&files, &["postgres", "initdb", "redis-server"], AsRoot::No);
    let has = |part: &str| assert!(text.contains(part), "{part}\nis not in\n{text}");
    let url = "DATABASE_URL = \"postgresql://a%20b:p%7B%40%7D%3A%2F@{needs.db.addr}/a%20b\"\n";
    assert_eq!(text.matches(url).count(), 2, "for each back end: {text}");
    assert!(!text.contains("REDIS_URL"), "which of two can't be known: {text}");
    has("run = \"../.venv/bin/python manage.py runserver\"\ncwd = \"site\"\n");
    has("[service.web]\nrun = \"npm run dev\"\ncwd = \"web\"\nneeds = [\"api\"]\n");
    has("note: data is kept under .wharf/: add that to .gitignore\n");
    has("not carried over: compose.yaml: queue: volumes\n");
    assert!(!text.contains("cache: volumes"), "{text}");
    let mut ignored = files.to_vec();
    ignored.push((".gitignore", "node_modules\n/.wharf/\n"));
    let text = proposal(&ignored, &["redis-server"], AsRoot::No);
    assert!(!text.contains(".gitignore"), "{text}");
}

#[test]
fn a_password_of_the_shell_makes_no_url() {
    let compose = "services: {db: {image: postgres, environment: {POSTGRES_PASSWORD: '${SECRET}'}}}\n";
    let files = [("compose.yaml", compose), ("package.json", PACKAGE_EXPRESS)];
    let text = proposal(&files, &["postgres", "initdb"], AsRoot::No);
    assert!(!text.contains("DATABASE_URL"), "{text}");
    assert!(text.contains("POSTGRES_PASSWORD is `${SECRET}`"), "{text}");
}

#[test]
fn a_worktree_is_named_after_its_repository() {
    let (outer, folder) = folder(&[("index.html", "")]);
    let git = outer.path().join("app/.git/worktrees/shop");
    fs::write(folder.join(".git"), format!("gitdir: {}\n", git.display())).expect("a file");
    let findings = gather(&folder, &Machine::default()).expect("the folder can be read");
    assert!(text(&findings).contains("\nname = \"app\"\n"));
}

#[test]
fn circles_of_a_compose_file_are_not_closed() {
    let compose =
        "services:\n  a: {build: a, environment: {B: 'http://b:1'}}\n  b: {build: b, depends_on: [a]}\n";
    let files = [
        ("compose.yaml", compose),
        ("a/package.json", PACKAGE_EXPRESS),
        ("b/package.json", PACKAGE_EXPRESS),
    ];
    let text = proposal(&files, &[], AsRoot::No);
    assert_eq!(text.matches("needs = ").count(), 1, "{text}");
}

#[test]
fn names_that_meet_are_told_apart() {
    let files = [("Procfile", "web: a\nWeb: b\nweb-2: c\ndoor: d\n_: e\n")];
    let text = proposal(&files, &[], AsRoot::No);
    for name in ["web", "web-2", "web-2-2", "door-2", "service"] {
        assert!(text.contains(&format!("[service.{name}]\n")), "{name}: {text}");
    }
}

#[test]
fn a_file_that_is_there_is_left_as_it_is() {
    let folder = fresh();
    let proposal = propose(&Findings::default());
    let file = init::write(folder.path(), &proposal).expect("there is none yet");
    assert_eq!(fs::read_to_string(&file).expect("it was written"), proposal.toml);
    fs::write(&file, "mine").expect("it can be written");
    let again = init::write(folder.path(), &proposal);
    assert!(matches!(again, Err(InitError::Exists(_))), "{again:?}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "mine");
    let gone = gather(&folder.path().join("gone"), &Machine::default());
    assert!(matches!(gone, Err(InitError::Read { .. })), "{gone:?}");
}

proptest! {
    /// Whatever a compose file says, the proposal is a project file that parses.
    #[test]
    fn every_proposal_parses(text in "([ ]{0,4}[-a-z:\"'{}$|>&*\\[\\], 0-9ü]{0,20}\n){0,20}") {
        let files = ["services:\n  a:\n    image: postgres\n    command: ", "services:\n  a:\n    environment:\n", "services:\n", ""];
        for start in files {
            let findings = Findings {
                compose: Some(Compose::parse("compose.yaml", &format!("{start}{text}"))),
                programs: ["initdb", "postgres"].map(|name| (name.to_owned(), name.into())).to_vec(),
                procfile: text.lines().map(|line| ("web".to_owned(), format!("x{line}"))).collect(),
                ..Findings::default()
            };
            let toml = propose(&findings).toml;
            let parsed = Project::parse(&toml, Path::new("wharf.toml"));
            prop_assert!(parsed.is_ok(), "{}\n{}", parsed.err().map(|error| error.to_string()).unwrap_or_default(), toml);
        }
    }
}
