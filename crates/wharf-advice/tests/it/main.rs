//! Rules on machines that no one ever had.

mod clean;
mod machine;
mod pages;
mod properties;
mod scenarios;
mod table;
