//! Questions to the real machine, about sockets and processes that the tests make themselves.

#![cfg(target_os = "linux")]

mod containers;
mod owner;
mod ports;
mod process;
mod reasons;
mod snapshot;
mod sockets;
mod worker;

/// A child that waits until its input ends, and is ended with the test.
struct Waiter(std::process::Child);

impl Waiter {
    fn start(command: &mut std::process::Command) -> Self {
        Self(command.spawn().expect("start a child"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again until `condition` holds; a bounded number of times.
#[track_caller]
fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}: not within ten seconds");
}

/// Says that `test` could not be tried here. Past the harness, which would swallow it.
fn skip(test: &str, why: &dyn std::fmt::Display) {
    use std::io::Write;
    // In one write, or the harness would write in between.
    let line = format!("SKIPPED: {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
