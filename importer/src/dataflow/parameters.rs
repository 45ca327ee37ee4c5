//! What stages compute with: weights in the order of their streams, and the function from sums to codes.
//!
//! Whether a function becomes thresholds follows from itself: its steps on the proven sums are looked for, and the
//! certificate's number of runs says whether these are all.

use exactum_runtime::num::{IntRange, Requant};

use super::moves::Source;
use super::resources::FACTOR_BITS;
use super::stage::Requantization;
use crate::graph::{Certified, ValueId};

/// What a stage computes with, besides its streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// The graph's value that holds the weights.
    pub weight_value: Option<ValueId>,
    /// For each output channel its weights, in the order in which the stream brings what they are multiplied with: row,
    /// column and channel of a window. Of a depthwise stage the taps of the channel.
    pub weights: Vec<Vec<i32>>,
    /// What is added to each channel's sum of products: the bias less what zero points add. Empty if that is nothing.
    pub offsets: Vec<i64>,
    /// Factors of a [`ChannelwiseOp`](super::stage::ChannelwiseOp), one for all channels or one for each.
    pub factors: Vec<i64>,
    /// Where each element comes from that leaves a [`Shuffle`](super::stage::Shuffle).
    pub sources: Vec<Source>,
    /// From sums to codes; none if the sums leave the stage.
    pub codes: Option<CodeFunction>,
}

/// A proven function from sums to codes.
#[derive(Clone, Debug, PartialEq)]
pub enum CodeFunction {
    /// The code is the first one plus `step` times the number of thresholds that the sum has reached.
    Thresholds {
        /// Code below all thresholds.
        first: i64,
        /// From code to code: 2 of bipolar codes, else 1; negative where codes fall.
        step: i64,
        /// Ascending, equally many in each channel; one list for all channels or one for each.
        thresholds: Vec<Vec<i64>>,
    },
    /// The form of the program.
    Form(Box<Certified>),
}

impl CodeFunction {
    /// Thresholds if the function only rises, or only falls, and these cost no more than a multiplication; otherwise the
    /// form.
    pub fn of(certified: &Certified) -> Self {
        let falls = falls(certified);
        let none = vec![false; falls.len()];
        let found = if falls.contains(&false) { thresholds(certified, &none) } else { all_fall(certified) };
        found.unwrap_or_else(|| Self::Form(Box::new(certified.clone())))
    }

    /// Thresholds of the sums as they are turned around where the function falls, and which channels these are: all of one
    /// list, or each. None if there are no thresholds even so.
    pub fn turned(certified: &Certified) -> Option<(Self, Vec<bool>)> {
        let falls = falls(certified);
        let turned = thresholds(certified, &falls)?;
        Some((turned, falls))
    }

    /// Whether the codes are -1 and 1 alone.
    pub fn is_bipolar(&self) -> bool {
        let Self::Form(certified) = self else {
            return matches!(
                self,
                Self::Thresholds { first: -1, step: 2, .. } | Self::Thresholds { first: 1, step: -2, .. }
            );
        };
        // Up to two runs of equal codes are known by their ends, whether they rise or fall.
        certified.certificate.channels.iter().enumerate().all(|(channel, proof)| {
            let ends = [proof.range.lo, proof.range.hi];
            proof.runs <= 2 && ends.iter().all(|sum| self.code(channel, *sum).abs() == 1)
        })
    }

    /// The code of `sum` in `channel`, which may be any within the proven bounds.
    pub fn code(&self, channel: usize, sum: i64) -> i64 {
        match self {
            Self::Thresholds { first, step, thresholds } => {
                let own = &thresholds[channel % thresholds.len()];
                first + step * own.partition_point(|threshold| *threshold <= sum) as i64
            }
            Self::Form(certified) => {
                let channels = certified.certificate.channels.len().max(1);
                code(&certified.params.view(), channel % channels, sum)
            }
        }
    }

    /// Bits of the smallest type that has all thresholds, if there are any.
    pub fn threshold_bits(&self) -> Option<u32> {
        let Self::Thresholds { thresholds, .. } = self else { return None };
        let all = || thresholds.iter().flatten().copied();
        let (lo, hi) = (all().min()?, all().max()?);
        let bits = if lo >= 0 { 64 - hi.leading_zeros() } else { IntRange { lo, hi }.signed_bits() };
        Some(bits.max(1))
    }

    /// How it is described.
    pub fn requantization(&self) -> Requantization {
        match self {
            Self::Thresholds { thresholds, .. } => {
                let steps = thresholds.first().map_or(0, Vec::len);
                Requantization::Thresholds { per_channel: u32::try_from(steps).unwrap_or(u32::MAX) }
            }
            Self::Form(certified) => {
                let requant = certified.params.view();
                let thresholds_instead = requant.hi.abs_diff(requant.lo);
                Requantization::CertifiedForm { form: requant.form_name(), thresholds_instead }
            }
        }
    }
}

