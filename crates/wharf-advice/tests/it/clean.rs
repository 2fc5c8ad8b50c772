//! Machines as they are shipped.
