//! Logarithms to base 2, bit by bit: each square of the mantissa tells the next bit.

use crate::FRACTION_BITS;

/// `log2(energy + 1)` with [`FRACTION_BITS`] bits behind the point, rounded down.
pub(crate) fn of_one_more(energy: u64) -> i16 {
    // Less than 64 times 2^8.
    log2_deep(energy.saturating_add(1), FRACTION_BITS.into()) as i16
}

/// `log2(value)` of a positive value, with `bits` bits behind the point: no more than it is, and less than two of the last bit less.
pub(crate) const fn log2_deep(value: u64, bits: u32) -> u64 {
    let whole = 63 - (value | 1).leading_zeros();
    // From 1 to 2, with 63 bits behind the point.
    let mut mantissa = value << (63 - whole);
    let (mut log, mut bit) = (whole as u64, 0);
    while bit < bits {
        let square = (mantissa as u128 * mantissa as u128) >> 63;
        let carry = square >> 64 != 0;
        mantissa = if carry { (square >> 1) as u64 } else { square as u64 };
        log = log << 1 | carry as u64;
        bit += 1;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_rounded_down() {
        for value in (1..5000u64).chain((0..64).map(|bit| 1 << bit)).chain((1..60).map(|bit| (1 << bit) + 7))
        {
            let exact = (value as f64).log2() * 256.0;
            let found = log2_deep(value, 8) as f64;
            assert!(found <= exact + 1e-9 && found > exact - 1.0 - 1e-9, "{value}: {found} {exact}");
        }
        assert_eq!((of_one_more(0), of_one_more(1), of_one_more(u64::MAX)), (0, 256, 63 * 256 + 255));
    }
}
