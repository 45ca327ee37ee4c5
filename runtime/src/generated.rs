//! What the modules are made of that `exactum build --emit rust` writes: a program as code, for one model.
//!
//! Such a module calls [kernels](crate::kernels) with constant geometry and constant weights. It needs no image, no loader
//! and no [`Engine`](crate::Engine), and the linker keeps nothing but what its model needs. Nothing here is meant to be
//! called by hand.

use core::marker::PhantomData;

use zerocopy::{FromBytes, IntoBytes};

pub use exactum_format::op::{Bias, Weights};
pub use exactum_format::{After, Axes, Packing, PortNumbers, Window2d};
pub use exactum_kernels::add::ByteSum;
pub use exactum_kernels::conv2d::{Area, Conv};
pub use exactum_kernels::dense::Dense;
pub use exactum_kernels::element::Of;
pub use exactum_kernels::elementwise::{Buffers, Operands};
pub use exactum_kernels::high::High;
pub use exactum_kernels::pairs::FilterPairs;
pub use exactum_kernels::products::{General, Nibbles, Rows};
pub use exactum_kernels::quads::FilterQuads;
pub use exactum_kernels::rearrange::Layout;
pub use exactum_kernels::sum_pool2d::SumPool;
pub use exactum_kernels::tail::{Known, Plain, Stored, Tail};
pub use exactum_kernels::taps::TapBlocks;
pub use exactum_kernels::top_k::Best;
pub use exactum_kernels::winograd::Winograd;
pub use exactum_kernels::{
    Native, add, concat, conv_transpose2d, conv2d, dense, max_pool2d, mul, pairs, push, quads, rearrange,
    requantize, sum_pool2d, taps, top_k, winograd,
};
pub use exactum_num::codes::{Code, Codes, CodesMut};
pub use exactum_num::requant::{Entries, forms};
pub use exactum_num::{InputQuantizer, IntRange, ThresholdQuantizer, Unit};

pub use crate::arena::Arena;
use crate::arena::{Pieces, disjoint, disjoint_with_scratch};

/// The items of the module that a build script made with `exactum-build` of `model.onnx`: `include_model!("model")`, to be
/// called in a module of its own.
#[macro_export]
macro_rules! include_model {
    ($name:literal $(,)?) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

/// `ELEMS` codes of type `T` from byte `START` of an arena on: a tensor as a type.
#[derive(Debug)]
pub struct Slot<T, const START: usize, const ELEMS: usize>(PhantomData<T>);

/// A [`Slot`].
pub trait Tensor {
    /// The type of its codes.
    type Code: Code;
    /// Its bytes in the arena.
    const START: usize;
    /// The byte behind them.
    const END: usize;
}

impl<T: Code, const START: usize, const ELEMS: usize> Tensor for Slot<T, START, ELEMS> {
    type Code = T;
    const START: usize = START;
    const END: usize = START.wrapping_add(ELEMS.wrapping_mul(size_of::<T>()));
}

impl<T: Code + 'static, const START: usize, const ELEMS: usize> Slot<T, START, ELEMS> {
    /// Its codes.
    #[inline(always)]
    pub fn codes<const N: usize>(arena: &Arena<N>) -> &[T; ELEMS] {
        const { assert_inside::<Self, N>() };
        match arena.as_slice().get(START..Self::END).map(<[T; ELEMS]>::ref_from_bytes) {
            Some(Ok(codes)) => codes,
            _ => absent(),
        }
    }

    /// Its codes, to be written.
    #[inline(always)]
    pub fn codes_mut<const N: usize>(arena: &mut Arena<N>) -> &mut [T; ELEMS] {
        const { assert_inside::<Self, N>() };
        match arena.as_mut_slice().get_mut(START..Self::END).map(<[T; ELEMS]>::mut_from_bytes) {
            Some(Ok(codes)) => codes,
            _ => absent(),
        }
    }

    /// The type of its codes, for kernels that work in place.
    pub const TYPE: Of<T> = Of::TYPE;
}

/// A module that does not fit together does not compile.
const fn assert_inside<T: Tensor, const N: usize>() {
    assert!(T::START <= T::END && T::END <= N, "a tensor lies outside the arena");
    assert!(T::START.is_multiple_of(8), "a tensor is misaligned");
}

/// What [`assert_inside`] leaves no way to; compilers leave it out.
#[allow(clippy::unreachable, reason = "the assertions hold for every arena and tensor that compile")]
fn absent() -> ! {
    unreachable!("a tensor lies outside the arena")
}

/// The views of the ops of a module; `None` where tensors overlap, which those of a program do not.
impl<const N: usize> Arena<N> {
    /// Codes that an op reads, and those it writes.
    #[inline(always)]
    #[expect(clippy::type_complexity, reason = "a tuple of views, which callers take apart at once")]
    pub fn views<I: Tensor, O: Tensor>(&mut self) -> Option<(&[I::Code], &mut [O::Code])> {
        const { assert_inside::<I, N>() };
        const { assert_inside::<O, N>() };
        let (read, write) = disjoint(self.as_mut_slice(), I::START..I::END, O::START..O::END)?;
        Some((FromBytes::ref_from_bytes(read).ok()?, FromBytes::mut_from_bytes(write).ok()?))
    }

