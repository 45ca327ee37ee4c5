//! Compiles QONNX models to proven integer programs and to dataflow descriptions.
//!
//! [`compile`] is the whole way on one screen: `lift` reads the file into the [`graph`], `passes` bring it from level
//! to level, `lower` writes the program. [`mod@reference`] executes the model exactly as it is defined; `certify`
//! checks every requantization without trusting the solver in `requant`.

pub mod batch;
pub mod c_library;
pub mod certify;
pub mod cli;
pub mod comparison;
mod constants;
pub mod container;
pub mod cost;
pub mod dataflow;
pub mod diagnostic;
pub mod exact;
pub mod float_network;
pub mod graph;
pub mod input_shape;
pub mod input_type;
pub mod interface;
pub mod lift;
pub mod lower;
pub mod passes;
pub mod reference;
pub mod report;

pub mod requant;
pub mod rust_module;
#[cfg(all(unix, feature = "emulate"))]
pub mod serial;
pub mod target;
pub mod trace;

pub use exactum_host::{npy, npz};

use std::collections::BTreeMap;

use diagnostic::Result;
use exactum_runtime::Program;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::words_as_bytes;
use graph::{Graph, Level, MemoryPlan, Op, Outside, Requantize, RequantizePair};
use interface::Interface;
use lower::{About, OpOrigin, PortMeaning};
use passes::{InputOrder, Stepped, Steps};
use target::Target;

/// A compiled model: the program, and every stage that led to it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The file as it was read.
    pub imported: Graph,
    /// Its exact meaning; what [`mod@reference`] executes.
    pub quantized: Graph,
    /// Integers only, in the file's order of axes; what `dataflow` reads.
    pub integer: Graph,
    /// Channels last, with places in the arena; what the program was written from.
    pub scheduled: Graph,
    /// The flash image. Runtimes load it at an address that is a multiple of 8.
    pub image: Vec<u8>,
    /// What a caller has to know about inputs and outputs.
    pub interface: Interface,
    /// Where each operator of the program comes from.
    pub ops: Vec<OpOrigin>,
    /// What was proven about each requantization.
    pub proofs: Vec<LayerProof>,
    /// How the arena was planned.
    pub memory: MemoryPlan,
    /// The machine that it was compiled for.
    pub target: Target,
    /// What it is a step of, if it is one.
    pub streamed: Option<Streamed>,
}

/// The network of a window that a program of steps was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Streamed {
    /// Its exact meaning.
    pub window: Graph,
    /// How steps make up a window.
    pub steps: Steps,
}

impl Compiled {
    /// The program as a Rust module: what `exactum build --emit rust` writes.
    ///
    /// # Panics
    /// If the runtime refuses the image: a fault of the compiler.
    pub fn rust_module(&self) -> String {
        let words = lower::aligned(&self.image);
        let program = Program::load(&words_as_bytes(&words)[..self.image.len()]);
        let program = program.unwrap_or_else(|error| panic!("please report this with the model: {error}"));
        let ops: Vec<&str> = self.ops.iter().map(|op| op.name.as_str()).collect();
        rust_module::text(&program, &self.interface, &ops)
    }
}

/// What a program says of the model that it was made from, besides what follows from the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// SHA-256 of the model's file; zeros if there is none.
    pub digest: [u8; 32],
    /// Its name, if not that of its graph.
    pub name: Option<String>,
    /// Its version, if not the one that its file states.
    pub version: Option<i64>,
    /// Names of classes, by the name of the output that tells them apart.
    pub labels: BTreeMap<String, Vec<String>>,
}

impl Identity {
    fn about(&self, model: &exactum_qonnx::Model, quantized: &Graph) -> About {
        let outputs = PortMeaning::of_outputs(quantized).into_iter().enumerate();
        let labelled = |(position, meaning): (usize, PortMeaning)| match self
            .labels
            .get(&quantized.result(position).name)
        {
            Some(labels) => meaning.with_labels(labels),
            None => meaning,
        };
        About {
            name: self.name.clone().unwrap_or_else(|| model.graph.name.clone()),
            version: self.version.unwrap_or(model.version),
            digest: self.digest,
            inputs: PortMeaning::of_inputs(quantized),
            outputs: outputs.map(labelled).collect(),
        }
    }
}

/// What was proven about one requantization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerProof {
    /// Name of the layer whose accumulators are requantized, or of the requantization itself.
    pub name: String,
    /// Bounds of each channel's accumulator; one for codes.
    pub accumulators: Vec<IntRange>,
    /// The checker's certificate.
    pub certificate: certify::LayerCertificate,
}

