//! What the path of a cgroup says by custom.

use crate::{SocketFacts, Unit, UnitManager};

impl Unit {
    /// The unit that a path belongs to: its first part that is neither a slice nor a user's manager
    /// (systemd, src/basic/cgroup-util.c: `cg_path_decode_unit`, `cg_path_get_user_unit`).
    #[must_use]
    pub fn of_cgroup(path: &str) -> Option<Self> {
        let mut manager = UnitManager::System;
        let mut users_manager = None;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if part.ends_with(".slice") {
                continue;
            }
            // A name that would look like a kernel's file is written with `_` before it.
            let part = part.strip_prefix('_').unwrap_or(part);
            if !part.ends_with(".service") && !part.ends_with(".scope") {
                break;
            }
            if part.starts_with("user@") && manager == UnitManager::System {
                manager = UnitManager::User;
                users_manager = Some(part);
                continue;
            }
            return Some(Self {
                name: part.to_owned(),
                manager,
            });
        }
        users_manager.map(|name| Self {
            name: name.to_owned(),
            manager: UnitManager::System,
        })
    }
}

impl SocketFacts {
    /// The unit in whose cgroup it was made: known of a socket whose owner is hidden, too. One that a
    /// manager opened for a service (socket activation) is the manager's.
    #[must_use]
    pub fn unit(&self) -> Option<Unit> {
        Unit::of_cgroup(self.cgroup_path.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_unit(path: &str, expected: Option<(&str, UnitManager)>) {
        let unit = Unit::of_cgroup(path);
        let shown = unit.as_ref().map(|unit| (unit.name.as_str(), unit.manager));
        assert_eq!(shown, expected, "{path}");
    }

    #[test]
    fn a_path_names_its_unit() {
        use UnitManager::{System, User};
        check_unit("/", None);
        check_unit("/system.slice/nginx.service", Some(("nginx.service", System)));
        check_unit("/system.slice/nginx.service/sub", Some(("nginx.service", System)));
        check_unit(
            "/user.slice/user-1000.slice/session-3.scope",
            Some(("session-3.scope", System)),
        );
        let user = "/user.slice/user-1000.slice/user@1000.service";
        check_unit(user, Some(("user@1000.service", System)));
        check_unit(
            &format!("{user}/app.slice/app-code.scope"),
            Some(("app-code.scope", User)),
        );
        check_unit("/init.scope", Some(("init.scope", System)));
        check_unit("/docker/abc", None);
    }

    proptest! {
        #[test]
        fn no_path_can_make_the_parser_panic(path in "(?s)[a-z@./_-]{0,60}|.{0,60}") {
            let _ = Unit::of_cgroup(&path);
        }
    }
}
