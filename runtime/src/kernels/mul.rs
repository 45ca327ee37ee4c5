//! Products of two tensors.

use super::elementwise::{Operands, run};
use super::store::store;

/// Computes the products of `operands`, each minus its zero point; see [`Mul`](crate::program::op::Mul).
pub(crate) fn mul(operands: &Operands<'_>, [first, second]: [i32; 2], arena: &mut [u8]) {
    run(operands, arena, &|channel, accs, others, output| {
        for (acc, other) in accs.iter_mut().zip(others) {
            *acc = acc.wrapping_sub(first).wrapping_mul(other.wrapping_sub(second));
        }
        store(operands.requant, channel, accs, output);
    });
}
