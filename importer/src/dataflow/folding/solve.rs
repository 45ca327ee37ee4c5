//! The exact optimum of a problem, by elimination of variables.
//!
//! A variable is eliminated by noting, for each combination of words at the other ends of its streams, the best that it and
//! what was eliminated behind it can do: a table over these ends. In a chain each table has one end, so this is a shortest
//! path; where ways part and meet again, tables have as many as ways are open. One cost gives the cheapest foldings; one for
//! each part of the device gives all that no other foldings beat, of which those within a budget are looked at.

use std::collections::BTreeMap;

use super::labels::{Arena, Draft, Label, plus, prune};
use super::problem::{Candidate, Edge, Problem};
use crate::dataflow::resources::Resources;
use crate::dataflow::stage::Folding;

/// A variable, and which kind of its words.
type Slot = (usize, usize);

/// The best that eliminated variables can do, for words of each width where they are connected to others.
struct Table<const N: usize> {
    scope: Vec<Slot>,
    rows: BTreeMap<Vec<u32>, Vec<Label<N>>>,
    /// Least that the eliminated variables cost in each part.
    least: [u64; N],
}

/// Why there are no foldings.
enum Nothing {
    /// None exist.
    Exists,
    /// More open ways, or more foldings that nothing beats, than can be looked at.
    IsTooMuch,
}

/// Most rows of a table.
const MOST_ROWS: usize = 1 << 18;

/// Foldings, and whether these are proven to be the best.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Solution {
    pub(super) foldings: Vec<Folding>,
    pub(super) is_proven: bool,
}

/// The cheapest foldings in which no stage takes more than `cycles`; none if there are none.
pub(super) fn least_cost(problem: &Problem, cycles: u64) -> Option<Solution> {
    cheapest(problem, cycles, problem.weights)
}

/// The same, where a unit of each part costs `weights`.
fn cheapest(problem: &Problem, cycles: u64, weights: [u64; 4]) -> Option<Solution> {
    let cost = |resources: &Resources| [Problem::weighted(resources, weights)];
    let mut edges = problem.edges.clone();
    loop {
        match eliminate(problem, edges.clone(), cycles, cost, |_| true) {
            Ok((arena, labels)) => {
                let (_, choices) = labels.first()?;
                let foldings = problem.foldings(&arena.read(choices, problem.variables.len()));
                return Some(Solution { foldings, is_proven: edges.len() == problem.edges.len() });
            }
            Err(Nothing::Exists) => return None,
            // A converter fewer is counted, at the variable with the most streams.
            Err(Nothing::IsTooMuch) => {
                let streams = |end: Slot| {
                    edges.iter().filter(|edge| edge.from.0 == end.0 || edge.to.0 == end.0).count()
                };
                let most = (0..edges.len())
                    .max_by_key(|edge| streams(edges[*edge].from) + streams(edges[*edge].to))?;
                edges.remove(most);
            }
        }
    }
}

/// The cheapest foldings in which no stage takes more than `cycles` and that take no more than `budget` in all.
fn within(problem: &Problem, cycles: u64, budget: &Resources) -> Option<Solution> {
    let most = budget.amounts();
    let fits = |cost: &[u64; 4]| cost.iter().zip(most).all(|(used, there)| *used <= there);
    match eliminate(problem, problem.edges.clone(), cycles, |resources| resources.amounts(), fits) {
        Ok((arena, labels)) => {
            let score = |cost: &[u64; 4]| {
                let [luts, block_memories, urams, dsps] = *cost;
                problem.score(&Resources { luts, block_memories, urams, dsps })
            };
            let (_, choices) = labels.iter().min_by_key(|(cost, _)| score(cost))?;
            let foldings = problem.foldings(&arena.read(choices, problem.variables.len()));
            Some(Solution { foldings, is_proven: true })
        }
        Err(Nothing::Exists) => None,
        Err(Nothing::IsTooMuch) => priced(problem, cycles, budget),
    }
}

/// Rounds of raising prices.
const ROUNDS: usize = 24;

/// Foldings within `budget`, if parts of which there are too few are made dearer until they are enough.
fn priced(problem: &Problem, cycles: u64, budget: &Resources) -> Option<Solution> {
    let mut weights = problem.weights;
    for _ in 0..ROUNDS {
        let found = cheapest(problem, cycles, weights)?;
        let used = problem.resources(&found.foldings);
        if used.fit(budget) {
            return Some(Solution { is_proven: false, ..found });
        }
        for ((weight, used), there) in weights.iter_mut().zip(used.amounts()).zip(budget.amounts()) {
            if used > there {
                *weight = weight.saturating_mul(2);
            }
        }
    }
    None
}

