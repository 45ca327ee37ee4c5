//! Foldings as a problem: a variable for each stage, or for a stage and the sliding window that runs in step with it, what
//! each of its candidates takes, and the streams whose two widths cost a converter.

use crate::dataflow::converter;
use crate::dataflow::device::Device;
use crate::dataflow::from_graph::{Unconnected, Unfolded};
use crate::dataflow::network::End;
use crate::dataflow::resources::Resources;
use crate::dataflow::stage::{ConvolutionInputGenerator, Folding, Stream, Unit};

/// A folding of a variable's stages.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Of each of its stages.
    pub(super) foldings: Vec<Folding>,
    /// Cycles of the slowest of them.
    pub(super) cycles: u64,
    /// What they take, converters between them included.
    pub(super) resources: Resources,
    /// For each of the variable's kinds of words the number of its width.
    pub(super) classes: Vec<u32>,
}

/// What is chosen at once.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// Positions of its stages.
    pub(super) stages: Vec<usize>,
    /// What it can be; of equal candidates the preferred one first.
    pub(super) candidates: Vec<Candidate>,
    /// For each of its ends of streams the kind of its words, and bits of a word for each number of that kind. Ends whose
    /// widths follow from each other are of one kind.
    pub(super) ends: Vec<(usize, Vec<u64>)>,
}

/// A stream between two variables: of each the position and which of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
}

/// All variables and streams.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) variables: Vec<Variable>,
    pub(super) edges: Vec<Edge>,
    /// What a unit of each part costs: 1 for all that the device has.
    pub(super) weights: [u64; 4],
    stages: usize,
}

impl Variable {
    /// The candidate that has what `foldings` say of its stages.
    fn candidate(&self, foldings: &[Folding]) -> Option<&Candidate> {
        let wanted = || self.stages.iter().filter_map(|stage| foldings.get(*stage));
        self.candidates.iter().find(|candidate| candidate.foldings.iter().eq(wanted()))
    }

    /// Bits of a word at `end`, if words have widths of these numbers.
    fn width(&self, end: usize, classes: &[u32]) -> u64 {
        let (kind, widths) = &self.ends[end];
        widths[classes[*kind] as usize]
    }
}

/// All of a part of the device costs this much.
pub(super) const WHOLE: u64 = 1_000_000_000_000;

impl Problem {
    pub(super) fn new(made: &Unconnected, device: &Device) -> Self {
        let groups = groups(&made.stages);
        let mut variable_of = vec![0; made.stages.len()];
        for (index, group) in groups.iter().enumerate() {
            group.iter().for_each(|stage| variable_of[*stage] = index);
        }
        // Ends of streams that leave each variable, as stage, port and whether it is an output.
        let mut ends: Vec<Vec<(usize, usize, bool)>> = vec![vec![]; groups.len()];
        let mut edges = vec![];
        for link in &made.links {
            let (End::Stage { stage: from, port: of_writer }, End::Stage { stage: to, port: of_reader }) =
                (link.from, link.to)
            else {
                continue;
            };
            let [writer, reader] = [variable_of[from], variable_of[to]];
            if writer == reader {
                continue;
            }
            ends[writer].push((from, of_writer, true));
            ends[reader].push((to, of_reader, false));
            edges.push(Edge { from: (writer, ends[writer].len() - 1), to: (reader, ends[reader].len() - 1) });
        }
        let variables = groups.into_iter().zip(ends);
        let variables =
            variables.map(|(stages, ends)| variable(&made.stages, stages, &ends, device)).collect();
        let weights = Resources::of(device).amounts().map(|there| WHOLE / there.max(1));
        Self { variables, edges, weights, stages: made.stages.len() }
    }

    /// The sum of the shares of the device.
    pub(super) fn score(&self, resources: &Resources) -> u64 {
        Self::weighted(resources, self.weights)
    }

    /// The same with other weights.
    pub(super) fn weighted(resources: &Resources, weights: [u64; 4]) -> u64 {
        let parts = resources.amounts().into_iter().zip(weights);
        parts.fold(0, |sum: u64, (amount, weight)| sum.saturating_add(amount.saturating_mul(weight)))
    }

    /// What a converter between the two ends of an edge takes.
    pub(super) fn between(input_bits: u64, output_bits: u64) -> Resources {
        Resources::luts(converter::luts(input_bits, output_bits))
    }

