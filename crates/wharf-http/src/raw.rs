//! Bytes, of which nothing is known.

use tokio::io::copy_bidirectional_with_sizes;

use crate::desk::Desk;
use crate::h1::BUFFER;
use crate::tls::Speech;
use crate::wire::Wire;

/// Carries bytes both ways until both sides have ended. An end on one side is an end on the other; an error
/// on either resets both, because both wires are dropped without a farewell.
pub(crate) async fn carry(mut client: Wire, desk: &Desk) {
    if let Ok(mut provider) = desk.dial(Speech::Raw).await {
        let _ = copy_bidirectional_with_sizes(&mut client, &mut provider, BUFFER, BUFFER).await;
    }
}
