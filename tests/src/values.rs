//! Numbers for weights, biases and samples, from a seed.

/// A sequence of numbers that a seed determines: splitmix64, by Steele, Lea and Flood (2014).
#[derive(Clone, Debug)]
pub struct Values(u64);

impl Values {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer from `lo` to `hi`.
    pub fn integer(&mut self, lo: i64, hi: i64) -> i64 {
        lo + (self.bits() % (hi - lo + 1) as u64) as i64
    }

    /// A number from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A positive scale near `size`: a power of two, or any number.
    pub fn scale(&mut self, size: f64, power_of_two: bool) -> f32 {
        if power_of_two {
            2f64.powi(size.log2().round() as i32) as f32
        } else {
            (size * (0.5 + self.unit())) as f32
        }
    }

    /// A float whose quotient by `scale` is near a code of `lo..=hi`: on it, between two, anywhere, or beyond.
    pub fn near_code(&mut self, scale: f32, lo: i64, hi: i64) -> f32 {
        let code = self.integer(lo - 1, hi + 1) as f64;
        let beside = match self.bits() % 4 {
            0 => 0.0,
            1 => 0.5,
            _ => self.unit() - 0.5,
        };
        ((code + beside) * f64::from(scale)) as f32
    }

    /// An input value for codes `lo..=hi` less a zero point: as [`near_code`](Self::near_code), or an extreme float.
    pub fn input(&mut self, scale: f32, lo: i64, hi: i64) -> f32 {
        match self.bits() % 64 {
            0 => f32::MAX,
            1 => f32::MIN,
            2 => -0.0,
            3 => f32::from_bits(1),
            4 => -f32::MIN_POSITIVE,
            _ => self.near_code(scale, lo, hi),
        }
    }
}
