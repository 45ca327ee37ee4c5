//! Multipliers, offsets and shifts of the lines of a layer.
//!
//! Sharing is tried from the whole layer downwards: one line for all channels, one slope, one shift, and a line
//! of its own for each channel. The first that fits the machine arithmetic is taken.

use super::constraints::Constraints;
use super::share;
use super::slopes::Slopes;

/// The integers a line is computed with.
#[derive(Clone, Copy)]
pub(super) struct Machine {
    /// Width of `multiplier * acc + offset`: 32, 64 or 128.
    pub(super) bits: u32,
    /// The largest multiplier.
    pub(super) max_multiplier: i64,
    /// The largest shift.
    pub(super) max_shift: u8,
    /// A shift that is cheaper than smaller ones: 32 leaves the high word of a 64-bit product.
    pub(super) good_shift: u8,
}

impl Machine {
    pub(super) const BITS_32: Self =
        Self { bits: 32, max_multiplier: i32::MAX as i64, max_shift: 31, good_shift: 0 };
    pub(super) const BITS_64: Self =
        Self { bits: 64, max_multiplier: i32::MAX as i64, max_shift: 63, good_shift: 32 };
    /// Shifts past 107 would need accumulators past 62 bits; codes shifted so far still fit 128 bits.
    pub(super) const BITS_128: Self =
        Self { bits: 128, max_multiplier: i64::MAX, max_shift: 107, good_shift: 64 };

    fn fits(self, value: i128) -> bool {
        i128::MIN >> (128 - self.bits) <= value && value <= i128::MAX >> (128 - self.bits)
    }
}

/// Lines of a layer. Arrays have one element where all channels agree.
pub(super) struct Lines {
    pub(super) multipliers: Vec<i64>,
    pub(super) offsets: Vec<i128>,
    pub(super) shifts: Vec<u8>,
}

/// Slope `multiplier / 2^shift` of a line that does not fall.
#[derive(Clone, Copy)]
pub(super) struct Slope {
    pub(super) multiplier: i64,
    pub(super) shift: u8,
}

/// The lines that satisfy the constraints of each channel, or `None` if a channel has none within the machine.
pub(super) fn solve(channels: &[Constraints], machine: Machine) -> Option<Lines> {
    let slopes = channels.iter().map(Slopes::new).collect::<Option<Vec<_>>>()?;
    let all = |slope| vec![slope; channels.len()];
    let one_slope = || {
        let joint = slopes.iter().copied().map(Some).reduce(|a, b| a?.intersect(b?))??;
        // Different directions need multipliers of different sign.
        channels.iter().all(|channel| channel.falling == channels[0].falling).then_some(joint)
    };
    let one_line = || one_slope().and_then(|_| Slopes::new(&Constraints::union(channels)?));
    let of_layer = |joint: Option<Slopes>| joint.and_then(|joint| shortest(joint, machine)).map(all);

    finish(channels, of_layer(one_line()), machine)
        .or_else(|| finish(channels, of_layer(one_slope()), machine))
        .or_else(|| {
            let shortest = slopes.iter().map(|slopes| shortest(*slopes, machine));
            let own = shortest.collect::<Option<Vec<Slope>>>()?;
            let common = own.iter().map(|slope| slope.shift).max()?;
            let good = machine.good_shift;
            finish(channels, lengthen(&own, |_| common.max(good), machine), machine)
                .or_else(|| finish(channels, lengthen(&own, |_| common, machine), machine))
                .or_else(|| finish(channels, lengthen(&own, |slope| slope.shift.max(good), machine), machine))
                .or_else(|| finish(channels, Some(own), machine))
        })
}

/// The lines with given slopes, or `None` if they break a constraint or do not fit the machine.
pub(super) fn finish(
    channels: &[Constraints],
    slopes: Option<Vec<Slope>>,
    machine: Machine,
) -> Option<Lines> {
    let slopes = slopes?;
    let windows = channels
        .iter()
        .zip(&slopes)
        .map(|(channel, slope)| channel.offsets(slope.multiplier, slope.shift))
        .collect::<Option<Vec<_>>>()?;
    let (least, most) = windows.iter().copied().reduce(|a, b| (a.0.max(b.0), a.1.min(b.1)))?;
    let middle = |(least, most): (i128, i128)| least + (most - least) / 2;
    let own: Vec<i128> = if least <= most {
        vec![middle((least, most)); channels.len()]
    } else {
        windows.into_iter().map(middle).collect()
    };
    let mut offsets = Vec::with_capacity(channels.len());
    for ((channel, slope), offset) in channels.iter().zip(&slopes).zip(own) {
        let ends = [channel.range.lo, channel.range.hi];
        let value = |x: i64| (i128::from(slope.multiplier) * i128::from(x)).checked_add(offset);
        let fits = |x: i64| value(x).is_some_and(|value| machine.fits(value));
        if !machine.fits(offset) || !ends.into_iter().all(fits) {
            return None;
        }
        offsets.push(offset);
    }
    let signed = |(channel, slope): (&Constraints, &Slope)| {
        if channel.falling { -slope.multiplier } else { slope.multiplier }
    };
    Some(Lines {
        multipliers: share(channels.iter().zip(&slopes).map(signed).collect()),
        offsets: share(offsets),
        shifts: share(slopes.iter().map(|slope| slope.shift).collect()),
    })
}

fn shortest(slopes: Slopes, machine: Machine) -> Option<Slope> {
    let (multiplier, shift) = slopes.shortest(machine.max_multiplier, machine.max_shift)?;
    Some(Slope { multiplier, shift })
}

/// The same slopes with larger shifts, or `None` if a multiplier grows too large.
fn lengthen(slopes: &[Slope], shift: impl Fn(&Slope) -> u8, machine: Machine) -> Option<Vec<Slope>> {
    let lengthened = |slope: &Slope| {
        let shift = shift(slope);
        // Multipliers have 63 bits at most.
        let factor = 1i64 << (shift - slope.shift).min(62);
        let multiplier = slope.multiplier.checked_mul(factor)?;
        (multiplier <= machine.max_multiplier).then_some(Slope { multiplier, shift })
    };
    slopes.iter().map(lengthened).collect()
}
