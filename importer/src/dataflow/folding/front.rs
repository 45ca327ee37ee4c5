//! The whole front: for each rate that a network can have the least that it costs, as far as more rate costs more.

use serde::Serialize;

use super::problem::Problem;
use super::solve::least_cost;
use crate::dataflow::device::Device;
use crate::dataflow::from_graph::Unconnected;
use crate::dataflow::resources::Resources;

/// A point of the front.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrontPoint {
    /// Cycles from frame to frame.
    pub cycles: u64,
    /// Frames per second.
    pub fps: f64,
    /// What stages and converters take.
    pub resources: Resources,
    /// Sum of the shares of the device's parts, as a part of the whole device.
    pub share: f64,
    /// Whether the device has as much of everything.
    pub fits: bool,
}

/// Most points of a front; beyond them every second rate is left out.
const MOST_POINTS: usize = 400;

/// All points, the slowest first.
pub(in crate::dataflow) fn front(made: &Unconnected, device: &Device, clock_ns: f64) -> Vec<FrontPoint> {
    let problem = Problem::new(made, device);
    let counts = problem.cycle_counts();
    let stride = counts.len().div_ceil(MOST_POINTS).max(1);
    let mut points: Vec<(u64, FrontPoint)> = vec![];
    // From the fastest on, so that whatever costs no less than something faster is left out.
    let mut last = u64::MAX;
    let mut next = 0;
    while let Some(cycles) = counts.get(next) {
        next += stride;
        let Some(solution) = least_cost(&problem, *cycles) else { continue };
        let resources = problem.resources(&solution.foldings);
        let score = problem.score(&resources);
        if score >= last {
            continue;
        }
        last = score;
        let share = score as f64 / super::problem::WHOLE as f64;
        let fits = resources.fit(&Resources::of(device));
        let cycles = problem.cycles(&solution.foldings);
        points.push((
            score,
            FrontPoint { cycles, fps: 1e9 / clock_ns / cycles as f64, resources, share, fits },
        ));
    }
    points.reverse();
    points.into_iter().map(|(_, point)| point).collect()
}
