//! Gives every value of the program, and every kernel that works in memory, its place in the arena; none to ports outside.

use super::{Pass, Run};
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{Graph, Level, MemoryPlan, Placement, ValueId};
use crate::lower::memory_plan::plan;
use crate::lower::{self, Resident};

pub(super) const PASS: Pass = Pass {
    name: "plan-memory",
    about: "place every value, and what kernels work in, in the arena, as small as possible",
    from: Level::Integer,
    to: Level::Scheduled,
    run: Run::Always(run),
};

/// Every value starts at a multiple of this.
const ALIGNMENT_BYTES: usize = 8;

/// Largest arena the program format can address.
const MAX_ARENA_BYTES: usize = 1 << 30;

fn run(graph: &mut Graph) -> Result<()> {
    graph.nodes.iter_mut().for_each(|node| node.scratch = None);
    graph.values.iter_mut().for_each(|value| value.placement = None);
    let scratch = lower::scratch(graph)?;
    let (residents, buffers) = lower::residents(graph, &scratch);
    let plan = plan(&buffers, ALIGNMENT_BYTES);
    // States live always, so they lie behind everything that does not, one behind the other.
    let states: Vec<(Vec<ValueId>, usize)> = lower::states(graph).collect();
    let aligned = |bytes: &usize| bytes.next_multiple_of(ALIGNMENT_BYTES);
    let state_bytes: usize = states.iter().map(|(_, size_bytes)| aligned(size_bytes)).sum();
    let arena_bytes = plan.arena_bytes + state_bytes;
    if arena_bytes > MAX_ARENA_BYTES {
        let found = format!("{arena_bytes} bytes of working memory");
        let at = Location::part("arena");
        return Err(Diagnostic::new(Code::TooLarge, at, found, format!("at most {MAX_ARENA_BYTES}")).into());
    }
    graph.memory = Some(MemoryPlan {
        arena_bytes,
        lower_bound_bytes: plan.lower_bound_bytes + state_bytes,
        optimal: plan.optimal,
    });
    for (resident, (offset_bytes, buffer)) in residents.iter().zip(plan.offsets.iter().zip(&buffers)) {
        let placement = Some(Placement { offset_bytes: *offset_bytes, size_bytes: buffer.size_bytes });
        match resident {
            Resident::Values(values) => {
                values.iter().for_each(|id| graph.value_mut(*id).placement = placement);
            }
            Resident::Scratch(node) => graph.nodes[*node].scratch = placement,
        }
    }
    let mut offset_bytes = plan.arena_bytes;
    for (values, size_bytes) in states {
        let placement = Some(Placement { offset_bytes, size_bytes });
        values.iter().for_each(|id| graph.value_mut(*id).placement = placement);
        offset_bytes += aligned(&size_bytes);
    }
    Ok(())
}
