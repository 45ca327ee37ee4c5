//! `mul`: the product of two tensors, elementwise, then requantization. Works in place where element sizes agree.

use core::fmt;

use super::OpBody;
use super::layer::{flag, list_requant};
use crate::error::OpFault;
use crate::kernels::elementwise::{self, Operands};
use crate::kernels::mul::mul;
use crate::num::{IntRange, Requant};
use crate::program::bounds;
use crate::program::constants::Constants;
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// `output[i] = requant(i % channels, (input[i] - zero_points[0]) * (second[j] - zero_points[1]))`.
///
/// `j` is `i` if `second` has as many elements as `input`, else `i` modulo its number of elements: it is repeated along
/// the outer axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mul<'p> {
    /// Integers of any element type.
    pub input: TensorId,
    /// As many integers of any element type, or fewer whose number divides that of the output.
    pub second: TensorId,
    /// As many elements as `input`.
    pub output: TensorId,
    /// Codes of the real value 0 in `input` and `second`.
    pub zero_points: [i32; 2],
    /// Channels: the elements of one row; divides the number of elements.
    pub channels: u32,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
    /// Products of 64 bits, which a form of 64-bit accumulators requantizes.
    pub wide: bool,
}

record! {
    /// The fields of `mul`.
    pub(crate) struct MulRecord {
        pub(crate) second: u16 = "The second tensor it reads.",
        pub(crate) wide: u8 = "1 if products have 64 bits, else 0.",
        pub(crate) reserved: u8 = "Zero.",
        pub(crate) channels: u32 = "Elements of one row; divides the number of elements.",
        pub(crate) zero_points: [i32; 2] = "Codes of the real value 0 in the first and the second tensor.",
        pub(crate) requant: RequantRecord = "From accumulators to codes.",
    }
}

impl<'p> OpBody<'p> for Mul<'p> {
    type Record = MulRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &MulRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 {
            return Err(OpFault::Reserved);
        }
        Ok(Self {
            input,
            second: TensorId(record.second),
            output,
            zero_points: record.zero_points,
            channels: record.channels,
            requant: record.requant.decode(constants)?,
            wide: flag(record.wide)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> MulRecord {
        MulRecord {
            second: self.second.0,
            wide: self.wide.into(),
            reserved: 0,
            channels: self.channels,
            zero_points: self.zero_points,
            requant: RequantRecord::encode(self.requant.as_ref(), constants),
        }
    }

    fn second(&self) -> Option<TensorId> {
        Some(self.second)
    }

    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        elementwise::may_share(input, output)
    }

    fn verify(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        let second = tensors.get(self.second).ok_or(OpFault::NoTensor { tensor: self.second })?;
        elementwise::verify_shapes(input, &second, output, self.channels)?;
        if self.wide && self.requant.is_none() {
            return Err(OpFault::Form);
        }
        let acc = range(input.range, second.range, self.zero_points)
            .filter(|acc| self.wide || acc.signed_bits() <= i32::BITS);
        bounds::elementwise(self.requant.as_ref(), self.channels, |_| acc, output)
    }

    fn run(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let Some(second) = tensors.get(self.second) else { return };
        let operands = Operands {
            first: input,
            second: &second,
            output,
            channels: self.channels,
            requant: self.requant.as_ref(),
        };
        mul(&operands, self.zero_points, self.wide, arena);
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
