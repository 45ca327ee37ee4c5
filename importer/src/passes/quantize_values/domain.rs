//! Functions that have no value everywhere, as logarithms, roots and quotients: whether the integers that reach them stay
//! where they have one.

use exactum_runtime::num::IntRange;
use num_traits::Zero;

use super::Quantizer;
use super::known::{Known, Source};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Interval, Rational};

/// Most integers that are looked at one by one.
const MOST_VALUES: i64 = 1 << 20;

impl Quantizer<'_> {
    /// Refuses `curve` of the source of `known` if it has no value somewhere. Infinite values are right: they saturate.
    pub(super) fn check_domain(&self, at: &Location, known: &Known, curve: &Curve) -> Result<(), Diagnostic> {
        if curve.is_total() {
            return Ok(());
        }
        let refuse = |where_: String| {
            let found = format!("`{}`, a function that has no value {where_}", known.name);
            let problem = Diagnostic::new(
                Code::UnsupportedForm,
                at.clone(),
                found,
                "a number for everything that is reached",
            );
            Err(problem.with_hint("put a Clip, a ReLU or a quantizer with such codes before the function"))
        };
        let mut ends = self.ends(&known.source);
        if known.channels.is_some() {
            // Channels of the function are not those of the bounds.
            let union = |[a, b]: [Rational; 2], [c, d]: [Rational; 2]| [a.min(c), b.max(d)];
            ends = ends.into_iter().reduce(union).into_iter().collect();
        }
        let channels = curve.channels().max(ends.len());
        let budget = MOST_VALUES / channels.max(1) as i64;
        for channel in 0..channels {
            let own = curve.channel(if curve.channels() == 1 { 0 } else { channel });
            let interval = match ends.get(if ends.len() == 1 { 0 } else { channel }) {
                Some([lo, hi]) => Interval::new(lo.clone(), hi.clone()),
                None => Interval::all(),
            };
            if interval.lies_in_domain(&own) {
                continue;
            }
            let Source::Integer(id) = known.source else {
                return refuse("for all floats or sums that reach it".to_owned());
            };
            let ranges = self.ranges(id).unwrap_or_default();
            let range = match ends.len() {
                1 => ranges.iter().copied().reduce(IntRange::union),
                _ => ranges.get(channel).copied(),
            };
            let Some(range) = range.filter(|range| range.hi.saturating_sub(range.lo) < budget) else {
                return refuse("for all accumulators that reach it".to_owned());
            };
            let undefined = |integer: &i64| !own.is_defined(0, &exact::from_integer(*integer));
            if let Some(integer) = (range.lo..=range.hi).find(undefined) {
                let source = &self.to.value(id).name;
                return refuse(format!("for the integer {integer} of `{source}`"));
            }
        }
        Ok(())
    }

    /// Least and largest real number of `source`, for all channels or for each; none if they are unknown.
    fn ends(&self, source: &Source) -> Vec<[Rational; 2]> {
        let of = |id| {
            let ranges = self.ranges(id).unwrap_or_default();
            ranges.iter().map(|range| [range.lo, range.hi].map(exact::from_integer)).collect::<Vec<_>>()
        };
        match source {
            Source::Float(_) => vec![],
            Source::Integer(id) => of(*id),
            Source::Sum(terms) => {
                let pick = |values: &[Rational], channel: usize| {
                    values[if values.len() == 1 { 0 } else { channel }].clone()
                };
                let channels = terms.gains.iter().map(Vec::len).max().unwrap_or(1);
                let of_channel = |channel: usize| {
                    let start = Some([Rational::zero(), Rational::zero()]);
                    terms.values.iter().zip(&terms.gains).fold(start, |sum, (id, gains)| {
                        let gain = pick(gains, channel);
                        // The operands' channels need not be those of the gains.
                        let all = of(*id).into_iter().flatten().map(|end| end * &gain);
                        let (least, most) = (all.clone().min()?, all.max()?);
                        sum.map(|[lo, hi]| [lo + least, hi + most])
                    })
                };
                (0..channels).map(of_channel).collect::<Option<_>>().unwrap_or_default()
            }
        }
    }
}
