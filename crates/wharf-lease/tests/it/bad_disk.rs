//! A full disk and a read-only one, in a mount namespace of the test's own.

use std::process::Stdio;

use wharf_lease::{Checkout, Key, Registry, RegistryConfig, StateDir};

use crate::skip;
use crate::worker::{self, Worker, command_under};

/// In the namespace: makes a small file system, fills it or makes it read-only, and tries.
pub(crate) fn worker() {
    let mount = |arguments: &[&str]| {
        std::process::Command::new("mount")
            .args(arguments)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let directory = worker::hear().expect("a directory");
    if !mount(&["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", &directory]) {
        worker::say("cannot mount");
        return;
    }
    let state = StateDir::at(&directory);
    let open = || Registry::open(&state, RegistryConfig::default());
    let key = |name: String| Key::main(Checkout::at(directory.as_ref()).expect("a path"), name);

    // Full from the start.
    std::fs::write(format!("{directory}/rubbish"), vec![0; 1 << 20]).expect_err("a full disk");
    worker::say(open().map(drop).expect_err("the disk is full"));
    std::fs::remove_file(format!("{directory}/rubbish")).expect("removed");

    // Full in the midst of it.
    let registry = open().expect("there is room again");
    let mut kept = Vec::new();
    let error = loop {
        let key = key(format!("{}-{}", "s".repeat(200), kept.len()));
        match registry.lease(&key) {
            Ok(lease) => kept.push((key, lease.port())),
            Err(error) => break error,
        }
    };
    worker::say(error);
    for (key, port) in &kept {
        assert_eq!(registry.lease(key).expect("it was given").port(), *port);
    }
    drop(registry);

    // Read-only.
    if mount(&["-o", "remount,bind,ro", &directory]) {
        let error = open().and_then(|registry| registry.lease(&key("new".to_owned())));
        worker::say(error.map(drop).expect_err("the disk is read-only"));
    } else {
        worker::say("cannot remount");
    }
}

#[test]
fn a_disk_that_cannot_be_written_is_one_clear_error() {
    const TEST: &str = "a_disk_that_cannot_be_written_is_one_clear_error";
    let directory = tempfile::tempdir().expect("a directory");
    let command = command_under(&["unshare", "-r", "-m", "--"], "disk");
    let mut worker = match Worker::start(command) {
        Ok(worker) => worker,
        Err(error) => return skip(TEST, format_args!("unshare: {error}")),
    };
    let path = directory.path().to_str().expect("a path");
    worker.tell(path);
    let first = match worker.next() {
        None => return skip(TEST, "no user namespace may be made here"),
        Some(said) if said == "cannot mount" => return skip(TEST, said),
        Some(said) => said,
    };
    for said in [Some(first), worker.next()] {
        let said = said.expect("an error");
        assert!(said.contains("no space left on the device"), "{said}");
        assert!(said.contains(path), "{said}");
    }
    let said = worker.next().expect("an error");
    if said == "cannot remount" {
        return skip(TEST, said);
    }
    assert!(said.to_lowercase().contains("read-only"), "{said}");
    assert!(said.contains(path), "{said}");
}

#[test]
fn a_directory_that_may_not_be_written_is_one_clear_error() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state");
    std::fs::create_dir(&path).expect("a directory");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o500)).expect("a mode");
    let opened = Registry::open(&StateDir::at(&path), RegistryConfig::default());
    if rustix::process::geteuid().is_root() {
        opened.expect("root may write anywhere");
        return skip(
            "a_directory_that_may_not_be_written_is_one_clear_error",
            "this is root",
        );
    }
    let error = opened.expect_err("it may not be written").to_string();
    assert!(
        error.contains("read-only") && error.contains("state/leases.db"),
        "{error}"
    );
}
