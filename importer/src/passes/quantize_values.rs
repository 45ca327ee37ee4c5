//! From floats to integers: every value becomes codes or accumulators with an exact meaning.
//!
//! Walks the nodes once and keeps, for each float value of the file, the integer value that carries it and what that
//! integer stands for. Scales, biases and ReLUs change the meaning only; a `Quant` ends it in a `requantize`.

use std::collections::BTreeMap;

use exactum_runtime::Element;
use exactum_runtime::num::{IntRange, Rounding};

use super::Pass;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{Activation, Codes, Graph, Level, Meaning, Node, Op, Requantize, Tail, Type, Value, ValueId};

mod layer;
pub(super) mod parameters;

pub(super) const PASS: Pass = Pass {
    name: "quantize-values",
    about: "replace floats by integer codes and accumulators with exact meanings",
    from: Level::Imported,
    to: Level::Quantized,
    run,
};

/// An integer value and the float it stands for.
#[derive(Clone, Debug)]
struct Known {
    value: ValueId,
    meaning: Meaning,
    /// Negative reals count as zero: a ReLU that the next quantizer has to carry out, and its names in the file.
    relu: Option<Vec<String>>,
}

struct Quantizer<'a> {
    from: &'a Graph,
    to: Graph,
    known: BTreeMap<ValueId, Known>,
    inputs: BTreeMap<ValueId, ValueId>,
}

fn run(graph: &mut Graph) -> Result<()> {
    let mut quantizer = Quantizer {
        from: graph,
        to: Graph::new(graph.name.clone(), Level::Quantized),
        known: BTreeMap::new(),
        inputs: BTreeMap::new(),
    };
    let mut problems = vec![];
    for id in &graph.inputs {
        let value = quantizer.to.add(graph.value(*id).clone());
        quantizer.to.inputs.push(value);
        quantizer.inputs.insert(*id, value);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        // Whatever depends on a node with a problem is left out, so each problem is told once.
        let reachable = !problems.is_empty() && node.inputs.iter().any(|id| quantizer.missing(*id));
        if reachable {
            continue;
        }
        if let Err(problem) = quantizer.node(index, node) {
            problems.push(problem);
        }
    }
    if problems.is_empty() {
        for id in &graph.outputs {
            if let Err(problem) = quantizer.output(*id) {
                problems.push(problem);
            }
        }
    }
    // An input that nothing reads is none of the program's.
    let mut to = quantizer.to;
    to.inputs.retain(|id| to.nodes.iter().any(|node| node.inputs.contains(id)));
    Report::check(problems, ())?;
    *graph = to;
    Ok(())
}