    /// Distinct cycles that some candidate has and that no variable has to exceed, ascending.
    pub(super) fn cycle_counts(&self) -> Vec<u64> {
        let least = self.fastest_of_slowest().0;
        let all = self.variables.iter().flat_map(|variable| &variable.candidates);
        let mut counts: Vec<u64> =
            all.map(|candidate| candidate.cycles).filter(|cycles| *cycles >= least).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// The cycles of the variable that is slowest when all are as fast as they can be, and its last stage.
    pub(super) fn fastest_of_slowest(&self) -> (u64, usize) {
        let least = |variable: &Variable| {
            let cycles =
                variable.candidates.iter().map(|candidate| candidate.cycles).min().unwrap_or(u64::MAX);
            (cycles, variable.stages.last().copied().unwrap_or(0))
        };
        self.variables.iter().map(least).rev().max_by_key(|(cycles, _)| *cycles).unwrap_or((0, 0))
    }

    /// The foldings of all stages, if each variable has the candidate of this number.
    pub(super) fn foldings(&self, chosen: &[usize]) -> Vec<Folding> {
        let mut foldings = vec![Folding::ONE; self.stages];
        for (variable, candidate) in self.variables.iter().zip(chosen) {
            for (stage, folding) in variable.stages.iter().zip(&variable.candidates[*candidate].foldings) {
                foldings[*stage] = *folding;
            }
        }
        foldings
    }

    /// The candidates that `foldings` of all stages are.
    fn candidates(&self, foldings: &[Folding]) -> Vec<Option<&Candidate>> {
        self.variables.iter().map(|variable| variable.candidate(foldings)).collect()
    }

    /// Cycles of the slowest stage.
    pub(super) fn cycles(&self, foldings: &[Folding]) -> u64 {
        self.candidates(foldings).iter().flatten().map(|candidate| candidate.cycles).max().unwrap_or(0)
    }

    /// What stages and converters take in all.
    pub(super) fn resources(&self, foldings: &[Folding]) -> Resources {
        let candidates = self.candidates(foldings);
        let own: Resources = candidates.iter().flatten().map(|candidate| candidate.resources).sum();
        let width = |(variable, end): (usize, usize)| {
            Some(self.variables[variable].width(end, &candidates[variable]?.classes))
        };
        let between =
            self.edges.iter().filter_map(|edge| Some(Self::between(width(edge.from)?, width(edge.to)?)));
        own + between.sum()
    }
}

/// Stages that are chosen together: a depthwise sliding window and the stage behind it, or one stage.
fn groups(stages: &[Unfolded]) -> Vec<Vec<usize>> {
    let is_depthwise =
        |stage: &Unfolded| matches!(&stage.unit, Unit::ConvolutionInputGenerator(unit) if unit.depthwise);
    let mut groups: Vec<Vec<usize>> = vec![];
    let mut window = None;
    for (index, stage) in stages.iter().enumerate() {
        if is_depthwise(stage) {
            window = Some(index);
        } else {
            groups.push(window.take().into_iter().chain([index]).collect());
        }
    }
    groups.extend(window.map(|window| vec![window]));
    groups
}

fn variable(
    stages: &[Unfolded],
    group: Vec<usize>,
    ends: &[(usize, usize, bool)],
    device: &Device,
) -> Variable {
    let last = group.last().copied().unwrap_or(0);
    let window = (group.len() > 1).then(|| group[0]);
    let unit = &stages[last].unit;
    let mut candidates = vec![];
    for folding in unit.foldings() {
        for memory in unit.memories() {
            let own = Folding { memory: *memory, ..folding };
            let Some(window) = window else {
                candidates.push(vec![own]);
                continue;
            };
            let before = ConvolutionInputGenerator::before(own);
            let memories = stages[window].unit.memories().iter();
            candidates.extend(memories.map(|memory| vec![Folding { memory: *memory, ..before }, own]));
        }
    }
    let candidate = |foldings: Vec<Folding>| {
        let of = |stage: usize| {
            let position = group.iter().position(|own| *own == stage).unwrap_or(0);
            (&stages[stage].unit, foldings[position])
        };
        let each = || group.iter().map(|stage| of(*stage));
        let port = |streams: Vec<Stream>, port: usize| {
            streams.get(port).or(streams.first()).map_or(0, |stream| stream.width_bits)
        };
        let widths = ends.iter().map(|(stage, at, is_output)| {
            let (unit, folding) = of(*stage);
            port(if *is_output { unit.outputs(folding) } else { unit.inputs(folding) }, *at)
        });
        let inside: Resources = group
            .windows(2)
            .map(|pair| {
                let ((writer, written), (reader, read)) = (of(pair[0]), of(pair[1]));
                Problem::between(port(writer.outputs(written), 0), port(reader.inputs(read), 0))
            })
            .sum();
        let cycles = each().map(|(unit, folding)| unit.cycles(folding)).max().unwrap_or(0);
        let own: Resources = each().map(|(unit, folding)| unit.resources(folding, device)).sum();
        let widths: Vec<u64> = widths.collect();
        (Candidate { cycles, resources: own + inside, classes: vec![], foldings }, widths)
    };
    let (mut candidates, widths): (Vec<Candidate>, Vec<Vec<u64>>) =
        candidates.into_iter().map(candidate).unzip();
    let ends = kinds(&mut candidates, &widths, ends.len());
    Variable { stages: group, candidates, ends }
}

/// Numbers the widths of `ends` ends, of which each candidate has its own.
fn kinds(candidates: &mut [Candidate], widths: &[Vec<u64>], ends: usize) -> Vec<(usize, Vec<u64>)> {
    // Of each kind the number of each candidate's width.
    let mut kinds: Vec<Vec<u32>> = vec![];
    let mut found = vec![];
    for end in 0..ends {
        let mut distinct: Vec<u64> = vec![];
        let numbers: Vec<u32> = widths
            .iter()
            .map(|widths| {
                let known = distinct.iter().position(|width| *width == widths[end]);
                known.unwrap_or_else(|| {
                    distinct.push(widths[end]);
                    distinct.len() - 1
                }) as u32
            })
            .collect();
        let kind = kinds.iter().position(|kind| *kind == numbers).unwrap_or(kinds.len());
        if kind == kinds.len() {
            kinds.push(numbers);
        }
        found.push((kind, distinct));
    }
    for (position, candidate) in candidates.iter_mut().enumerate() {
        candidate.classes = kinds.iter().map(|kind| kind[position]).collect();
    }
    found
}
