//! The choice of foldings: for each stage how far it is unrolled and what its memory is made of.
//!
//! A goal is a rate, or what a device has, or a file of FINN. `problem` makes variables of stages, with what each of their
//! foldings takes; `solve` finds the best foldings exactly, with the width converters between neighbours; `file` reads
//! FINN's. Where a sliding window has to run in step with the stage behind it, the two are one variable.

mod file;
mod front;
mod labels;
mod problem;
mod solve;

pub use file::FoldingFile;
pub use front::FrontPoint;
pub(super) use front::front;

use super::Device;
use super::from_graph::{Unconnected, Unfolded};
use super::resources::Resources;
use super::stage::Folding;
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use problem::Problem;
use solve::{Solution, fastest_within, fitting, least_cost};

/// What a design has to reach.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// At least so many frames per second, at the least cost.
    Rate(f64),
    /// The highest rate that takes no more than this.
    Budget(Resources),
    /// Whatever a folding file of FINN says.
    File(FoldingFile),
}

/// Foldings, and the most cycles that were allowed for a stage.
pub(super) struct Chosen {
    pub(super) foldings: Vec<Folding>,
    pub(super) target_cycles: u64,
    /// Whether nothing cheaper reaches the goal.
    pub(super) is_proven: bool,
}

/// A folding for each stage of `made` on `device` with a clock of `clock_ns`.
///
/// # Errors
/// E0602 with the slowest stage and the best rate if the rate is out of reach; E0605 with what exceeds, and by how much, if
/// the design is too big; E0604 for a folding in a file that a stage does not have.
pub(super) fn choose(made: &Unconnected, device: &Device, clock_ns: f64, goal: &Goal) -> Result<Chosen> {
    let problem = Problem::new(made, device);
    match goal {
        Goal::Rate(fps) => at_rate(&problem, made, device, clock_ns, *fps),
        Goal::Budget(budget) => in_budget(&problem, budget, clock_ns),
        Goal::File(file) => {
            let foldings = file.foldings(&made.stages)?;
            let there = Resources::of(device);
            check(&problem, &foldings, &there, || best(&problem, &there, clock_ns))?;
            let target_cycles = problem.cycles(&foldings);
            Ok(Chosen { foldings, target_cycles, is_proven: false })
        }
    }
}

/// The cheapest foldings for a rate; where these take more of something than the device has, the cheapest that fit.
fn at_rate(
    problem: &Problem,
    made: &Unconnected,
    device: &Device,
    clock_ns: f64,
    fps: f64,
) -> Result<Chosen> {
    let target_cycles = (1e9 / clock_ns / fps) as u64;
    let Some(cheapest) = least_cost(problem, target_cycles) else {
        return Err(unreachable(made, problem, device, (clock_ns, fps, target_cycles)));
    };
    let there = Resources::of(device);
    let Solution { foldings, is_proven } = match fitting(problem, target_cycles, &there) {
        Some(fitting) => fitting,
        None => {
            check(problem, &cheapest.foldings, &there, || best(problem, &there, clock_ns))?;
            cheapest
        }
    };
    Ok(Chosen { foldings, target_cycles, is_proven })
}

/// The fastest foldings that take no more than `budget`, and of these the cheapest.
fn in_budget(problem: &Problem, budget: &Resources, clock_ns: f64) -> Result<Chosen> {
    let smallest = || least_cost(problem, u64::MAX);
    match fastest_within(problem, budget) {
        Some((target_cycles, Solution { foldings, is_proven })) => {
            Ok(Chosen { foldings, target_cycles, is_proven })
        }
        None => {
            let foldings = smallest().map(|smallest| smallest.foldings).unwrap_or_default();
            check(problem, &foldings, budget, || best(problem, budget, clock_ns))?;
            Ok(Chosen { target_cycles: problem.cycles(&foldings), foldings, is_proven: false })
        }
    }
}

/// What cannot be reached however far stages are unrolled.
fn unreachable(
    made: &Unconnected,
    problem: &Problem,
    device: &Device,
    (clock_ns, fps, target_cycles): (f64, f64, u64),
) -> crate::diagnostic::Report {
    let (cycles, stage) = problem.fastest_of_slowest();
    let stage: Option<&Unfolded> = made.stages.get(stage);
    let at = stage.map_or_else(Location::default, |stage| stage.at.clone());
    let op_type = stage.map_or("", |stage| stage.unit.op_type());
    let found = format!(
        "{op_type} needs {cycles} cycles fully unrolled, which gives {:.6} frames per second",
        1e9 / clock_ns / cycles as f64,
    );
    let best = best(problem, &Resources::of(device), clock_ns);
    let needed = format!("at most {target_cycles} cycles for {fps} frames per second at {clock_ns} ns{best}");
    Diagnostic::new(Code::TargetNotReachable, at, found, needed).into()
}

/// The best rate within `budget`, as a sentence's end.
fn best(problem: &Problem, budget: &Resources, clock_ns: f64) -> String {
    match fastest_within(problem, budget) {
        Some((cycles, _)) => {
            format!(
                "; the best rate that fits is {:.6} frames per second ({cycles} cycles)",
                1e9 / clock_ns / cycles as f64
            )
        }
        None => "; no folding of this network fits".to_owned(),
    }
}

/// Whether `foldings` take no more than `budget`.
///
/// # Errors
/// E0605 with every part that they take more of, and by how much.
fn check(
    problem: &Problem,
    foldings: &[Folding],
    budget: &Resources,
    best: impl FnOnce() -> String,
) -> Result<()> {
    let used = problem.resources(foldings);
    if used.fit(budget) {
        return Ok(());
    }
    let parts: Vec<(&str, u64, u64)> = used
        .parts()
        .into_iter()
        .zip(budget.amounts())
        .filter(|((_, used), there)| used > there)
        .map(|((name, used), there)| (name, used, there))
        .collect();
    let found: Vec<String> =
        parts.iter().map(|(name, used, there)| format!("{used} {name}, {} too many", used - there)).collect();
    let needed: Vec<String> = parts.iter().map(|(name, _, there)| format!("{there} {name}")).collect();
    let needed = format!("at most {}{}", needed.join(", "), best());
    Err(Diagnostic::new(Code::DesignTooBig, Location::part("design"), found.join(", "), needed).into())
}
