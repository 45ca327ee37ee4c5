//! What the page says about each step of a program, gathered from the compiler's stages by the sources of values.

use std::collections::BTreeMap;

use exactum_runtime::num::IntRange;

use super::Statistics;
use super::statistics::Seen;
use crate::Compiled;
use crate::certify::LayerCertificate;
use crate::graph::{Constant, Graph, Source, Type, Value, ValueId, joined};
use crate::lower::OpOrigin;

/// One step of the integer graph: a node, with the layer that runs as part of it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Name of the layer or node.
    pub(super) name: String,
    /// Operator of the layer or node.
    pub(super) op: &'static str,
    /// Names of the file's nodes that it comes from.
    pub(super) origin: Vec<String>,
    /// Steps whose results it reads.
    pub(super) sources: Vec<usize>,
    /// Shapes of the computed operands.
    pub(super) inputs: Vec<String>,
    /// Types of the computed operands, each once.
    pub(super) input_types: Vec<String>,
    pub(super) output: String,
    pub(super) output_shape: String,
    pub(super) output_type: String,
    /// Codes that the result can have.
    pub(super) codes: Option<IntRange>,
    /// Code of the real value 0.
    pub(super) zero_point: i64,
    pub(super) weights: Option<Weights>,
    pub(super) macs: u64,
    pub(super) weight_bytes: u64,
    pub(super) table_bytes: u64,
    /// Proven bounds of each channel's accumulator.
    pub(super) bounds: Vec<IntRange>,
    pub(super) certificate: Option<LayerCertificate>,
    /// Accumulators in the calibration samples.
    pub(super) accumulators: Option<Seen>,
    /// Results in the calibration samples.
    pub(super) results: Option<Seen>,
    /// Whether the caller gets the result.
    pub(super) is_output: bool,
}

/// Weights of a step.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// Type of the codes.
    pub(super) ty: String,
    /// Codes that the type has.
    pub(super) range: IntRange,
    pub(super) counts: BTreeMap<i64, u64>,
    pub(super) shape: String,
}

impl Step {
    /// Bits of the widest accumulator.
    pub(super) fn accumulator_bits(&self) -> Option<u32> {
        self.bounds.iter().map(|range| range.signed_bits()).max()
    }

    /// Bits of the widest accumulator seen.
    pub(super) fn seen_bits(&self) -> Option<u32> {
        self.accumulators.as_ref()?.range().map(IntRange::signed_bits)
    }

    pub(super) fn flash_bytes(&self) -> u64 {
        self.weight_bytes + self.table_bytes
    }
}

/// The steps of `compiled`, in the order in which they run.
pub(super) fn steps(compiled: &Compiled, statistics: Option<&Statistics>) -> Vec<Step> {
    let graph = &compiled.integer;
    let mut made_by: BTreeMap<ValueId, usize> = BTreeMap::new();
    let mut proofs = compiled.proofs.iter();
    let mut steps = vec![];
    for (index, layer) in graph.steps() {
        let (last, first) = (&graph.nodes[index], &graph.nodes[layer.unwrap_or(index)]);
        let computed: Vec<ValueId> =
            first.inputs.iter().copied().filter(|id| graph.value(*id).constant.is_none()).collect();
        let output = graph.value(last.output);
        let mut sources: Vec<usize> = computed.iter().filter_map(|id| made_by.get(id).copied()).collect();
        sources.dedup();
        let mut input_types: Vec<String> = computed.iter().map(|id| ty(graph.value(*id))).collect();
        input_types.dedup();
        let origin = graph.names_of(&joined(&first.origin, &last.origin));
        let sums = accumulators(graph, layer.unwrap_or(index));
        let seen = |id: ValueId| statistics?.of(graph.value(id).sources.first()?.value).cloned();
        let of_step = compiled.ops.iter().filter(|op| {
            let stored = compiled.scheduled.value(op.output);
            let holds = |source: &Source| output.sources.iter().any(|own| own.value == source.value);
            stored.sources.iter().any(holds)
        });
        let total = |bytes: fn(&OpOrigin) -> u64| of_step.clone().map(bytes).sum();
        // Each requantization has a proof, in the order of the nodes.
        let requantizes = last.op.name().starts_with("requantize");
        let certificate = requantizes.then(|| proofs.next()).flatten().map(|proof| proof.certificate.clone());
        // A new name or another shape for the same bytes, or what the caller computes: no step of the program.
        if let ([source], None) = (sources.as_slice(), of_step.clone().next()) {
            made_by.insert(last.output, *source);
            let before: &mut Step = &mut steps[*source];
            before.is_output |= graph.outputs.contains(&last.output);
            continue;
        }
        made_by.insert(last.output, steps.len());
        steps.push(Step {
            name: first.name.clone(),
            op: first.op.name(),
            origin,
            sources,
            inputs: computed.iter().map(|id| shape(&graph.value(*id).shape)).collect(),
            input_types,
            output: output.name.clone(),
            output_shape: shape(&output.shape),
            output_type: ty(output),
            codes: output.codes().map(|codes| codes.range),
            zero_point: output.codes().map_or(0, |codes| codes.zero_point),
            weights: weights(graph, &first.inputs),
            macs: total(|op| op.macs),
            weight_bytes: total(|op| op.weight_bytes as u64),
            table_bytes: total(|op| op.table_bytes as u64),
            bounds: sums.map(|(_, bounds)| bounds.to_vec()).unwrap_or_default(),
            certificate,
            accumulators: sums.and_then(|(id, _)| seen(id)),
            results: seen(last.output).filter(|seen| !seen.counts.is_empty()),
            is_output: graph.outputs.contains(&last.output),
        });
    }
    steps
}

/// The value of accumulators that node `index` computes, with its bounds.
fn accumulators(graph: &Graph, index: usize) -> Option<(ValueId, &[IntRange])> {
    let id = graph.nodes[index].output;
    match &graph.value(id).ty {
        Type::Accumulators { bounds, .. } if !bounds.is_empty() => Some((id, bounds)),
        _ => None,
    }
}

/// The codes among constant operands with the most elements; biases have fewer.
fn weights(graph: &Graph, operands: &[ValueId]) -> Option<Weights> {
    let constants = operands.iter().skip(1).map(|id| graph.value(*id));
    let codes = constants.filter_map(|value| match (&value.constant, value.codes()) {
        (Some(Constant::Codes(elements)), Some(codes)) => Some((value, elements, codes)),
        _ => None,
    });
    let (value, elements, codes) = codes.max_by_key(|(_, elements, _)| elements.len())?;
    let mut counts = BTreeMap::new();
    for code in elements {
        *counts.entry(i64::from(*code)).or_default() += 1;
    }
    let whole = value.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("\u{d7}");
    Some(Weights { ty: codes.int.to_string(), range: codes.int.range(), counts, shape: whole })
}

/// `8×8×16`: a shape without the batch.
pub(super) fn shape(shape: &[usize]) -> String {
    let sample = shape.get(1..).filter(|sample| !sample.is_empty()).unwrap_or(shape);
    sample.iter().map(usize::to_string).collect::<Vec<_>>().join("\u{d7}")
}

fn ty(value: &Value) -> String {
    match &value.ty {
        Type::Codes(codes) => codes.int.to_string(),
        Type::Accumulators { .. } => "int32".to_owned(),
        Type::Float => "float32".to_owned(),
        Type::Shape => "int64".to_owned(),
    }
}
