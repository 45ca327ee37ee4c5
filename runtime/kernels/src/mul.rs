//! Products of two tensors.

use crate::element::ElementType;
use crate::elementwise::{Buffers, Operands, run};
use crate::isa::Isa;
use crate::store::BLOCK_CHANNELS;
use crate::tail::Finish;

/// Computes the products of `operands`, each minus its zero point; see [`exactum_format::op::Mul`].
pub fn mul<K: Isa, A: ElementType, B: ElementType, O: ElementType>(
    isa: K,
    operands: &Operands<A, B, O>,
    [first, second]: [i32; 2],
    finish: &impl for<'a> Finish<i32, O::CodesMut<'a>>,
    buffers: Buffers<'_>,
) {
    run(isa, operands, buffers, &|channel, accs, others, output| {
        for (acc, other) in accs.iter_mut().zip(others) {
            *acc = acc.wrapping_sub(first).wrapping_mul(other.wrapping_sub(second));
        }
        finish.finish(channel, accs, output);
    });
}

/// The same in 64 bits.
pub fn wide<K: Isa, A: ElementType, B: ElementType, O: ElementType>(
    isa: K,
    operands: &Operands<A, B, O>,
    [first, second]: [i32; 2],
    finish: &impl for<'a> Finish<i64, O::CodesMut<'a>>,
    buffers: Buffers<'_>,
) {
    let (first, second) = (i64::from(first), i64::from(second));
    run(isa, operands, buffers, &|channel, accs, others, output| {
        let mut products = [0; BLOCK_CHANNELS];
        for (product, (acc, other)) in products.iter_mut().zip(accs.iter().zip(others)) {
            *product =
                i64::from(*acc).wrapping_sub(first).wrapping_mul(i64::from(*other).wrapping_sub(second));
        }
        finish.finish(channel, products.get_mut(..accs.len()).unwrap_or_default(), output);
    });
}
