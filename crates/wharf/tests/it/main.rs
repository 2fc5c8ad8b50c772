//! End-to-end tests: the program as a user runs it, against real processes and sockets.

mod bad_input;
mod capture;
mod datagrams;
mod door;
mod echo;
mod explain;
mod guardian;
mod http;
mod http_rules;
mod links;
mod machine;
mod play;
mod ports;
mod profiles;
mod requests;
mod running;
mod segments;
mod server;
mod settings;
mod stack;
mod stop;
mod tls;
mod toxiproxy;
mod traces;
mod wait;
mod world;
