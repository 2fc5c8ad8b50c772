//! For `fuzz/`, which sees only what is public: built with `--cfg fuzzing` and not otherwise.

use bytes::BytesMut;

use crate::h1::framing::{BodyReader, Piece};
use crate::h1::head::{Framing, Parsed, RequestHead, ResponseHead};

/// Reads bytes as a client's and as a provider's: heads, and the bodies behind them.
///
/// # Panics
/// If what is read is not what came: no byte may be lost or made.
pub fn heads_and_bodies(bytes: &[u8]) {
    let mut buffer = BytesMut::from(bytes);
    while let Parsed::Whole(request) = RequestHead::take(&mut buffer) {
        let _ = request.head.start_line();
        assert_eq!(
            request.head.bytes().len() + buffer.len(),
            left_of(bytes, &buffer, request.head.bytes())
        );
        let _ = request.head.fields().count();
        if !body(&mut buffer, request.framing) {
            break;
        }
    }
    let mut buffer = BytesMut::from(bytes);
    for method in ["GET", "HEAD", "CONNECT"].iter().cycle() {
        let Parsed::Whole(response) = ResponseHead::take(&mut buffer) else {
            break;
        };
        let _ = response.head.fields().count();
        if response.switches(method) || !body(&mut buffer, response.framing(method)) {
            break;
        }
    }
}

/// How many bytes were there before the head was taken.
fn left_of(all: &[u8], rest: &[u8], head: &[u8]) -> usize {
    assert!(all.ends_with(rest), "what is left is the end of what came");
    let from = all.len() - rest.len() - head.len();
    assert_eq!(&all[from..from + head.len()], head, "a head is kept as it came");
    all.len() - from
}

/// Reads a body. Whether it came to its end.
fn body(buffer: &mut BytesMut, framing: Framing) -> bool {
    let mut reader = BodyReader::new(framing);
    loop {
        match reader.next(buffer) {
            Piece::Data(count) | Piece::Frame(count) => {
                assert!((1..=buffer.len()).contains(&count), "{count} of {}", buffer.len());
                let _ = buffer.split_to(count);
            }
            Piece::End => return true,
            Piece::More | Piece::Garbled => return false,
        }
    }
}
