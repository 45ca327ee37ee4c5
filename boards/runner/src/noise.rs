//! Bytes for programs and inputs that firmware is tested and measured with.

/// A sequence of bytes that is the same wherever it is made.
pub fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        // Numerical Recipes' linear congruential generator; its high bits are the random ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
}
