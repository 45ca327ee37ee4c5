//! Largest and mean magnitudes.

use super::Stats;
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;

macro_rules! magnitudes {
    ($($(#[$doc:meta])* $name:ident, |$x:ident| $stat:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl Component for $name {
            fn label(&self) -> String {
                concat!(stringify!($name), "()").into()
            }
        }

        impl Stats for $name {
            fn forward(&self, $x: Tensor<2>, _mode: Mode) -> Tensor<2> {
                $stat
            }
        }
    )*};
}

magnitudes! {
    /// The largest magnitude.
    AbsMax, |x| backend::abs_max(x);
    /// The mean magnitude.
    AbsAve, |x| x.abs().mean_dim(1);
    /// The mean over groups of the largest magnitudes: one value for all.
    AbsMaxAve, |x| backend::abs_max(x).mean_dim(0);
}
