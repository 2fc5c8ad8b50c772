//! The text of `/proc/PID/cgroup` (cgroups(7)), and what its paths say by custom.

use wharf_facts::Unit;

/// What a process's cgroups say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cgroup {
    /// The path in the version 2 hierarchy, or in systemd's own version 1 hierarchy.
    pub(super) path: Option<String>,
    /// The unit of systemd.
    pub(super) unit: Option<Unit>,
    /// The container.
    pub(super) container: Option<ContainerId>,
}

/// A container, as a cgroup names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerId {
    pub(super) id: String,
    /// Who made it, where the name says so.
    pub(super) engine: Option<&'static str>,
}

impl Cgroup {
    pub(super) fn parse(text: &str) -> Self {
        let mut unified = None;
        let mut systemd = None;
        let mut container = None;
        for line in text.lines() {
            // hierarchy:controllers:path; the path may hold colons.
            let mut fields = line.splitn(3, ':');
            let (Some(hierarchy), Some(controllers), Some(path)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            if container.is_none() {
                container = container_of(path);
            }
            match (hierarchy, controllers) {
                ("0", "") => unified = Some(path),
                (_, "name=systemd") => systemd = Some(path),
                _ => {}
            }
        }
        // Where both versions are mounted systemd may keep to the first.
        let path = match (unified, systemd) {
            (None | Some("/"), Some(systemd)) => Some(systemd),
            (unified, _) => unified,
        };
        Self {
            path: path.map(str::to_owned),
            unit: path.and_then(Unit::of_cgroup),
            container,
        }
    }
}

const ENGINES: &[(&str, &str)] = &[
    ("docker-", "docker"),
    ("libpod-payload-", "podman"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("crio-", "cri-o"),
];
const PARENTS: &[(&str, &str)] = &[
    ("docker", "docker"),
    ("libpod_parent", "podman"),
    ("buildkit", "buildkit"),
];

/// The innermost part of a path that is a container's id by its form: 64 hexadecimal digits, with
/// an engine's prefix or `.scope` about them.
fn container_of(path: &str) -> Option<ContainerId> {
    let mut parent = "";
    let mut found = None;
    for part in path.split('/') {
        let bare = part.strip_suffix(".scope").unwrap_or(part);
        // Podman's monitor of a container is not in it.
        if bare.starts_with("libpod-conmon-") {
            return found;
        }
        let (bare, engine) = ENGINES
            .iter()
            .find_map(|(prefix, engine)| Some((bare.strip_prefix(prefix)?, Some(*engine))))
            .unwrap_or((bare, None));
        // Where a colon stands before it, it is containerd's way for systemd: slice:prefix:id.
        let bare = bare.rsplit(':').next().unwrap_or(bare);
        if bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let by_parent = || {
                PARENTS
                    .iter()
                    .find(|(name, _)| *name == parent)
                    .map(|(_, engine)| *engine)
            };
            found = Some(ContainerId {
                id: bare.to_owned(),
                engine: engine.or_else(by_parent),
            });
        }
        parent = part;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check_container(path: &str, expected: Option<&str>) {
        let container = container_of(&path.replace("ID", ID));
        assert_eq!(
            container.as_ref().map(|container| container.id.as_str()),
            expected.map(|_| ID)
        );
        assert_eq!(
            container.and_then(|container| container.engine),
            expected.filter(|engine| !engine.is_empty()),
            "{path}"
        );
    }

    #[test]
    fn a_path_names_its_container() {
        check_container("/docker/ID", Some("docker"));
        check_container("/system.slice/docker-ID.scope", Some("docker"));
        check_container("/user.slice/libpod-ID.scope/container", Some("podman"));
        check_container("/user.slice/libpod-conmon-ID.scope", None);
        check_container("/kubepods.slice/cri-containerd-ID.scope", Some("containerd"));
        check_container("/k8s/burstable/pod1/ID", Some(""));
        check_container("/system.slice:docker:ID", Some(""));
        check_container("/docker/short", None);
    }

    #[test]
    fn hierarchies_are_told_apart() {
        let mixed = format!("9:name=systemd:/system.slice/a.service\n4:memory:/docker/{ID}\n0::/\nx\n");
        let cgroup = Cgroup::parse(&mixed);
        assert_eq!(cgroup.path.as_deref(), Some("/system.slice/a.service"));
        assert_eq!(cgroup.unit.map(|unit| unit.name).as_deref(), Some("a.service"));
        assert_eq!(
            cgroup.container.and_then(|container| container.engine),
            Some("docker")
        );
        let unified = Cgroup::parse("0::/user.slice/a:b.scope\n");
        assert_eq!(unified.path.as_deref(), Some("/user.slice/a:b.scope"));
        assert_eq!(Cgroup::parse(""), Cgroup::default());
    }

    proptest! {
        #[test]
        fn no_text_can_make_the_parser_panic(text in "(?s)[0-9a-z:/.@_-]{0,80}|.{0,80}") {
            let _ = Cgroup::parse(&text);
        }
    }
}
