//! Gives every value of the program, and every kernel that works in memory, its place in the arena.

use super::{Pass, Run};
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{Graph, Level, MemoryPlan, Placement};
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
    let scratch = lower::scratch(graph)?;
    let (residents, buffers) = lower::residents(graph, &scratch);
    let plan = plan(&buffers, ALIGNMENT_BYTES);
    if plan.arena_bytes > MAX_ARENA_BYTES {
        let found = format!("{} bytes of working memory", plan.arena_bytes);
        let at = Location::part("arena");
        return Err(Diagnostic::new(Code::TooLarge, at, found, format!("at most {MAX_ARENA_BYTES}")).into());
    }
    graph.memory = Some(MemoryPlan {
        arena_bytes: plan.arena_bytes,
        lower_bound_bytes: plan.lower_bound_bytes,
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
    Ok(())
}
