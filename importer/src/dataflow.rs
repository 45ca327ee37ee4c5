//! The integer graph as a network of streaming stages for an FPGA, with the vocabulary and formulas of FINN.
//!
//! [`describe`] turns nodes into stages ([`stage`]) with what they compute with ([`parameters`]) and the streams between
//! them ([`network`]), chooses how far each is unrolled ([`folding`]) by what that takes ([`resources`]) and writes the
//! result as FINN's JSON files and as `dataflow.json` (`finn`), with memories (`memories`). The formulas follow
//! FINN's `dev` line. Called by `exactum dataflow`; docs/dataflow.md explains the terms.

pub mod converter;
pub mod device;
mod finn;
pub mod folding;
mod from_graph;
mod memories;
pub mod moves;
pub mod network;
pub mod parameters;
pub mod resources;
pub mod stage;

pub use device::{Board, Device, DspFamily};
pub use memories::FOLDER as MEMORIES;

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{FileNodeId, Graph, joined};
use folding::{Chosen, FrontPoint, Goal};
use from_graph::Unfolded;
use network::Link;
use parameters::Parameters;
use resources::Resources;
use stage::{Folding, Unit};

/// What a design has to reach, and on what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The FPGA.
    pub device: &'static Device,
    /// Period of the clock, in nanoseconds.
    pub clock_ns: f64,
    /// Frames per second.
    pub target_fps: f64,
}

/// One streaming stage of a design.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// FINN's name: type and running number.
    pub name: String,
    /// Positions of the graph's nodes that it computes; none for a duplicator.
    pub nodes: Vec<usize>,
    /// Names of these, for people.
    pub node_names: Vec<String>,
    /// The file's nodes that these come from.
    pub origin: Vec<FileNodeId>,
    /// Kind and dimensions.
    pub unit: Unit,
    /// Weights, offsets and the function to codes.
    pub parameters: Parameters,
    /// How far it is unrolled.
    pub folding: Folding,
    /// Cycles from one frame to the next.
    pub cycles: u64,
}

/// A folded network: stages, each behind those whose streams it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// Name of the model.
    pub model: String,
    /// What it was made for.
    pub target: Target,
    /// Most cycles that a stage may take for the target rate.
    pub target_cycles: u64,
    /// Whether no other foldings reach the target at a lower cost.
    pub is_proven_least: bool,
    /// The stages; not empty.
    pub stages: Vec<Stage>,
    /// The streams between them and to the host.
    pub links: Vec<Link>,
}

impl Target {
    /// A target on the device or part `device`, with the clock's period and the frame rate.
    ///
    /// # Errors
    /// E0601 for an unknown device, E0602 for a period or rate that is not positive.
    pub fn new(device: &str, clock_ns: f64, target_fps: f64) -> Result<Self> {
        let device = Device::named(device)?;
        for (part, value) in
            [("clock period in ns", clock_ns), ("target rate in frames per second", target_fps)]
        {
            if !(value.is_finite() && value > 0.0) {
                let at = Location::part(part);
                return Err(Diagnostic::new(
                    Code::TargetNotReachable,
                    at,
                    value.to_string(),
                    "a positive number",
                )
                .into());
            }
        }
        Ok(Self { device, clock_ns, target_fps })
    }

    /// Most cycles between two frames at the target rate: `floor(1e9 / clock_ns / target_fps)`, as FINN has it.
    pub fn cycles(&self) -> u64 {
        (1e9 / self.clock_ns / self.target_fps) as u64
    }

    /// Frames per second of a pipeline whose slowest stage takes `cycles`.
    pub fn fps_of(&self, cycles: u64) -> f64 {
        1e9 / self.clock_ns / cycles as f64
    }
}

impl Design {
    /// The first of the stages with the most cycles.
    ///
    /// # Panics
    /// Never for a design from [`describe`], which has stages.
    pub fn slowest(&self) -> &Stage {
        // `max_by_key` keeps the last of equals; FINN names the first.
        self.stages.iter().rev().max_by_key(|stage| stage.cycles).expect("a design has stages")
    }

