//! Outputs for people: fixed-point numbers, probabilities and decibels, on microcontrollers without floating point too.
//!
//! Firmware calls it to show or log what a program computed. What firmware decides it decides by the integers of
//! [`Engine::argmax`], [`Engine::largest`] and [`Real`], which are exact; fixed-point numbers are those rounded once, and
//! probabilities and decibels are approximations by `micromath`.
//!
//! [`Engine::argmax`]: https://docs.rs/exactum-runtime
//! [`Engine::largest`]: https://docs.rs/exactum-runtime
//! [`Real`]: exactum_num::Real
//!
//! ```
//! use exactum_display::{RealFixed, decibels, softmax};
//! use exactum_display::fixed::types::I16F16;
//! use exactum_num::{Real, Unit};
//!
//! let unit = Unit { mantissa: 3, exponent: -4 }; // 3/16
//! let scores = [8, 16, -2].map(|count| Real { count, unit });
//! assert_eq!(scores[1].saturating_fixed::<I16F16>().to_string(), "3");
//!
//! let mut probabilities = [0.0; 3];
//! softmax(scores, &mut probabilities);
//! assert_eq!((probabilities[1] * 100.0) as u8, 79);
//! assert_eq!(decibels(scores[1]).round(), 10.0);
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

mod approximate;
mod real;

pub use approximate::{decibels, power_decibels, sigmoid, softmax};
pub use fixed;
pub use real::RealFixed;