/// Thresholds whose comparators need as many look-up tables as one multiplication and its rounding, by FINN's formulas:
/// a comparator as many as the sum has bits, a multiplier of `n` bits of operands `(2 * ceil(n / 6) - 1) * n`, and three
/// times `n` for the offset and both ends of the codes.
pub fn most_thresholds(sum_bits: u32) -> u64 {
    let operands = u64::from(sum_bits + FACTOR_BITS);
    let multiplication = (2 * operands.div_ceil(6) - 1) * operands + 3 * operands;
    multiplication / u64::from(sum_bits.max(1))
}

fn code(requant: &Requant<'_>, channel: usize, sum: i64) -> i64 {
    requant.apply_wide(channel, sum).into()
}

/// Whether the function of each channel ends with a smaller code than it starts with.
fn falls(certified: &Certified) -> Vec<bool> {
    let requant = certified.params.view();
    let proofs = certified.certificate.channels.iter().enumerate();
    proofs
        .map(|(channel, proof)| {
            code(&requant, channel, proof.range.hi) < code(&requant, channel, proof.range.lo)
        })
        .collect()
}

/// Thresholds that count down, of a function that falls in all channels.
fn all_fall(certified: &Certified) -> Option<CodeFunction> {
    let all = vec![true; certified.certificate.channels.len()];
    let CodeFunction::Thresholds { first, step, thresholds } = thresholds(certified, &all)? else {
        return None;
    };
    let count = i64::try_from(thresholds.first()?.len()).ok()?;
    // A turned sum reaches `t` where the sum is `-t` at most, so it is past what `1 - t` is reached by.
    let back = |own: &Vec<i64>| own.iter().rev().map(|threshold| 1 - threshold).collect();
    let thresholds = thresholds.iter().map(back).collect();
    Some(CodeFunction::Thresholds { first: first + step * count, step: -step, thresholds })
}

/// The steps of each channel, if the function rises and there are few; of the negative sums where it is `turned`.
fn thresholds(certified: &Certified, turned: &[bool]) -> Option<CodeFunction> {
    let requant = certified.params.view();
    let proofs = &certified.certificate.channels;
    let bits = proofs.iter().map(|proof| proof.range.signed_bits()).max()?;
    let most = most_thresholds(bits);
    let sign = |channel: usize| if turned[channel] { -1 } else { 1 };
    let ranges: Vec<IntRange> = proofs
        .iter()
        .zip(turned)
        .map(|(proof, turned)| match proof.range {
            IntRange { lo, hi } if *turned => IntRange { lo: -hi, hi: -lo },
            range => range,
        })
        .collect();
    let ends = |(channel, range): (usize, &IntRange)| {
        [range.lo, range.hi].map(|sum| code(&requant, channel, sign(channel) * sum))
    };
    let ends: Vec<[i64; 2]> = ranges.iter().enumerate().map(ends).collect();
    let first = ends.iter().map(|[lo, _]| *lo).min()?;
    let last = ends.iter().map(|[_, hi]| *hi).max()?;
    if last < first || last.abs_diff(first) > most {
        return None;
    }
    let mut thresholds = vec![];
    for (channel, ((proof, range), [lo, hi])) in proofs.iter().zip(&ranges).zip(&ends).enumerate() {
        let sign = sign(channel);
        let mut steps = Steps { requant: &requant, channel, sign, most: most as usize, found: vec![] };
        steps.between((range.lo, *lo), (range.hi, *hi))?;
        // As many runs as were counted for the proof: between the steps nothing happens.
        if steps.found.len() as u64 + 1 != proof.runs {
            return None;
        }
        // What is below the first code of this channel is reached always, what is above its last one never.
        let mut own = vec![range.lo; usize::try_from(lo - first).ok()?];
        let mut before = *lo;
        for (sum, code) in steps.found {
            own.resize(own.len() + usize::try_from(code - before).ok()?, sum);
            before = code;
        }
        own.resize(usize::try_from(last - first).ok()?, range.hi + 1);
        thresholds.push(own);
    }
    let bipolar = first == -1 && last == 1 && thresholds.iter().all(|own| own[0] == own[1]);
    if bipolar {
        thresholds.iter_mut().for_each(|own| own.truncate(1));
    }
    Some(CodeFunction::Thresholds { first, step: if bipolar { 2 } else { 1 }, thresholds })
}

/// Looks for the sums at which the code changes.
struct Steps<'a> {
    requant: &'a Requant<'a>,
    channel: usize,
    /// -1 if sums are turned around.
    sign: i64,
    most: usize,
    /// First sum and code of each run but the first.
    found: Vec<(i64, i64)>,
}

impl Steps<'_> {
    /// All steps between two sums with their codes, if the function rises; `None` if it falls or there are too many.
    fn between(&mut self, low: (i64, i64), high: (i64, i64)) -> Option<()> {
        if low.1 == high.1 {
            return Some(());
        }
        if high.1 < low.1 || self.found.len() > self.most {
            return None;
        }
        if high.0 - low.0 == 1 {
            self.found.push(high);
            return Some(());
        }
        let middle = low.0 + (high.0 - low.0) / 2;
        let middle = (middle, code(self.requant, self.channel, self.sign * middle));
        self.between(low, middle)?;
        self.between(middle, high)
    }
}
