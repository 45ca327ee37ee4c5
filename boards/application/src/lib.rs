//! One application for every board: it reads a sensor, keeps a window, runs a model, decides, drives a pin and logs.
//!
//! Boards call it with what their HAL gives, through the traits of `embedded-hal` and `embedded-io` alone:
//!
//! - [`accelerometer`]: drivers of sensors on an I2C bus; [`frames`]: samples that come over a serial port instead;
//! - [`window`]: the samples that a run takes; [`model`]: an engine or a module of generated code behind one trait;
//! - [`decide`]: from scores to a decision that holds; [`application`]: all of it for each frame of samples;
//! - [`pin`]: lamps that light when their pin is low; with feature `gestures` the module `gestures`, the model that boards have;
//! - [`sampled`] and [`serve`]: the loops of both kinds of sources;
//! - [`slots`]: programs in two slots of flash, one of which stands by.
//!
//! Samples are integers from the sensor to the model's codes, which its own quantizer makes. Classes are told apart by exact
//! numbers, and leads by numbers with a fixed point: integers of different scales are never compared. Probabilities are for the log.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]

pub mod accelerometer;
pub mod application;
pub mod clock;
pub mod decide;
pub mod frames;
#[cfg(feature = "gestures")]
pub mod gestures;
mod log;
pub mod model;
pub mod pin;
pub mod report;
pub mod sampled;
pub mod serve;
pub mod slots;
pub mod window;

pub use application::{Application, Settings};
pub use exactum_display::fixed::types::I16F16;
pub use exactum_runtime as runtime;
pub use report::Report;
