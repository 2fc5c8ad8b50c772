//! Cargo manifests: which binaries there are, and which of them serve something. Pure.

use toml::{Table, Value};

/// Libraries that a program with a server in it depends on.
const SERVERS: &[&str] = &[
    "actix-web",
    "axum",
    "dropshot",
    "gotham",
    "hyper",
    "iron",
    "ntex",
    "poem",
    "rocket",
    "rouille",
    "salvo",
    "tide",
    "tiny_http",
    "tonic",
    "trillium",
    "viz",
    "warp",
    "leptos_axum",
    "loco-rs",
];

/// A package with its binaries.
#[derive(Clone, Debug)]
pub(super) struct CargoPackage {
    pub(super) name: String,
    pub(super) binaries: Vec<String>,
    pub(super) serves: bool,
}

/// Reads a manifest. `has_main` says whether `src/main.rs` is there, `more` which files are in
/// `src/bin`.
pub(super) fn package(manifest: &Table, has_main: bool, more: &[String]) -> Option<CargoPackage> {
    let package = manifest.get("package")?;
    let name = package.get("name")?.as_str()?.to_owned();
    let mut binaries: Vec<String> = Vec::new();
    let listed = manifest.get("bin").and_then(Value::as_array);
    for binary in listed.into_iter().flatten() {
        binaries.extend(binary.get("name").and_then(Value::as_str).map(str::to_owned));
    }
    let finds_by_itself = package.get("autobins").and_then(Value::as_bool) != Some(false);
    // A binary that is listed may have its file where others would be found: named once.
    if finds_by_itself && binaries.is_empty() {
        binaries.extend(has_main.then(|| name.clone()));
        binaries.extend(more.iter().cloned());
    }
    let dependencies = manifest.get("dependencies").and_then(Value::as_table);
    let serves = dependencies.is_some_and(|all| all.keys().any(|key| SERVERS.contains(&key.as_str())));
    Some(CargoPackage {
        name,
        binaries,
        serves,
    })
}

/// The folders of a workspace's members, as it writes them: `crates/*`.
pub(super) fn members(manifest: &Table) -> Vec<String> {
    let members = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("members"));
    let members = members.and_then(Value::as_array).into_iter().flatten();
    members.filter_map(Value::as_str).map(str::to_owned).collect()
}
