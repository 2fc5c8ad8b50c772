//! A lab's link against what its conditions say: real packets between real network namespaces.

mod capture;
mod delay;
mod lab;
mod loss;
mod paths;
mod rates;
mod reach;
mod theory;
