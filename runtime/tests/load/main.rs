//! What loading refuses, a file for each family of ops and each part of a program, and that whatever it accepts runs.

#[macro_use]
mod networks;
mod arena;
mod convolution;
mod dense;
mod elementwise;
mod image;
mod layout;
mod limits;
mod meaning;
mod order;
mod outside;
mod pool;
mod ports;
mod requant;
mod states;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod top_k;
