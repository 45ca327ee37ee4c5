//! Weighted sums of two tensors.

mod bytes;

pub use bytes::bytes;

pub use crate::byte_sum::ByteSum;

use exactum_format::op::Multipliers;
use exactum_num::codes::Element;
use exactum_num::requant::at;

use crate::element::ElementType;
use crate::elementwise::{Buffers, Operands, run};
use crate::isa::Isa;
use crate::store::BLOCK_CHANNELS;
use crate::tail::{Finish, Said};

/// Computes the sums of `operands`, each times its factor of `multipliers`; see [`exactum_format::op::Add`].
pub fn add<K: Isa>(
    isa: K,
    operands: &Operands<Element, Element, Element>,
    multipliers: Multipliers<'_>,
    finish: &Said<'_, K>,
    buffers: Buffers<'_>,
) {
    let Operands { first, second, output, period, elems: [_, end], .. } = *operands;
    if let Some(sum) =
        ByteSum::of(multipliers, finish.requant, [first, second, output]).filter(|_| end <= period)
    {
        match output {
            Element::U8 => bytes::<K, u8, _, _, _>(isa, operands, &sum, buffers),
            _ => bytes::<K, i8, _, _, _>(isa, operands, &sum, buffers),
        }
        return;
    }
    match multipliers {
        Multipliers::I32([pair]) => shared(isa, operands, *pair, finish, buffers),
        Multipliers::I32(pairs) => each(isa, operands, pairs, finish, buffers),
        Multipliers::I64(pairs) => wide(isa, operands, pairs, finish, buffers),
    }
}

/// The sums with the same factors for all channels.
#[inline]
pub fn shared<K: Isa, A: ElementType, B: ElementType, O: ElementType>(
    isa: K,
    operands: &Operands<A, B, O>,
    [a, b]: [i32; 2],
    finish: &impl for<'a> Finish<i32, O::CodesMut<'a>>,
    buffers: Buffers<'_>,
) {
    run(isa, operands, buffers, &|channel, accs, others, output| {
        for (acc, other) in accs.iter_mut().zip(others) {
            *acc = a.wrapping_mul(*acc).wrapping_add(b.wrapping_mul(*other));
        }
        finish.finish(channel, accs, output);
    });
}

/// The sums with factors of each channel.
#[inline]
pub fn each<K: Isa, A: ElementType, B: ElementType, O: ElementType>(
    isa: K,
    operands: &Operands<A, B, O>,
    pairs: &[[i32; 2]],
    finish: &impl for<'a> Finish<i32, O::CodesMut<'a>>,
    buffers: Buffers<'_>,
) {
    run(isa, operands, buffers, &|channel, accs, others, output| {
        for (index, (acc, other)) in accs.iter_mut().zip(others).enumerate() {
            let [a, b] = at(pairs, channel.wrapping_add(index));
            *acc = a.wrapping_mul(*acc).wrapping_add(b.wrapping_mul(*other));
        }
        finish.finish(channel, accs, output);
    });
}

/// The sums in 64 bits, with factors of each channel or of all.
#[inline]
pub fn wide<K: Isa, A: ElementType, B: ElementType, O: ElementType>(
    isa: K,
    operands: &Operands<A, B, O>,
    pairs: &[[i64; 2]],
    finish: &impl for<'a> Finish<i64, O::CodesMut<'a>>,
    buffers: Buffers<'_>,
) {
    run(isa, operands, buffers, &|channel, accs, others, output| {
        let mut sums = [0; BLOCK_CHANNELS];
        for (index, (sum, (acc, other))) in sums.iter_mut().zip(accs.iter().zip(others)).enumerate() {
            let [a, b] = at(pairs, channel.wrapping_add(index));
            *sum = a.wrapping_mul((*acc).into()).wrapping_add(b.wrapping_mul((*other).into()));
        }
        finish.finish(channel, sums.get_mut(..accs.len()).unwrap_or_default(), output);
    });
}
