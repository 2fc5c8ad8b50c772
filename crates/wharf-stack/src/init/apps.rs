//! Recognising a folder's program by the texts in it. Pure: what is read is handed in.

use serde_json::Value;

use super::findings::AppKind;
use crate::project::Command;
use crate::project::frameworks;

/// What serves a page to a browser and nothing else.
const FRONT_ENDS: &[&str] = &[
    "Vite",
    "Angular",
    "Astro",
    "Create React App",
    "Rsbuild",
    "Rspack",
    "Parcel",
    "Gatsby",
    "VitePress",
    "Docusaurus",
    "Ember",
    "Eleventy",
    "Storybook",
    "webpack-dev-server",
    "http-server",
    "live-server",
];

/// The scripts that start something that stays, the best first.
const SCRIPTS: &[&str] = &["dev", "start", "serve", "develop"];

/// A script of a package.json that starts something that stays.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) kind: AppKind,
    pub(super) has_dependencies: bool,
}

/// Finds the script that starts a package.
pub(super) fn node_script(package: &Value) -> Option<Script> {
    let scripts = package.get("scripts")?;
    let text = |name: &str| scripts.get(name).and_then(Value::as_str).map(str::to_owned);
    let name = SCRIPTS.iter().copied().find(|name| text(name).is_some())?;
    let line = Command::Argv(vec!["npm".into(), "run".into(), name.into()]);
    let framework = frameworks::recognise(&line, &text).map(frameworks::Framework::name);
    let is_front_end = framework.is_some_and(|name| FRONT_ENDS.contains(&name));
    let has = |key| {
        package
            .get(key)
            .and_then(Value::as_object)
            .is_some_and(|all| !all.is_empty())
    };
    Some(Script {
        name,
        kind: if is_front_end {
            AppKind::FrontEnd
        } else {
            AppKind::Node
        },
        has_dependencies: has("dependencies") || has("devDependencies"),
    })
}

/// The folders of a package.json's workspaces, as it writes them: `packages/*`.
pub(super) fn workspaces(package: &Value) -> Vec<String> {
    let listed = package.get("workspaces");
    let listed = listed.and_then(|value| value.as_array().or_else(|| value.get("packages")?.as_array()));
    let texts = listed.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// How a package's scripts are run, by the lock file that lies beside it.
pub(super) fn package_manager(has_file: &dyn Fn(&str) -> bool) -> &'static str {
    let locks = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
    ];
    locks
        .iter()
        .find(|(file, _)| has_file(file))
        .map_or("npm", |(_, manager)| manager)
}

/// Where virtual environments keep their Python.
pub(super) const VENVS: [&str; 2] = [".venv/bin/python", "venv/bin/python"];

/// The command behind which Python's programs are run, by what lies beside them.
pub(super) fn python_launcher(has_file: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let signs = [
        ("uv.lock", "uv run python"),
        ("poetry.lock", "poetry run python"),
        ("pdm.lock", "pdm run python"),
        ("Pipfile.lock", "pipenv run python"),
    ];
    let venvs = VENVS.iter().map(|venv| (*venv, *venv));
    let mut all = signs.into_iter().chain(venvs);
    all.find(|(file, _)| has_file(file)).map(|(_, launcher)| launcher)
}

/// How a Python file is served, by what it makes: `-m uvicorn main:app`.
pub(super) fn python_app(file: &str, text: &str) -> Option<String> {
    let module = file.strip_suffix(".py")?;
    for (maker, server) in [
        ("FastAPI(", "uvicorn"),
        ("Starlette(", "uvicorn"),
        ("Flask(", "flask"),
    ] {
        let Some(variable) = assigned(text, maker) else {
            continue;
        };
        return Some(match server {
            "flask" => format!("-m flask --app {module}:{variable} run"),
            _ => format!("-m uvicorn {module}:{variable}"),
        });
    }
    None
}

/// The variable at the top of a module to which `maker` is assigned: `app = Flask(…`.
fn assigned<'a>(text: &'a str, maker: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        // `app: Flask = Flask(…` has its type behind its name.
        let name = name.split(':').next()?.trim_end();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
        // `flask.Flask(…` as well.
        let maker_at = value.find(maker)?;
        let before = value[..maker_at].trim_start();
        (is_name && (before.is_empty() || before.ends_with('.'))).then_some(name)
    })
}

/// The processes of a Procfile.
pub(super) fn procfile(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, command)| (name.trim().to_owned(), command.trim().to_owned()))
        .filter(|(name, command)| !name.is_empty() && !command.is_empty() && !name.contains(' '))
        .collect()
}
