//! From the scores of a run to a decision that holds: a class that leads by enough, often enough in a row.

use core::cmp::Ordering;

use exactum_display::RealFixed;
use exactum_runtime::num::Real;

use crate::I16F16;

/// When a class counts as decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rule {
    /// How much larger the largest score has to be than every other.
    pub lead: I16F16,
    /// How many runs one after the other have to say the same; 0 counts as 1.
    pub runs: u8,
}

/// What a run says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decision {
    /// The class with the largest score, the first of equal ones.
    pub class: usize,
    /// How much larger its score is than the second largest; the largest number without a second class.
    pub lead: I16F16,
    /// Whether the rule is fulfilled.
    pub holds: bool,
}

/// The rule and what the runs before said.
#[derive(Clone, Copy, Debug)]
pub struct Decider {
    rule: Rule,
    /// The class of the last run, if it led by enough, and how many said so in a row.
    last: Option<(usize, u8)>,
}

impl Decider {
    /// Before the first run.
    pub const fn new(rule: Rule) -> Self {
        Self { rule, last: None }
    }

    /// Forgets the runs before.
    pub const fn reset(&mut self) {
        self.last = None;
    }

    /// What the scores of a run say, the numbers of its classes in their order; `None` if there are none.
    ///
    /// Scores in one unit, as an output has them whatever the scales of its channels, are compared exactly; the lead is the
    /// difference of both numbers with a fixed point.
    pub fn decide(&mut self, scores: impl Iterator<Item = Real>) -> Option<Decision> {
        let (mut best, mut second): (Option<(usize, Real)>, Option<Real>) = (None, None);
        for (class, score) in scores.enumerate() {
            match best {
                Some((_, largest)) if !exceeds(score, largest) => {
                    if second.is_none_or(|second| exceeds(score, second)) {
                        second = Some(score);
                    }
                }
                _ => {
                    second = best.map(|(_, score)| score);
                    best = Some((class, score));
                }
            }
        }
        let (class, score) = best?;
        let lead = second.map_or(I16F16::MAX, |second| {
            score.saturating_fixed::<I16F16>().saturating_sub(second.saturating_fixed())
        });
        self.last = (lead >= self.rule.lead).then(|| match self.last {
            Some((last, runs)) if last == class => (class, runs.saturating_add(1)),
            _ => (class, 1),
        });
        let holds = self.last.is_some_and(|(_, runs)| runs >= self.rule.runs.max(1));
        Some(Decision { class, lead, holds })
    }
}

/// Exactly for numbers in one unit, as those of an output are; otherwise by numbers with a fixed point.
fn exceeds(a: Real, b: Real) -> bool {
    a.partial_cmp(&b).unwrap_or_else(|| a.saturating_fixed::<I16F16>().cmp(&b.saturating_fixed()))
        == Ordering::Greater
}

#[cfg(test)]
mod tests {
    use super::*;
    use exactum_runtime::num::Unit;

    fn real(count: i128, exponent: i16) -> Real {
        Real { count, unit: Unit { mantissa: 1, exponent } }
    }

    #[test]
    fn scales_decide_and_not_integers() {
        let mut decider = Decider::new(Rule { lead: I16F16::from_num(0.5), runs: 1 });
        // 100 / 64 is less than 3.
        let decision = decider.decide([real(100, -6), real(3, 0), real(-5, 0)].into_iter()).unwrap();
        assert_eq!(decision, Decision { class: 1, lead: I16F16::from_num(3.0 - 100.0 / 64.0), holds: true });
    }

    #[test]
    fn the_first_of_equal_scores_is_the_class_and_leads_by_nothing() {
        let mut decider = Decider::new(Rule { lead: I16F16::DELTA, runs: 1 });
        let decision = decider.decide([real(1, 0), real(4, 1), real(8, 0)].into_iter()).unwrap();
        assert_eq!(decision, Decision { class: 1, lead: I16F16::ZERO, holds: false });
        assert_eq!(decider.decide(core::iter::empty()), None);
    }

    #[test]
    fn a_decision_holds_after_enough_runs_in_a_row() {
        let mut decider = Decider::new(Rule { lead: I16F16::ONE, runs: 3 });
        let mut says = |a: i128, b: i128| decider.decide([real(a, 0), real(b, 0)].into_iter()).unwrap().holds;
        assert_eq!([says(0, 9), says(0, 9), says(0, 9), says(0, 9)], [false, false, true, true]);
        // Another class, one without a lead, and then anew.
        assert_eq!([says(9, 0), says(9, 0), says(9, 9), says(9, 0)], [false; 4]);
        assert_eq!([says(9, 0), says(9, 0)], [false, true]);
    }

    #[test]
    fn one_class_leads_by_everything() {
        let mut decider = Decider::new(Rule { lead: I16F16::MAX, runs: 0 });
        let decision = decider.decide([real(-3, 0)].into_iter()).unwrap();
        assert_eq!(decision, Decision { class: 0, lead: I16F16::MAX, holds: true });
    }
}
