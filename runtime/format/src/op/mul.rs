//! `mul`: the product of two tensors, elementwise, then requantization. Works in place where element sizes agree.

use core::fmt;

use exactum_num::{IntRange, Requant};

use super::declare::{Checks, op};
use crate::bounds::{self, may_share, verify_shapes};
use crate::error::OpFault;
use crate::layer::list_requant;
use crate::requant::RequantRecord;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;

op! {
    /// `output[i] = requant(i % channels, (input[i] - zero_points[0]) * (second[j] - zero_points[1]))`.
    ///
    /// `j` is `i` if `second` has as many elements as `input`, else `i` modulo its number of elements: it is repeated along
    /// the outer axes.
    Mul<'p> as MulRecord {
        operands {
            input = "Integers of any element type.",
            second = "As many integers of any element type, or fewer whose number divides that of the output.",
        }
        results {
            output = "As many elements as `input`.",
        }
        channels: u32 as u32 = "Elements of one row; divides the number of elements.",
        zero_points: [i32; 2] as [i32; 2] = "Codes of the real value 0 in the first and the second tensor.",
        requant: Option<Requant<'p>> as RequantRecord = "From accumulators to codes.",
        wide: bool as u8 = "1 if products have 64 bits, which a form of 64-bit accumulators requantizes; else 0.",
    } reserved [u8; 3]
}

impl Checks<'_> for Mul<'_> {
    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        may_share(input, output)
    }

    fn verify(
        &self,
        tensors: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        let second = tensors.get(self.second).ok_or(OpFault::NoTensor { tensor: self.second })?;
        verify_shapes(input, &second, output, self.channels)?;
        if self.wide && self.requant.is_none() {
            return Err(OpFault::Form);
        }
        let acc = range(input.range, second.range, self.zero_points)
            .filter(|acc| self.wide || acc.signed_bits() <= i32::BITS);
        bounds::elementwise(self.requant.as_ref(), self.channels, 1, |_| acc, output, work)
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.zero_points;
        let products = if self.wide { "64-bit products, " } else { "" };
        write!(f, "zero points {first} and {second}, {} channels, {products}", self.channels)?;
        list_requant(f, self.requant.as_ref())
    }
}

/// The products for codes of `first` and `second`, or `None` past 64 bits.
fn range(first: IntRange, second: IntRange, [a, b]: [i32; 2]) -> Option<IntRange> {
    let centered =
        |range: IntRange, zero: i32| range.checked_add(IntRange::point(i64::from(zero).checked_neg()?));
    let (first, second) = (centered(first, a)?, centered(second, b)?);
    Some(first.checked_scale(second.lo)?.union(first.checked_scale(second.hi)?))
}
