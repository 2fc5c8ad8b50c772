//! Stages over real sockets of loopback.

mod faults;
mod http1;
mod http2;
mod live;
mod rules;
mod support;
mod tls;
