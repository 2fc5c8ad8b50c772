//! Snapshots that no machine ever had.

mod json;
mod meeting;
mod reasons;