/// Compiles `model` for any machine.
///
/// # Errors
/// As [`compile_for`].
///
/// # Panics
/// As [`compile_for`].
pub fn compile(model: &exactum_qonnx::Model) -> Result<Compiled> {
    compile_for(model, &Target::portable())
}

/// Compiles `model` for `target`. Whether the program fits it is for the caller to ask ([`Target::holds`]).
///
/// # Errors
/// If the model is malformed or has no exact integer form; the report names every problem of the stage that met the
/// first one.
///
/// # Panics
/// If a pass breaks a rule of the graph: a fault of the compiler.
pub fn compile_for(model: &exactum_qonnx::Model, target: &Target) -> Result<Compiled> {
    compile_as(model, &Request::new(target))
}

/// What a program keeps from one run to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// Nothing.
    #[default]
    Nothing,
    /// What a step needs of the past, where frames follow each other along an axis of the inputs.
    Steps {
        /// The axis, counted from the end if it is negative.
        axis: isize,
    },
    /// Outputs that are inputs of the next run: names of both.
    Bound(Vec<[String; 2]>),
}

/// What a program is to be, besides what follows from the model.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The machine that it is for. Whether it fits is for the caller to ask ([`Target::holds`]).
    pub target: &'a Target,
    /// What it says of the model.
    pub identity: Identity,
    /// What it keeps from run to run.
    pub keeping: Keeping,
    /// The ports that lie in buffers of the caller.
    pub outside: Outside,
    /// The order in which it takes the axes of its inputs.
    pub order: InputOrder,
}

impl<'a> Request<'a> {
    /// A program for `target`, as the model's file describes it.
    pub fn new(target: &'a Target) -> Self {
        Self {
            target,
            identity: Identity::default(),
            keeping: Keeping::default(),
            outside: Outside::default(),
            order: InputOrder::default(),
        }
    }
}

/// Compiles `model` to the program that `request` asks for.
///
/// # Errors
/// As [`compile_for`], or if the network cannot go along the axis, outputs cannot be inputs, or inputs cannot be in that order.
///
/// # Panics
/// As [`compile_for`].
pub fn compile_as(model: &exactum_qonnx::Model, request: &Request<'_>) -> Result<Compiled> {
    let Request { target: machine, identity, keeping, outside, order } = request;
    let imported = lift::lift(model)?;
    let mut graph = imported.clone();
    passes::advance(&mut graph, Level::Quantized, machine)?;
    passes::order_inputs(&mut graph, order)?;
    let mut streamed = None;
    match keeping {
        Keeping::Nothing => {}
        Keeping::Steps { axis } => {
            let Stepped { graph: step, steps } = passes::stream(&graph, *axis)?;
            let window = std::mem::replace(&mut graph, step);
            streamed = Some(Streamed { window, steps });
        }
        Keeping::Bound(pairs) => {
            pairs.iter().try_for_each(|[output, input]| passes::bind(&mut graph, output, input))?;
        }
    }
    let quantized = graph.clone();
    let about = identity.about(model, &quantized);
    // Weights get the flash that names and numbers leave.
    let target = &machine.with_less_flash(about.size_bytes());
    passes::advance(&mut graph, Level::Integer, target)?;
    let integer = graph;
    let mut scheduled = Graph { outside: *outside, ..integer.clone() };
    passes::advance(&mut scheduled, Level::Scheduled, target)?;
    let lowered = lower::program(&scheduled, &about)?;
    Ok(Compiled {
        interface: Interface::of(&imported, &quantized, &integer),
        proofs: proofs(&integer),
        memory: scheduled.memory.unwrap_or_default(),
        target: (*machine).clone(),
        imported,
        quantized,
        integer,
        scheduled,
        image: lowered.image,
        ops: lowered.ops,
        streamed,
    })
}

fn proofs(graph: &Graph) -> Vec<LayerProof> {
    let proof = |node: &graph::Node| match &node.op {
        Op::Requantize(Requantize::Certified(certified))
        | Op::RequantizePair(RequantizePair::Certified { certified, .. }) => {
            let layer = graph.producer(node.inputs[0]).map(|index| &graph.nodes[index]);
            // A pair has sums of its own.
            let alone = matches!(node.op, Op::RequantizePair(_));
            let layer = layer.filter(|layer| layer.op.accumulates() && !alone);
            Some(LayerProof {
                name: layer.unwrap_or(node).name.clone(),
                accumulators: certified.certificate.channels.iter().map(|channel| channel.range).collect(),
                certificate: certified.certificate.clone(),
            })
        }
        _ => None,
    };
    graph.nodes.iter().filter_map(proof).collect()
}