    /// Cycles from one frame to the next of the whole pipeline.
    pub fn max_cycles(&self) -> u64 {
        self.slowest().cycles
    }

    /// FINN's bound on the latency of a frame: the sum of the stages on the longest way through the network.
    pub fn critical_path_cycles(&self) -> u64 {
        network::longest_path(&self.stages, &self.links)
    }

    /// Estimated frames per second.
    pub fn fps(&self) -> f64 {
        self.target.fps_of(self.max_cycles())
    }

    /// What the stages and the width converters between them take.
    pub fn resources(&self) -> Resources {
        let stages = self.stages.iter().map(|stage| stage.unit.resources(stage.folding, self.target.device));
        let between = converter::converters(self).into_iter().map(|converter| converter.resources);
        stages.chain(between).sum()
    }

    /// Names and contents of the files that describe the design; those of memories lie in a folder of their own.
    pub fn files(&self, front: &[FrontPoint]) -> Vec<(String, String)> {
        finn::files(self, front).into_iter().chain(memories::files(self)).collect()
    }
}

/// Describes `graph`, which is on the integer level, as a network that reaches `target` at the least cost.
///
/// # Errors
/// E0603 if a node has no streaming stage, E0602 with the slowest stage if the target is out of reach, E0605 if the design
/// is too big for the device.
pub fn describe(graph: &Graph, target: &Target) -> Result<Design> {
    folded(graph, target.device, target.clock_ns, &Goal::Rate(target.target_fps))
}

/// For each rate that `graph` can have on `device` the least that it costs.
///
/// # Errors
/// E0603 if a node has no streaming stage.
pub fn front(graph: &Graph, device: &Device, clock_ns: f64) -> Result<Vec<FrontPoint>> {
    Ok(folding::front(&from_graph::stages(graph, device)?, device, clock_ns))
}

/// Describes `graph` as a network on `device` with a clock of `clock_ns` that does what `goal` says. Without a rate the
/// target is the rate that is reached.
///
/// # Errors
/// Those of [`describe`], and E0604 for foldings in a file that stages do not have.
pub fn folded(graph: &Graph, device: &'static Device, clock_ns: f64, goal: &Goal) -> Result<Design> {
    let made = from_graph::stages(graph, device)?;
    let Chosen { foldings, target_cycles, is_proven } = folding::choose(&made, device, clock_ns, goal)?;
    let from_graph::Unconnected { stages, mut links } = made;
    let names = stage_names(&stages);
    let stages = stages.into_iter().zip(foldings).zip(names).map(|((stage, folding), name)| {
        let Unfolded { unit, nodes, parameters, .. } = stage;
        let cycles = unit.cycles(folding);
        let computed = nodes.iter().map(|index| &graph.nodes[*index]);
        let node_names = computed.clone().map(|node| node.name.clone()).collect();
        let origin = computed.fold(vec![], |origin, node| joined(&origin, &node.origin));
        Stage { name, nodes, node_names, origin, unit, parameters, folding, cycles }
    });
    let stages: Vec<Stage> = stages.collect();
    network::size_fifos(&stages, &mut links);
    let target_fps = match goal {
        Goal::Rate(fps) => *fps,
        Goal::Budget(_) | Goal::File(_) => 1e9 / clock_ns / target_cycles as f64,
    };
    let target = Target { device, clock_ns, target_fps };
    Ok(Design { model: graph.name.clone(), target, target_cycles, is_proven_least: is_proven, stages, links })
}

/// FINN's names: a running number for each type.
fn stage_names(stages: &[Unfolded]) -> Vec<String> {
    let name = |(index, stage): (usize, &Unfolded)| {
        let op_type = stage.unit.op_type();
        let number = stages[..index].iter().filter(|earlier| earlier.unit.op_type() == op_type).count();
        format!("{op_type}_{number}")
    };
    stages.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests;
