//! Values as the program computes them on this machine, turned back into the file's order of elements.

use exactum_runtime::codes::Codes;
use exactum_runtime::{Observer, Program};

use super::{Backend, Tensor};
use crate::Compiled;
use crate::batch::{Batch, Host};
use crate::graph::{Op, Source, Storage, Value, ValueId};

/// A compiled program that runs the samples of a batch on this machine.
#[derive(Debug)]
pub struct HostProgram<'a> {
    host: Host<'a>,
    batch: &'a Batch,
    /// Values of the quantized graph.
    values: usize,
    /// What is subtracted from the codes of each where they are stored.
    less: Vec<i64>,
    /// Those of which the codes of each input are.
    inputs: Vec<Vec<Source>>,
    /// Of what each op of the program writes.
    ops: Vec<Vec<Source>>,
}

impl<'a> HostProgram<'a> {
    /// `program`, which is that of `compiled`, on the samples of `batch`.
    pub fn new(compiled: &Compiled, program: Program<'a>, batch: &'a Batch) -> Self {
        let (quantized, scheduled) = (&compiled.quantized, &compiled.scheduled);
        let sources = |id: ValueId| {
            // Reshapes are other values of the same bytes.
            let mut same = vec![id];
            for node in scheduled.nodes.iter().filter(|node| node.op == Op::Reshape) {
                if same.contains(&node.inputs[0]) {
                    same.push(node.output);
                }
            }
            same.into_iter().flat_map(|id| scheduled.value(id).sources.clone()).collect::<Vec<_>>()
        };
        let less = |value: &Value| value.codes().map_or(0, |codes| Storage::of(codes.int).less);
        Self {
            host: Host::new(program),
            batch,
            values: quantized.values.len(),
            less: quantized.values.iter().map(less).collect(),
            inputs: scheduled.input_codes().into_iter().map(sources).collect(),
            ops: compiled.ops.iter().map(|op| sources(op.output)).collect(),
        }
    }
}

impl Backend for HostProgram<'_> {
    fn name(&self) -> &'static str {
        "host"
    }

    fn sample(&mut self, index: usize) -> Vec<Option<Tensor>> {
        let mut recorder = Recorder { ops: &self.ops, less: &self.less, found: vec![None; self.values] };
        let inputs = self.host.run_observed(&self.batch.sample(index), &mut recorder);
        for (sources, codes) in self.inputs.iter().zip(inputs) {
            recorder.record(sources, codes);
        }
        recorder.found
    }
}

struct Recorder<'t> {
    ops: &'t [Vec<Source>],
    less: &'t [i64],
    found: Vec<Option<Tensor>>,
}

impl Recorder<'_> {
    fn record(&mut self, sources: &[Source], codes: Vec<i32>) {
        for Source { value, order } in sources {
            let found = &mut self.found[value.index()];
            // A value that is turned for its readers was written first where it is computed.
            if found.is_none() {
                let less = self.less[value.index()];
                let codes: Vec<i64> = codes.iter().map(|code| i64::from(*code) + less).collect();
                let codes = order.as_ref().map_or_else(|| codes.clone(), |order| order.undone(&codes));
                *found = Some(Tensor::Integers(codes));
            }
        }
    }
}

impl Observer for Recorder<'_> {
    fn after(&mut self, op: usize, output: Codes<'_>) {
        if let Some(sources) = self.ops.get(op).filter(|sources| !sources.is_empty()) {
            self.record(sources, output.iter().collect());
        }
    }
}
