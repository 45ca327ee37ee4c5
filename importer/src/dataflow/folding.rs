//! The choice of foldings: for each stage the least unrolling that meets the target.
//!
//! FINN's own search demands fewer cycles than the target, goes through SIMD before PE and may so unroll further
//! than needed; this one accepts equality and finds the smallest product PE * SIMD. Where a sliding window has to run
//! in step with the stage behind it, the two are chosen together.

use super::Target;
use super::from_graph::Unfolded;
use super::stage::{ConvolutionInputGenerator, Folding, Unit};
use crate::diagnostic::{Code, Diagnostic, Result};

/// One stage, or a depthwise sliding window and the stage behind it.
struct Group<'a> {
    window: Option<&'a Unfolded>,
    stage: &'a Unfolded,
}

/// A folding for each of `stages`.
///
/// # Errors
/// E0602 with the slowest stage, if some stage misses the target however far it is unrolled.
pub(super) fn choose(stages: &[Unfolded], target: &Target) -> Result<Vec<Folding>> {
    let limit_cycles = target.cycles();
    let mut foldings = vec![];
    let mut slowest: Option<(u64, &Unfolded)> = None;
    for group in groups(stages) {
        let candidates = group.stage.unit.foldings();
        match candidates.iter().find(|folding| group.cycles(**folding) <= limit_cycles) {
            Some(folding) => foldings.extend(group.foldings(*folding)),
            None => {
                let least = candidates.iter().map(|folding| group.cycles(*folding)).min().unwrap_or(u64::MAX);
                if slowest.is_none_or(|(cycles, _)| cycles < least) {
                    slowest = Some((least, group.stage));
                }
            }
        }
    }
    match slowest {
        None => Ok(foldings),
        Some((cycles, stage)) => {
            let found = format!(
                "{} needs {cycles} cycles fully unrolled, which gives {:.6} frames per second",
                stage.unit.op_type(),
                target.fps_of(cycles),
            );
            let needed = format!(
                "at most {limit_cycles} cycles for {} frames per second at {} ns",
                target.target_fps, target.clock_ns
            );
            Err(Diagnostic::new(Code::TargetNotReachable, stage.at.clone(), found, needed).into())
        }
    }
}

fn groups(stages: &[Unfolded]) -> impl Iterator<Item = Group<'_>> {
    let is_depthwise =
        |stage: &Unfolded| matches!(&stage.unit, Unit::ConvolutionInputGenerator(unit) if unit.depthwise);
    stages.iter().enumerate().filter(move |(_, stage)| !is_depthwise(stage)).map(move |(index, stage)| {
        let before = index.checked_sub(1).map(|before| &stages[before]);
        Group { window: before.filter(|before| is_depthwise(before)), stage }
    })
}

impl Group<'_> {
    /// Cycles of the slower of the two if the stage has `folding`.
    fn cycles(&self, folding: Folding) -> u64 {
        let window = self.window.map(|window| window.unit.cycles(ConvolutionInputGenerator::before(folding)));
        self.stage.unit.cycles(folding).max(window.unwrap_or(0))
    }

    fn foldings(&self, folding: Folding) -> impl Iterator<Item = Folding> {
        let window = self.window.map(|_| ConvolutionInputGenerator::before(folding));
        window.into_iter().chain([folding])
    }
}
