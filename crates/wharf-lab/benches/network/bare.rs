//! The limit: two network namespaces, and a thread each way that reads a TUN device and writes the other.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Carrier;

#[path = "../../src/kernel/tun.rs"]
mod tun;

pub(crate) struct Bare {
    /// A process in each namespace, which keeps it.
    keepers: [std::process::Child; 2],
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

const ADDRESSES: [&str; 2] = ["198.18.77.1", "198.18.77.2"];

impl Bare {
    pub(crate) fn start() -> Self {
        let sides = [0, 1].map(|side| {
            std::thread::spawn(move || make(side))
                .join()
                .expect("a namespace")
        });
        let [(one, first), (two, second)] = sides;
        let over = Arc::new(AtomicBool::new(false));
        let (first, second) = (Arc::new(first), Arc::new(second));
        let ways = [(Arc::clone(&first), Arc::clone(&second)), (second, first)];
        let threads = ways.map(|(from, to)| {
            let over = Arc::clone(&over);
            let thread = std::thread::Builder::new().name("bare-forwarder".to_owned());
            thread
                .spawn(move || forward(&from, &to, &over))
                .expect("a thread")
        });
        Self {
            keepers: [one, two],
            over,
            threads: threads.into(),
        }
    }

    fn before(&self, side: usize) -> Vec<OsString> {
        let network = format!("--net=/proc/{}/ns/net", self.keepers[side].id());
        ["nsenter", &network, "--"].map(OsString::from).into()
    }
}

/// A namespace with a device; this thread is in it.
fn make(side: usize) -> (std::process::Child, OwnedFd) {
    unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
    let device = tun::Tun::create(Path::new("/dev/net/tun"), "bare0")
        .expect("a device")
        .fd;
    let ip = |words: &str| {
        let status = Command::new("ip")
            .args(words.split_whitespace())
            .status()
            .expect("ip runs");
        assert!(status.success(), "ip {words}");
    };
    ip("link set lo up");
    ip("link set bare0 up txqueuelen 10000");
    ip(&format!("addr add {}/24 dev bare0", ADDRESSES[side]));
    let keeper = Command::new("sleep").arg("1000").spawn().expect("sleep runs");
    (keeper, device)
}

fn forward(from: &OwnedFd, to: &OwnedFd, over: &AtomicBool) {
    let mut buffer = vec![0; 66 * 1024];
    let patience = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };
    while !over.load(Ordering::Relaxed) {
        match rustix::io::read(from, &mut buffer) {
            Ok(length) => {
                let _ = rustix::io::write(to, &buffer[..length]);
            }
            Err(_) => {
                let _ = poll(
                    &mut [PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN)],
                    Some(&patience),
                );
            }
        }
    }
}

impl Carrier for Bare {
    fn sender(&self) -> Vec<OsString> {
        self.before(0)
    }

    fn receiver(&self) -> Vec<OsString> {
        self.before(1)
    }

    fn address(&self) -> String {
        ADDRESSES[1].to_owned()
    }

    fn on_processor(&self) -> Duration {
        crate::cost::on_processor("bare-forwarder")
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        for keeper in &mut self.keepers {
            let _ = keeper.kill();
            let _ = keeper.wait();
        }
    }
}
