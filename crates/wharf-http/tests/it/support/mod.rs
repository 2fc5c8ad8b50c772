//! A stage, a provider that speaks HTTP/1 and HTTP/2, and clients that say what they saw.

pub(crate) mod client;
pub(crate) mod provider;
pub(crate) mod script;

use std::net::SocketAddr;
use std::time::Duration;

use wharf_http::{HttpStage, Rule, StageConfig, Upstream};
use wharf_link::Seed;

/// Longer than anything here takes, also on a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A stage in front of `provider`, with rules in words, one a line.
pub(crate) fn stage(provider: SocketAddr, rules: &str) -> HttpStage {
    HttpStage::start(config(provider, rules)).expect("a stage")
}

pub(crate) fn config(provider: SocketAddr, rules: &str) -> StageConfig {
    StageConfig {
        rules: parse(rules),
        seed: Seed(7),
        ..StageConfig::new("web -> api", Upstream::clear([provider]))
    }
}

pub(crate) fn parse(rules: &str) -> Vec<Rule> {
    let lines = rules.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.parse().expect(line)).collect()
}

/// Waits until a count is what it will be: counters move on the stage's own thread.
pub(crate) fn until(expected: u64, read: impl Fn() -> u64) {
    for _ in 0..PATIENCE.as_millis() / 5 {
        if read() == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(read(), expected);
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
