//! Every op against a plain scalar reference: random geometry, element types, requantization forms.

mod convolution;
mod dense;
mod elementwise;
mod layout;
mod pool;
#[path = "../support/mod.rs"]
mod support;
mod top_k;
