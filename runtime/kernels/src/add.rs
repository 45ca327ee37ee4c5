//! Weighted sums of two tensors.

use exactum_format::op::Multipliers;
use exactum_num::requant::at;

use crate::elementwise::{Operands, run};
use crate::isa::Isa;
use crate::store::{BLOCK_CHANNELS, store, store_wide};

/// Computes the sums of `operands`, each times its factor of `multipliers`; see [`exactum_format::op::Add`].
pub fn add<K: Isa>(isa: K, operands: &Operands<'_>, multipliers: Multipliers<'_>, buffer: &mut [u8]) {
    let requant = operands.requant;
    match multipliers {
        Multipliers::I32([[a, b]]) => run(isa, operands, buffer, &|channel, accs, others, output| {
            for (acc, other) in accs.iter_mut().zip(others) {
                *acc = a.wrapping_mul(*acc).wrapping_add(b.wrapping_mul(*other));
            }
            store(isa, requant, channel, accs, output);
        }),
        Multipliers::I32(pairs) => run(isa, operands, buffer, &|channel, accs, others, output| {
            for (index, (acc, other)) in accs.iter_mut().zip(others).enumerate() {
                let [a, b] = at(pairs, channel.wrapping_add(index));
                *acc = a.wrapping_mul(*acc).wrapping_add(b.wrapping_mul(*other));
            }
            store(isa, requant, channel, accs, output);
        }),
        Multipliers::I64(pairs) => run(isa, operands, buffer, &|channel, accs, others, output| {
            let mut sums = [0; BLOCK_CHANNELS];
            for (index, (sum, (acc, other))) in sums.iter_mut().zip(accs.iter().zip(others)).enumerate() {
                let [a, b] = at(pairs, channel.wrapping_add(index));
                *sum = a.wrapping_mul((*acc).into()).wrapping_add(b.wrapping_mul((*other).into()));
            }
            store_wide(isa, requant, channel, sums.get(..accs.len()).unwrap_or_default(), output);
        }),
    }
}