/// The cheapest foldings in which no stage takes more than `cycles`, and that take no more than `budget` in all.
pub(super) fn fitting(problem: &Problem, cycles: u64, budget: &Resources) -> Option<Solution> {
    match least_cost(problem, cycles) {
        None => None,
        Some(cheapest) if problem.resources(&cheapest.foldings).fit(budget) => Some(cheapest),
        Some(_) => within(problem, cycles, budget),
    }
}

/// The fewest cycles within `budget`, and the cheapest foldings for them.
pub(super) fn fastest_within(problem: &Problem, budget: &Resources) -> Option<(u64, Solution)> {
    let counts = problem.cycle_counts();
    // Whatever fits at some cycles fits at more.
    let mut found = None;
    let (mut low, mut high) = (0, counts.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match fitting(problem, counts[middle], budget) {
            Some(solution) => {
                found = Some((counts[middle], solution));
                high = middle;
            }
            None => low = middle + 1,
        }
    }
    found
}

/// The costs that nothing beats, ascending, each with the choices that it comes from.
type Found<const N: usize> = (Arena, Vec<([u64; N], Vec<u32>)>);

fn eliminate<const N: usize>(
    problem: &Problem,
    mut edges: Vec<Edge>,
    cycles: u64,
    cost: impl Fn(&Resources) -> [u64; N],
    fits: impl Fn(&[u64; N]) -> bool,
) -> Result<Found<N>, Nothing> {
    let allowed: Vec<Vec<(usize, &Candidate)>> = problem
        .variables
        .iter()
        .map(|variable| {
            variable.candidates.iter().enumerate().filter(|(_, one)| one.cycles <= cycles).collect()
        })
        .collect();
    let least: Vec<[u64; N]> = allowed.iter().map(|candidates| least_of(candidates, &cost)).collect();
    let total = least.iter().fold([0; N], |sum, own| plus(sum, *own));
    let mut arena = Arena::default();
    let mut tables: Vec<Table<N>> = vec![];
    let mut left: Vec<usize> = (0..problem.variables.len()).collect();
    let mut done: Vec<([u64; N], Vec<u32>)> = vec![([0; N], vec![])];
    while !left.is_empty() {
        // The one that leaves the smallest table.
        let rows =
            |scope: &[Slot]| scope.iter().map(|slot| numbers(&allowed, *slot).len()).product::<usize>();
        let scopes = left.iter().map(|variable| scope_of(*variable, problem, &edges, &tables)).enumerate();
        let (position, scope) = scopes.min_by_key(|(_, scope)| rows(scope)).ok_or(Nothing::Exists)?;
        let variable = left.remove(position);
        let (own, others): (Vec<_>, Vec<_>) =
            tables.into_iter().partition(|table| table.scope.iter().any(|slot| slot.0 == variable));
        tables = others;
        let (streams, rest): (Vec<_>, Vec<_>) =
            edges.into_iter().partition(|edge| edge.from.0 == variable || edge.to.0 == variable);
        edges = rest;
        let here = own.iter().fold(least[variable], |sum, table| plus(sum, table.least));
        let elsewhere: [u64; N] = std::array::from_fn(|part| total[part].saturating_sub(here[part]));
        let keys = product(&scope.iter().map(|slot| numbers(&allowed, *slot)).collect::<Vec<_>>());
        let mut rows = BTreeMap::new();
        for key in keys.ok_or(Nothing::IsTooMuch)? {
            let number = |slot: Slot| scope.iter().position(|own| *own == slot).map_or(0, |at| key[at]);
            let mut drafts: Vec<Draft<N>> = vec![];
            for (position, candidate) in &allowed[variable] {
                let at =
                    |slot: Slot| if slot.0 == variable { candidate.classes[slot.1] } else { number(slot) };
                let width = |(owner, end): (usize, usize)| {
                    let (kind, widths) = &problem.variables[owner].ends[end];
                    widths[at((owner, *kind)) as usize]
                };
                let between = streams.iter().map(|edge| Problem::between(width(edge.from), width(edge.to)));
                let start = cost(&(candidate.resources + between.sum()));
                let mut partial = vec![Draft { cost: start, candidate: *position, before: vec![] }];
                // What is not counted yet takes its least at least.
                let mut uncounted = own.iter().fold([0; N], |sum, table| plus(sum, table.least));
                for table in &own {
                    let row: Vec<u32> = table.scope.iter().map(|slot| at(*slot)).collect();
                    let labels = table.rows.get(&row).map_or(&[][..], Vec::as_slice);
                    uncounted = std::array::from_fn(|part| uncounted[part].saturating_sub(table.least[part]));
                    let rest = plus(uncounted, elsewhere);
                    let combined =
                        partial.iter().flat_map(|draft| labels.iter().map(|label| joined(draft, label)));
                    partial = prune(combined.filter(|draft| fits(&plus(draft.cost, rest))).collect());
                    if partial.len() > MOST_LABELS {
                        return Err(Nothing::IsTooMuch);
                    }
                }
                drafts.extend(partial.into_iter().filter(|draft| fits(&plus(draft.cost, elsewhere))));
            }
            let drafts = prune(drafts);
            if drafts.len() > MOST_LABELS || arena.is_full() {
                return Err(Nothing::IsTooMuch);
            }
            if !drafts.is_empty() {
                rows.insert(key, arena.keep(variable, drafts));
            }
        }
        if rows.is_empty() {
            return Err(Nothing::Exists);
        }
        if scope.is_empty() {
            // Nothing else depends on it.
            let labels = rows.remove(&vec![]).unwrap_or_default();
            let drafts = done.iter().flat_map(|(sum, choices)| {
                let more = |label: &Label<N>| {
                    let before = choices.iter().copied().chain([label.choice]).collect();
                    Draft { cost: plus(*sum, label.cost), candidate: 0, before }
                };
                labels.iter().map(more).collect::<Vec<_>>()
            });
            let drafts = prune(drafts.filter(|draft| fits(&draft.cost)).collect());
            done = drafts.into_iter().map(|draft| (draft.cost, draft.before)).collect();
        } else {
            tables.push(Table { scope, rows, least: here });
        }
    }
    if done.is_empty() { Err(Nothing::Exists) } else { Ok((arena, done)) }
}

