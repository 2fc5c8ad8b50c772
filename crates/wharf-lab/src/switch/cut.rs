//! One packet made into several: trains into what their sender meant, what is too long into fragments.

use wharf_packet::{Fragments, Segments, VnetHeader};

use super::pool::{Buffer, Pool};

/// Why no more pieces came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// It says of itself what it is not.
    Malformed,
    /// There is no memory for the next piece.
    OutOfMemory,
}

/// Cuts a train into the packets that its sender meant, in their order.
pub(crate) fn train(
    pool: &Pool,
    bytes: &[u8],
    header: &VnetHeader,
    mut each: impl FnMut(Buffer),
) -> Result<(), Short> {
    let mut pieces = Segments::new(bytes, header).map_err(|_| Short::Malformed)?;
    while let Some(len) = pieces.next_len() {
        let mut buffer = pool.take(len).ok_or(Short::OutOfMemory)?;
        match pieces.write_next(&mut buffer) {
            Ok(Some(len)) => buffer.set_len(len),
            Ok(None) | Err(_) => break,
        }
        each(buffer);
    }
    Ok(())
}

/// Writes the fragments of a packet, in their order.
pub(crate) fn fragments(
    pool: &Pool,
    fragments: &mut Fragments<'_>,
    mtu: usize,
    mut each: impl FnMut(Buffer),
) -> Result<(), Short> {
    loop {
        let mut buffer = pool.take(mtu).ok_or(Short::OutOfMemory)?;
        match fragments.write_next(&mut buffer) {
            Ok(Some(len)) => buffer.set_len(len),
            Ok(None) | Err(_) => return Ok(()),
        }
        each(buffer);
    }
}
