//! Pooling to an output of given height and width, which divide those of the input.

use super::avg_pool::AvgPool2d;
use super::max_pool::MaxPool2d;
use crate::activation::Activation;
use crate::component::{Component, burn_module};
use crate::error::ForwardError;

/// Declares a layer that pools equal windows by another one.
macro_rules! adaptive_pool {
    ($(#[$doc:meta])* $layer:ident, $pool:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $layer {
            name: String,
            output_size: [usize; 2],
        }

        impl $layer {
            /// A pool to height and width `output_size`; `[1, 1]` makes one element of each channel.
            pub fn new(name: impl Into<String>, output_size: [usize; 2]) -> Self {
                Self { name: name.into(), output_size }
            }

            /// The pooled input, quantized if the input is.
            ///
            /// # Errors
            ///
            /// If the output size does not divide the input's.
            pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
                let kernel = window(&self.name, self.output_size, x.dims())?;
                $pool::new(self.name.clone(), kernel, kernel).forward(x)
            }
        }

        impl Component for $layer {
            fn label(&self) -> String {
                format!("{}(output_size={:?})", stringify!($layer), self.output_size)
            }
        }

        burn_module!([] $layer);
    };
}

adaptive_pool! {
    /// Average pooling to an output of given height and width, which divide those of the input: windows of different
    /// sizes have no common scale.
    AdaptiveAvgPool2d, AvgPool2d
}

adaptive_pool! {
    /// Max pooling to an output of given height and width, which divide those of the input.
    AdaptiveMaxPool2d, MaxPool2d
}

/// Height and width of the windows.
fn window(name: &str, output_size: [usize; 2], found: [usize; 4]) -> Result<[usize; 2], ForwardError> {
    let [height, width] = output_size;
    let divides = |out: usize, extent: usize| out > 0 && extent > 0 && extent.is_multiple_of(out);
    if divides(height, found[2]) && divides(width, found[3]) {
        return Ok([found[2] / height, found[3] / width]);
    }
    let needed = format!("[batch, channels, a multiple of {height}, a multiple of {width}]");
    Err(ForwardError::Shape { layer: name.to_owned(), found: found.to_vec(), needed })
}
