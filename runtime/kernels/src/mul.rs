//! Products of two tensors.

use crate::elementwise::{Operands, run};
use crate::isa::Isa;
use crate::store::{BLOCK_CHANNELS, store, store_wide};

/// Computes the products of `operands`, each minus its zero point, in 64 bits if `wide`; see [`exactum_format::op::Mul`].
pub fn mul<K: Isa>(
    isa: K,
    operands: &Operands<'_>,
    [first, second]: [i32; 2],
    wide: bool,
    buffer: &mut [u8],
) {
    let requant = operands.requant;
    if wide {
        let (first, second) = (i64::from(first), i64::from(second));
        return run(isa, operands, buffer, &|channel, accs, others, output| {
            let mut products = [0; BLOCK_CHANNELS];
            for (product, (acc, other)) in products.iter_mut().zip(accs.iter().zip(others)) {
                *product =
                    i64::from(*acc).wrapping_sub(first).wrapping_mul(i64::from(*other).wrapping_sub(second));
            }
            store_wide(isa, requant, channel, products.get(..accs.len()).unwrap_or_default(), output);
        });
    }
    run(isa, operands, buffer, &|channel, accs, others, output| {
        for (acc, other) in accs.iter_mut().zip(others) {
            *acc = acc.wrapping_sub(first).wrapping_mul(other.wrapping_sub(second));
        }
        store(isa, requant, channel, accs, output);
    });
}
