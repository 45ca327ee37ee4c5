//! Numbers that look random, from a seed: the choices of all edits.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// A number below `end`; 0 if there is none.
    pub const fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.number() % end as u64) as usize }
    }

    /// True once in `times`.
    pub const fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of `values`.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        values.get(self.below(values.len()))
    }

    /// One of `values`, to change.
    pub fn pick_mut<'a, T>(&mut self, values: &'a mut [T]) -> Option<&'a mut T> {
        let index = self.below(values.len());
        values.get_mut(index)
    }

    /// An integer near what attributes and dimensions are, or near the end of a type.
    pub fn integer(&mut self, now: i64) -> i64 {
        const ENDS: [i64; 14] = [
            i8::MAX as i64,
            u8::MAX as i64,
            i16::MAX as i64,
            u16::MAX as i64,
            1 << 20,
            1 << 24,
            i32::MAX as i64,
            i32::MIN as i64,
            u32::MAX as i64,
            1 << 40,
            1 << 62,
            i64::MAX,
            i64::MIN,
            -1000,
        ];
        match self.below(10) {
            0 => now.wrapping_add(1),
            1 => now.wrapping_sub(1),
            2 => now.wrapping_neg(),
            3 => now.wrapping_mul(2),
            4 => ENDS[self.below(ENDS.len())],
            5 => 0,
            6 => -1 - self.below(4) as i64,
            7 => self.below(70) as i64,
            _ => self.below(6) as i64,
        }
    }

    /// A number near what scales are, or one that no scale may be.
    pub fn float(&mut self, now: f32) -> f32 {
        const ODD: [f32; 18] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            2.0,
            3.0,
            1e-3,
            1e-30,
            f32::MIN_POSITIVE,
            1e-45,
            1e30,
            f32::MAX,
            f32::MIN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            16_777_216.0,
        ];
        match self.below(8) {
            0 => -now,
            1 => now * 2.0,
            2 => now / 2.0,
            3 => f32::from_bits(now.to_bits().wrapping_add(1)),
            4 => f32::from_bits(self.number() as u32),
            5 => self.below(33) as f32,
            6 => 2f32.powi(self.below(40) as i32 - 20),
            _ => ODD[self.below(ODD.len())],
        }
    }
}
