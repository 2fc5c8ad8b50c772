//! End-to-end tests: the program as a user runs it, against real processes and sockets.

mod bad_input;
mod door;
mod guardian;
mod http;
mod links;
mod ports;
mod running;
mod stack;
mod toxiproxy;
mod world;