/// Most labels of one row.
const MOST_LABELS: usize = 1 << 14;

/// The least of each part that a candidate costs.
fn least_of<const N: usize>(
    candidates: &[(usize, &Candidate)],
    cost: &impl Fn(&Resources) -> [u64; N],
) -> [u64; N] {
    let costs = candidates.iter().map(|(_, candidate)| cost(&candidate.resources));
    costs.reduce(|a, b| std::array::from_fn(|part| a[part].min(b[part]))).unwrap_or([0; N])
}

fn joined<const N: usize>(draft: &Draft<N>, label: &Label<N>) -> Draft<N> {
    let before = draft.before.iter().copied().chain([label.choice]).collect();
    Draft { cost: plus(draft.cost, label.cost), candidate: draft.candidate, before }
}

/// The words of other variables that `variable` is connected to by streams or tables.
fn scope_of<const N: usize>(
    variable: usize,
    problem: &Problem,
    edges: &[Edge],
    tables: &[Table<N>],
) -> Vec<Slot> {
    let slot = |(owner, end): (usize, usize)| (owner, problem.variables[owner].ends[end].0);
    let mut scope: Vec<Slot> = vec![];
    for edge in edges {
        if edge.from.0 == variable {
            scope.push(slot(edge.to));
        } else if edge.to.0 == variable {
            scope.push(slot(edge.from));
        }
    }
    for table in tables.iter().filter(|table| table.scope.iter().any(|slot| slot.0 == variable)) {
        scope.extend(table.scope.iter().filter(|slot| slot.0 != variable));
    }
    scope.sort_unstable();
    scope.dedup();
    scope
}

/// The numbers of the widths that words can have.
fn numbers(allowed: &[Vec<(usize, &Candidate)>], (variable, kind): Slot) -> Vec<u32> {
    let mut numbers: Vec<u32> =
        allowed[variable].iter().map(|(_, candidate)| candidate.classes[kind]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// All combinations of one of each; none if these are too many.
fn product(lists: &[Vec<u32>]) -> Option<Vec<Vec<u32>>> {
    let rows = lists.iter().try_fold(1usize, |rows, list| rows.checked_mul(list.len()));
    if rows.is_none_or(|rows| rows > MOST_ROWS) {
        return None;
    }
    let mut all = vec![vec![]];
    for list in lists {
        let longer = |row: &Vec<u32>| {
            list.iter().map(|last| row.iter().copied().chain([*last]).collect()).collect::<Vec<Vec<u32>>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    Some(all)
}
