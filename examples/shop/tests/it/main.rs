//! The three programs, as they run.

mod http;
mod running;
mod shop;
mod store;
