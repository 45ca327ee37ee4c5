//! The table of ops, and their kinds.
//!
//! Reading, writing, checking, running, listing and the documentation follow from that table and one file per op.

/// Calls the macro `$then` with the table of ops: what each computes, its number in programs, its type, and its name, which
/// is also the feature that builds its kernel.
#[macro_export]
macro_rules! program_ops {
    ($then:ident) => {
        $then! {
            /// A matrix times each row of codes, then requantization.
            1 Dense<'p> "dense";
            /// A two-dimensional convolution with stride, padding, dilation and groups, then requantization.
            2 Conv2d<'p> "conv2d";
            /// The largest code of each channel in a sliding window.
            3 MaxPool2d "max-pool2d";
            /// Codes to codes, elementwise, by a requantization for each channel of the last axis.
            4 Requantize<'p> "requantize";
            /// A change of layout: axes reordered, sliced, reversed, repeated or padded.
            5 Rearrange "rearrange";
            /// The weighted sum of two tensors, elementwise, then requantization.
            6 Add<'p> "add";
            /// The product of two tensors, elementwise, then requantization.
            7 Mul<'p> "mul";
            /// The rows of several tensors one after the other.
            8 Concat<'p> "concat";
            /// The sum or the average of each channel in a sliding window, then requantization.
            9 SumPool2d<'p> "sum-pool2d";
            /// A two-dimensional transposed convolution, then requantization.
            10 ConvTranspose2d<'p> "conv-transpose2d";
            /// The positions of the largest or smallest elements of each row, or these elements.
            11 TopK<'p> "top-k";
            /// The newest rows of a signal to the end of a state, which loses as many at its front.
            12 Push "push";
        }
    };
}

macro_rules! kinds {
    ($($(#[doc = $about:literal])* $code:literal $ty:ident $(<$lifetime:lifetime>)? $name:literal;)*) => {
        /// The kinds of op.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum OpKind {
            $($(#[doc = $about])* $ty,)*
        }

        impl OpKind {
            /// Every kind, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$ty),*];

            /// The number of the kind in a program.
            pub const fn code(self) -> u16 {
                match self {
                    $(Self::$ty => $code,)*
                }
            }

            /// The kind a program's number stands for.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$ty),)*
                    _ => None,
                }
            }

            /// The name in listings; also the feature that builds its kernel.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$ty => $name,)*
                }
            }

            /// One sentence on what it computes.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$ty => concat!($($about),*).trim_ascii_start(),)*
                }
            }

            /// Whether this build holds its kernel.
            pub const fn is_built(self) -> bool {
                match self {
                    $(Self::$ty => cfg!(feature = $name),)*
                }
            }
        }
    };
}

program_ops!(kinds);

impl core::fmt::Display for OpKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
