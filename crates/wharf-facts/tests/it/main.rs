//! Snapshots that no machine ever had.

mod doubts;
mod json;
mod meeting;
mod reasons;
