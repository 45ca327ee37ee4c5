//! Spectra of audio for networks, by integers alone: the logarithms of the energies in bands of the mel scale. The same bits come out on
//! every host and microcontroller, so a network that was trained on them meets them again on the device.
//!
//! A frame of [`FRAME`] samples passes a Hann window, a Fourier transform, the power of each frequency, the sums of bands, and the
//! logarithm to base 2. Firmware calls [`LogMel::frame`] each [`HOP`] samples, and training the same function; what it gives are 16-bit
//! integers with [`FRACTION_BITS`] bits behind the point, which `Engine::quantize_samples` takes as they are.
//!
//! ```
//! use exactum_frontend::{FRAME, FRACTION_BITS, LogMel};
//!
//! let front = LogMel::<20>::new(16_000, 100, 7_600).unwrap();
//! // 1 kHz: 16 samples a period.
//! let wave: [i16; 16] = [0, 38, 71, 92, 100, 92, 71, 38, 0, -38, -71, -92, -100, -92, -71, -38];
//! let mut samples = [0; FRAME];
//! samples.iter_mut().zip(wave.iter().cycle()).for_each(|(sample, wave)| *sample = wave * 100);
//! let bands = front.frame(&samples);
//! let loudest = (0..20).max_by_key(|band| bands[*band]).unwrap();
//! // An amplitude of 10000 times half the sum of the window, 128, is 2^20.3; its square is 2^40.6.
//! assert_eq!((loudest, bands[loudest] >> FRACTION_BITS), (6, 40));
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]

#[cfg(test)]
extern crate std;

mod bands;
mod circle;
mod fourier;
mod log2;

use bands::Bands;
use circle::HANN;

/// Samples of a frame.
pub const FRAME: usize = 512;
/// Samples from one frame to the next, of which half are new.
pub const HOP: usize = FRAME / 2;
/// Frequencies of a frame, those of both ends with it.
pub const BINS: usize = FRAME / 2 + 1;
/// Bits of what comes out behind the point: of a logarithm to base 2.
pub const FRACTION_BITS: u8 = 8;

/// The energies of `N` bands.
#[derive(Clone, Debug)]
pub struct LogMel<const N: usize> {
    bands: Bands<N>,
}

impl<const N: usize> LogMel<N> {
    /// Bands from `lowest` to `highest`, in hertz, of a signal of `rate` samples a second: overlapping triangles whose corners are
    /// equally far apart on the mel scale.
    ///
    /// `None` if there are none, if `highest` is not above `lowest` or is beyond half the rate, or if a band would have no frequency
    /// of its own: there are too many for a frame.
    pub fn new(rate: u32, lowest: u32, highest: u32) -> Option<Self> {
        Some(Self { bands: Bands::new(rate, lowest, highest)? })
    }

    /// The logarithms to base 2 of the energies of a frame, one more than each, so that silence is 0.
    ///
    /// The energy of a band is the sum of its powers, weighted from 0 to 1; the power of a frequency is the square of its amplitude
    /// in units of a sample, summed over the window. So a change of 6 dB is 2, and what comes out is at most 48 times 2^8.
    pub fn frame(&self, samples: &[i16; FRAME]) -> [i16; N] {
        let mut signal = [(0, 0); FRAME];
        for (index, (value, sample)) in signal.iter_mut().zip(samples).enumerate() {
            let weight = HANN.get(index).copied().unwrap_or_default();
            // 2^15 at most, times 2^15.
            value.0 = (i32::from(*sample) * weight + (1 << 14)) >> 15;
        }
        fourier::transform(&mut signal);
        let mut powers = [0; BINS];
        for (power, (re, im)) in powers.iter_mut().zip(signal) {
            // 2^24 at most, squared, twice.
            let square = |part: i32| u64::from(part.unsigned_abs()).pow(2);
            *power = square(re) + square(im);
        }
        self.bands.energies(&powers).map(log2::of_one_more)
    }
}