impl Quantizer<'_> {
    /// Whether `id` should be known and is not, because its node had a problem.
    fn missing(&self, id: ValueId) -> bool {
        self.from.value(id).constant.is_none()
            && !self.inputs.contains_key(&id)
            && !self.known.contains_key(&id)
    }

    fn node(&mut self, index: usize, node: &Node) -> Result<(), Diagnostic> {
        let at = parameters::location(index, node);
        match &node.op {
            Op::Quant(attributes) => {
                let codes = parameters::of_node(self.from, index, node)?;
                self.quantize(&at, node, codes, attributes.rounding)
            }
            Op::Activation(Activation::Relu) => {
                let known = self.known(&at, node.inputs[0])?;
                let names = known.relu.into_iter().flatten().chain(node.origin.iter().cloned()).collect();
                self.known.insert(node.output, Known { relu: Some(names), ..known });
                Ok(())
            }
            Op::Gemm { .. } | Op::Conv(_) => self.layer(&at, node),
            Op::MaxPool(_) | Op::Reshape | Op::Transpose { .. } => self.move_elements(&at, node),
            op => Err(Diagnostic::new(
                Code::UnsupportedOperator,
                at,
                format!("{} of computed values", op.name()),
                "layers, activations, pools and shape changes; an addition of a constant right after a layer",
            )),
        }
    }

    /// The integers behind the float value `id`.
    fn known(&self, at: &Location, id: ValueId) -> Result<Known, Diagnostic> {
        self.known.get(&id).cloned().ok_or_else(|| {
            let found = format!("`{}`, which is float", self.from.value(id).name);
            Diagnostic::new(Code::MissingScale, at.clone(), found, "a quantizer before this node")
        })
    }

    /// As [`known`](Self::known), for nodes that need codes with one scale.
    fn known_codes(&self, at: &Location, id: ValueId) -> Result<(ValueId, Codes), Diagnostic> {
        let known = self.known(at, id)?;
        let name = &self.from.value(id).name;
        match &self.to.value(known.value).ty {
            Type::Codes(codes) if known.relu.is_none() && codes.axis.is_none() => {
                Ok((known.value, codes.clone()))
            }
            Type::Codes(codes) if known.relu.is_none() => Err(Diagnostic::new(
                Code::BadChannels,
                at.clone(),
                format!("`{name}` with {} scales", codes.scale.len()),
                "one scale for the whole value",
            )),
            _ => Err(Diagnostic::new(
                Code::MissingScale,
                at.clone(),
                format!("`{name}`, the unquantized result of a layer or activation"),
                "an activation quantizer between the two",
            )),
        }
    }

    /// A value of the new graph with the name and shape of `id`.
    fn result(&mut self, id: ValueId, ty: Type) -> ValueId {
        let Value { name, shape, .. } = self.from.value(id);
        self.to.add(Value::new(name.clone(), shape.clone(), ty))
    }

    fn push(&mut self, node: &Node, op: Op, inputs: Vec<ValueId>, output: ValueId) {
        let (name, origin) = (node.name.clone(), node.origin.clone());
        self.to.nodes.push(Node { name, origin, op, inputs, output });
    }

    fn quantize(
        &mut self,
        at: &Location,
        node: &Node,
        codes: Codes,
        rounding: Rounding,
    ) -> Result<(), Diagnostic> {
        // Kernels multiply codes minus the zero point as 16-bit integers.
        let (IntRange { lo, hi }, zero) = (codes.int.range(), codes.zero_point);
        if !Element::I16.range().contains_range(IntRange { lo: lo - zero, hi: hi - zero }) {
            let found = format!("{} with zero point {zero} for an activation", codes.int);
            return Err(Diagnostic::new(
                Code::BadBitWidth,
                at.clone().at_part("bit width"),
                found,
                "codes that fit 16 bits with a sign after the zero point is subtracted",
            ));
        }
        if codes.axis.is_some() {
            let found = format!("{} scales for an activation", codes.scale.len());
            return Err(Diagnostic::new(Code::BadChannels, at.clone().at_part("scale"), found, "one scale"));
        }
        let meaning = Meaning::of_codes(&codes);
        if let Some(input) = self.inputs.get(&node.inputs[0]).copied() {
            if rounding != Rounding::HalfEven {
                let (found, needed) = (rounding.qonnx_name(), "ROUND for the quantizer of an input");
                return Err(Diagnostic::new(
                    Code::UnsupportedForm,
                    at.clone().at_part("rounding_mode"),
                    found,
                    needed,
                ));
            }
            // Two quantizers of one input would be two inputs of the program.
            if let Some(first) = self.to.nodes.iter().find(|node| node.inputs == [input]) {
                let value = first.output;
                if self.to.value(value).codes() == Some(&codes) {
                    self.known.insert(node.output, Known { value, meaning, relu: None });
                    return Ok(());
                }
                let found = format!("a second quantizer for the input, after `{}`", first.name);
                let needed = "one quantizer for each input";
                return Err(Diagnostic::new(Code::UnsupportedForm, at.clone(), found, needed));
            }
            let output = self.result(node.output, Type::Codes(codes));
            self.push(node, Op::Quantize, vec![input], output);
            self.known.insert(node.output, Known { value: output, meaning, relu: None });
            return Ok(());
        }
        let source = self.known(at, node.inputs[0])?;
        let repeated = match &self.to.value(source.value).ty {
            Type::Codes(before) => {
                source.relu.is_none()
                    && (&before.scale, before.zero_point) == (&codes.scale, codes.zero_point)
                    && codes.range.contains_range(before.range)
            }
            _ => false,
        };
        if repeated {
            self.known.insert(node.output, source);
            return Ok(());
        }
        let origin = source.relu.iter().flatten().chain(&node.origin).cloned().collect();
        let lo = if source.relu.is_some() { codes.range.lo.max(codes.zero_point) } else { codes.range.lo };
        let range = IntRange { lo, hi: codes.range.hi };
        let tail = Tail {
            input: source.meaning,
            scale: codes.scale[0],
            zero_point: codes.zero_point,
            int: codes.int,
            range,
            rounding,
        };
        let output = self.result(node.output, Type::Codes(Codes { range, ..codes }));
        let node = &Node { origin, ..node.clone() };
        self.push(node, Op::Requantize(Requantize::Exact(tail)), vec![source.value], output);
        self.known.insert(node.output, Known { value: output, meaning, relu: None });
        Ok(())
    }

    fn move_elements(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let (x, codes) = self.known_codes(at, node.inputs[0])?;
        let meaning = Meaning::of_codes(&codes);
        let output = self.result(node.output, Type::Codes(codes));
        self.push(node, node.op.clone(), vec![x], output);
        self.known.insert(node.output, Known { value: output, meaning, relu: None });
        Ok(())
    }

    fn output(&mut self, id: ValueId) -> Result<(), Diagnostic> {
        let at = Location::part(format!("output `{}`", self.from.value(id).name));
        let known = self.known(&at, id)?;
        if known.relu.is_some() {
            let (found, needed) = ("the unquantized result of a ReLU", "a quantizer after the ReLU");
            return Err(Diagnostic::new(Code::MissingScale, at, found, needed));
        }
        self.to.outputs.push(known.value);
        Ok(())
    }
}
