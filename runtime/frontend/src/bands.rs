//! Bands of the mel scale: overlapping triangles over the frequencies of a frame.

use crate::log2::log2_deep;
use crate::{BINS, FRAME};

/// Bits behind the point of a weight.
const WEIGHT_BITS: u32 = 14;
/// Bits behind the point of a place on the mel scale, counted in octaves of `1 + f / 700`.
const MEL_BITS: u32 = 32;

/// The places of all frequencies between the corners of `N` triangles.
#[derive(Clone, Debug)]
pub(crate) struct Bands<const N: usize> {
    /// For each frequency the gap between two corners it lies in, counted from 0, and its weight in the band that rises there; what
    /// is missing to 1 it has in the band that falls there. Nothing outside all gaps.
    places: [Option<(u16, u16)>; BINS],
}

impl<const N: usize> Bands<N> {
    pub(crate) fn new(rate: u32, lowest: u32, highest: u32) -> Option<Self> {
        if N == 0 || N >= BINS || lowest >= highest || highest > rate / 2 || rate > 1 << 20 {
            return None;
        }
        // `log2(1 + f / 700)` in frequencies `f = numerator / FRAME`.
        let mel = |hertz: u64| {
            log2_deep(700 * FRAME as u64 + hertz, MEL_BITS) - log2_deep(700 * FRAME as u64, MEL_BITS)
        };
        let (low, high) = (mel(u64::from(lowest) * FRAME as u64), mel(u64::from(highest) * FRAME as u64));
        let gaps = N as u64 + 1;
        let mut places = [None; BINS];
        for (bin, place) in places.iter_mut().enumerate() {
            let mel = mel(bin as u64 * u64::from(rate));
            if (low..high).contains(&mel) {
                // Less than 2^40 times 2^9.
                let scaled = (mel - low) * gaps;
                let gap = scaled / (high - low);
                let weight = (((scaled % (high - low)) << WEIGHT_BITS) + (high - low) / 2) / (high - low);
                *place = Some((gap as u16, weight as u16));
            }
        }
        let bands = Self { places };
        // Each band has a frequency that counts.
        let ones = bands.energies(&[1 << WEIGHT_BITS; BINS]);
        ones.iter().all(|energy| *energy > 0).then_some(bands)
    }

    /// The sum of the weighted powers of each band. Powers sum up to less than 2^49, so weighted ones to less than 2^63.
    pub(crate) fn energies(&self, powers: &[u64; BINS]) -> [u64; N] {
        let mut sums = [0u64; N];
        for (place, power) in self.places.iter().zip(powers) {
            let Some((gap, weight)) = place else { continue };
            let (gap, weight) = (usize::from(*gap), u64::from(*weight));
            if let Some(rising) = sums.get_mut(gap) {
                *rising = rising.saturating_add(power.saturating_mul(weight));
            }
            if let Some(falling) = gap.checked_sub(1).and_then(|band| sums.get_mut(band)) {
                *falling = falling.saturating_add(power.saturating_mul((1 << WEIGHT_BITS) - weight));
            }
        }
        sums.map(|sum| sum >> WEIGHT_BITS)
    }
}
