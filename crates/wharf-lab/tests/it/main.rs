//! A lab's link against what its conditions say: real packets between real network namespaces.

mod bloat;
mod capture;
mod counted;
mod delay;
mod kernel;
mod lab;
mod loss;
mod network;
mod paths;
mod rates;
mod reach;
mod theory;
mod trace;
