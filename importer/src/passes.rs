//! The passes, in the order in which they run: the one list that `compile`, `exactum passes` and the goldens use.
//!
//! A pass is a function on the graph with a name and the levels it goes between. The verifier runs after each.

mod bind;
mod bound_accumulators;
mod cancel_transposes;
mod certify_requantization;
mod channels_last;
mod find_grids;
mod find_quantizers;
mod fold_constants;
mod fuse_bias_add;
mod fuse_padding;
mod merge_duplicates;
mod order_inputs;
mod plan_memory;
mod quantize_before_moves;
mod quantize_values;
mod remove_identity;
mod select_packing;
mod store_codes;
mod stream;
mod write_affine;

use crate::diagnostic::Result;
use crate::graph::{Graph, Level};
use crate::target::Target;
pub use bind::bind;
pub use order_inputs::{InputOrder, order_inputs};
pub use stream::{Arrival, Stepped, Steps, stream};

/// A rewrite of the graph.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Name, as on the command line and in golden files.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Level it takes.
    pub from: Level,
    /// Level it leaves.
    pub to: Level,
    run: Run,
}

/// What a pass does.
#[derive(Clone, Copy, Debug)]
enum Run {
    /// The same for all targets.
    Always(fn(&mut Graph) -> Result<()>),
    /// What suits the target.
    For(fn(&mut Graph, &Target) -> Result<()>),
}

/// All passes, in order. An order that matters has its reason beside it.
pub const PASSES: &[Pass] = &[
    remove_identity::PASS,
    // Weights that went through identities are constants only now.
    fold_constants::PASS,
    // Constants are compared as the codes that they are. What has one reader can be fused with it.
    merge_duplicates::PASS,
    // Biases have to be constants to be found.
    fuse_bias_add::PASS,
    // Matrix products have one form now, and no weight is about to become codes in another way.
    find_grids::PASS,
    // What is added to a layer is its bias by now; quantized constants are codes.
    write_affine::PASS,
    // Arithmetic has one form now; quantizers are looked for before they move.
    find_quantizers::PASS,
    // Batch norms and arithmetic move as affine functions.
    quantize_before_moves::PASS,
    // Padding stands right before its layer only when the quantizer between them has moved.
    fuse_padding::PASS,
    quantize_values::PASS,
    // The exact reference has read the graph by now; bounds are those of stored codes.
    store_codes::PASS,
    bound_accumulators::PASS,
    certify_requantization::PASS,
    // The dataflow description reads the integer graph before this, in the file's order of axes.
    channels_last::PASS,
    // Only now all transposes are there.
    cancel_transposes::PASS,
    // Axes have their last order, in which depthwise convolutions are told from others.
    select_packing::PASS,
    // What a kernel works in depends on its packing.
    plan_memory::PASS,
];

impl Pass {
    /// The pass called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        PASSES.iter().find(|pass| pass.name == name)
    }

    /// Whether what it does depends on the target.
    pub const fn depends_on_target(&self) -> bool {
        matches!(self.run, Run::For(_))
    }

    /// Runs the pass and the verifier.
    ///
    /// # Errors
    /// If the graph cannot be brought to the next level: a problem of the model.
    ///
    /// # Panics
    /// If the graph is not on the pass's level, or if the pass breaks a rule of the graph: a fault of the compiler.
    pub fn apply(&self, graph: &mut Graph, target: &Target) -> Result<()> {
        assert_eq!(graph.level, self.from, "pass {} runs on the {} level", self.name, self.from.name());
        match self.run {
            Run::Always(run) => run(graph)?,
            Run::For(run) => run(graph, target)?,
        }
        graph.level = self.to;
        graph.compact();
        if let Err(violations) = graph.verify() {
            let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
            panic!(
                "pass {} broke the graph, please report this with the model:\n{}\n{graph:#}",
                self.name,
                violations.join("\n")
            );
        }
        Ok(())
    }
}

/// Runs the passes that lead from the graph's level to `level` for `target`, and stops there.
///
/// # Errors
/// As [`Pass::apply`].
///
/// # Panics
/// As [`Pass::apply`].
pub fn advance(graph: &mut Graph, level: Level, target: &Target) -> Result<()> {
    let start = graph.level;
    for pass in PASSES.iter().filter(|pass| pass.from >= start) {
        // The last level is complete when every pass has run.
        if graph.level >= level && level != Level::Scheduled {
            break;
        }
        pass.apply(graph, target)?;
    }
    Ok(())
}
