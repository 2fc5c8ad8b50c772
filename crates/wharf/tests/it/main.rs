//! End-to-end tests: the program as a user runs it, against real processes and sockets.

mod bad_input;
mod door;
mod guardian;
mod links;
mod ports;
mod stack;
mod world;
