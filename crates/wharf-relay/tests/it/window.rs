//! A window that was promised is really filled.

use std::io::{Read, Write};
use std::thread;

use wharf_link::{Conditions, Size, StreamModel};
use wharf_relay::LinkStats;

use crate::bed::{Bed, latency};

/// How many bytes of a window are sent before they can be acknowledged.
const WINDOW: u64 = 64 << 20;

/// A sender that has enough fills all of its window, in slow start; and what is under way is never more.
#[test]
fn a_window_of_64_mib_is_really_under_way() {
    let conditions = Conditions {
        stream: StreamModel {
            window: Some(Size::from_bytes(WINDOW)),
            ..StreamModel::DEFAULT
        },
        ..latency(400)
    };
    let bed = Bed::made(|spec| spec.down = conditions);
    let (client, server) = bed.pair();
    thread::scope(|scope| {
        scope.spawn(|| while { &server }.write_all(&[1; 1 << 18]).is_ok() {});
        scope.spawn(|| {
            let mut buffer = vec![0; 1 << 18];
            while { &client }.read(&mut buffer).is_ok_and(|count| count > 0) {}
        });
        let under_way = |stats: &LinkStats| stats.taken_down - stats.bytes_down;
        bed.await_stats(|stats| {
            assert!(under_way(stats) <= WINDOW, "{stats:?}");
            under_way(stats) > WINDOW / 10 * 9
        });
        // All end.
        bed.relay.remove(bed.link).expect("removed");
    });
}