    /// The bytes of both, for ops to which elements do not matter.
    #[inline(always)]
    pub fn byte_views<I: Tensor, O: Tensor>(&mut self) -> Option<(&[u8], &mut [u8])> {
        const { assert_inside::<I, N>() };
        const { assert_inside::<O, N>() };
        disjoint(self.as_mut_slice(), I::START..I::END, O::START..O::END)
    }

    /// Codes that an op reads, those it writes, and those it works in.
    #[inline(always)]
    #[expect(clippy::type_complexity, reason = "a tuple of views, which callers take apart at once")]
    pub fn views_and_scratch<I: Tensor, O: Tensor, S: Tensor>(
        &mut self,
    ) -> Option<(&[I::Code], &mut [O::Code], &mut [S::Code])> {
        const { assert_inside::<I, N>() };
        const { assert_inside::<O, N>() };
        const { assert_inside::<S, N>() };
        let (read, write, scratch) =
            disjoint_with_scratch(self.as_mut_slice(), I::START..I::END, O::START..O::END, S::START..S::END)?;
        Some((
            FromBytes::ref_from_bytes(read).ok()?,
            FromBytes::mut_from_bytes(write).ok()?,
            FromBytes::mut_from_bytes(scratch).ok()?,
        ))
    }

    /// The codes of two tensors, to be written: what an op writes whose input lies outside, and what it works in.
    #[inline(always)]
    #[expect(clippy::type_complexity, reason = "a tuple of views, which callers take apart at once")]
    pub fn views_mut<O: Tensor, S: Tensor>(&mut self) -> Option<(&mut [O::Code], &mut [S::Code])> {
        const { assert_inside::<O, N>() };
        const { assert_inside::<S, N>() };
        let mut pieces = Pieces::new(self.as_mut_slice());
        let (write, scratch) = (pieces.take(O::START..O::END)?, pieces.take(S::START..S::END)?);
        Some((FromBytes::mut_from_bytes(write).ok()?, FromBytes::mut_from_bytes(scratch).ok()?))
    }

    /// The bytes of a tensor, to be written, and all others, to be read.
    #[inline(always)]
    pub fn split<T: Tensor>(&mut self) -> Option<(Reads<'_>, &mut [u8])> {
        const { assert_inside::<T, N>() };
        let mut pieces = Pieces::new(self.as_mut_slice());
        let write = pieces.take(T::START..T::END)?;
        Some((Reads(pieces.shared()), write))
    }

    /// The bytes of all tensors, to be read.
    #[inline(always)]
    pub fn reads(&mut self) -> Reads<'_> {
        Reads(Pieces::new(self.as_mut_slice()).shared())
    }

    /// The bytes of a tensor.
    #[inline(always)]
    pub fn bytes<T: Tensor>(&mut self) -> &mut [u8] {
        const { assert_inside::<T, N>() };
        self.as_mut_slice().get_mut(T::START..T::END).unwrap_or_default()
    }

    /// The arena with a tensor filled with `code`: what a state holds before the first run.
    #[must_use]
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "evaluated where a model is built, usually by the compiler; the assertion says that all is inside"
    )]
    pub const fn filled<T: Tensor>(mut self, code: i32) -> Self {
        const { assert_inside::<T, N>() };
        let (bytes, mut at) = (code.to_le_bytes(), T::START);
        while at < T::END {
            self.0[at] = bytes[(at - T::START) % size_of::<T::Code>()];
            at += 1;
        }
        self
    }
}

/// What an op of an arena does not write.
#[derive(Debug)]
pub struct Reads<'a>(Pieces<&'a [u8]>);

impl<'a> Reads<'a> {
    /// The bytes of a tensor; `None` if it is the one that is written.
    #[inline(always)]
    pub fn bytes<T: Tensor>(&self) -> Option<&'a [u8]> {
        self.0.get(T::START..T::END)
    }
}

/// The bytes of codes outside the arena.
#[inline(always)]
pub fn bytes<T: Code>(codes: &[T]) -> &[u8] {
    codes.as_bytes()
}

/// The same, to be written.
#[inline(always)]
pub fn bytes_mut<T: Code>(codes: &mut [T]) -> &mut [u8] {
    codes.as_mut_bytes()
}

/// Writes the codes of `values`, each as `quantize` makes it of its position and itself.
#[inline(never)]
pub fn quantize<T: Code>(values: &[f32], codes: &mut [T], quantize: impl Fn(usize, f32) -> i32) {
    for (index, (code, value)) in codes.iter_mut().zip(values).enumerate() {
        *code = T::truncate(quantize(index, *value));
    }
}
