//! Random programs of one op, and a plain reference for each that shares no code with the kernels.

#![allow(dead_code, reason = "every test binary uses a part")]

pub(crate) mod image;
pub(crate) mod layer;
pub(crate) mod requant;
pub(crate) mod ways;
