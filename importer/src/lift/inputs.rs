//! The graph's inputs and outputs.
//!
//! An input of integers, by its element type or by a `finn_datatype` annotation, is a float input and a quantizer with
//! scale 1: the caller's numbers are its codes.

use exactum_qonnx::{DataType, Dim, ElemType, ValueInfo};
use exactum_runtime::num::{IntType, Rounding};

use super::context::MAX_RANK;
use super::{Coding, Item, Lifter, Operand};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::{FileOutput, Node, Op, QuantAttributes, TensorType, Type, Value, ValueId, shape};
use crate::input_shape;

/// Operators that quantize their first operand.
const QUANTIZERS: [&str; 5] = ["Quant", "BipolarQuant", "QuantizeLinear", "FloatQuant", "MultiThreshold"];

/// Whether `node` quantizes its first operand.
pub fn is_quantizer(node: &exactum_qonnx::Node) -> bool {
    QUANTIZERS.contains(&node.operator().map_or("", |schema| schema.op_type))
}

impl<'a> Lifter<'a> {
    /// Adds all inputs; returns the problems.
    pub(super) fn inputs(&mut self) -> Vec<Diagnostic> {
        let mut problems = vec![];
        let model = self.model;
        for input in model.graph.real_inputs() {
            if let Err(problem) = self.input(input) {
                self.broken.insert(input.name.clone());
                problems.push(problem);
            }
        }
        problems
    }

    fn input(&mut self, input: &'a ValueInfo) -> Result<(), Diagnostic> {
        let at = || Location::part(format!("input `{}`", input.name));
        let integers = match input.elem {
            ElemType::F32 | ElemType::F64 | ElemType::F16 | ElemType::Bf16 => None,
            // Numbers that a quantizer follows; a program takes 32 bits of them.
            ElemType::I64 => Some(IntType::INT32),
            elem => Some(integer_type(elem).ok_or_else(|| {
                let found = format!("elements of type {elem}");
                let needed = "floats, or integers with a sign or of at most 16 bits";
                Diagnostic::new(Code::UnsupportedForm, at(), found, needed)
            })?),
        };
        let dims = input.shape.as_deref().unwrap_or_default();
        let Some((batch, sample)) = dims.split_first() else {
            let needed = "a shape whose first axis is the batch";
            return Err(Diagnostic::new(Code::ShapeMismatch, at(), "no shape", needed));
        };
        match batch {
            Dim::Known(batch) => self.batch = (*batch).max(1),
            Dim::Symbol(_) | Dim::Unknown => self.free_batch = true,
        }
        let mut shape = vec![1];
        for dim in sample {
            match dim {
                Dim::Known(size) if *size > 0 => shape.push(*size),
                dim => {
                    let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
                    let found = format!("size {dim} in [{}]", dims.join(", "));
                    let needed = "fixed sizes after the batch axis";
                    let problem = Diagnostic::new(Code::ShapeMismatch, at(), found, needed);
                    return Err(problem.with_hint(input_shape::advice(input)));
                }
            }
        }
        if shape.len() > MAX_RANK {
            let needed = format!("at most {MAX_RANK}");
            return Err(Diagnostic::new(Code::TooLarge, at(), format!("{} axes", shape.len()), needed));
        }
        if shape::elems(&shape).is_none() {
            let needed = format!("at most {} elements", shape::MAX_ELEMS);
            return Err(Diagnostic::new(Code::TooLarge, at(), format!("shape {shape:?}"), needed));
        }
        if self.items.contains_key(&input.name) {
            let found = format!("a second input `{}`", input.name);
            return Err(Diagnostic::new(Code::BadGraph, at(), found, "each input once"));
        }
        let id = self.add(Value::new(input.name.clone(), shape, Type::Float), false);
        self.graph.inputs.push(id);
        if input.elem != ElemType::F32 {
            self.graph.value_mut(id).tensor = Some(TensorType::reals(input.elem));
        }
        let operand = match integers {
            Some(int) => {
                let coding = Coding::plain(int, input.elem);
                self.graph.value_mut(id).tensor = Some(coding.tensor());
                let id = self.integers(&input.name, id, int);
                self.graph.value_mut(id).tensor = Some(coding.tensor());
                Operand { id, coding: Some(coding) }
            }
            None => self.annotated_input(&input.name, id).into(),
        };
        self.items.insert(input.name.clone(), Item::Value(operand));
        Ok(())
    }

    /// The input `id` quantized as its annotation says, unless a quantizer reads it anyway.
    fn annotated_input(&mut self, name: &str, id: ValueId) -> ValueId {
        let graph = &self.model.graph;
        let quantized = |node: &exactum_qonnx::Node| node.input(0) == Some(name) && is_quantizer(node);
        let reader = graph.nodes.iter().find(|node| node.inputs.iter().any(|input| input == name));
        let datatype = graph.annotation(name, "finn_datatype").and_then(|datatype| datatype.parse().ok());
        match datatype {
            _ if reader.is_some_and(quantized) => id,
            Some(DataType::Int(int)) => self.integers(name, id, int),
            Some(DataType::Bipolar) => {
                let one = self.floats(&format!("{name}:scale"), &[], vec![1.0]);
                self.quantizer(name, Op::BipolarQuant, vec![id, one])
            }
            _ => id,
        }
    }

    /// The input `id` as integers of type `int`.
    fn integers(&mut self, name: &str, id: ValueId, int: IntType) -> ValueId {
        let attributes = QuantAttributes {
            signed: int.signed,
            narrow: int.narrow,
            rounding: Rounding::HalfEven,
            zero_point_outside: false,
            clip: None,
        };
        let constants = [("scale", 1.0), ("zero_point", 0.0), ("bits", f32::from(int.width.bits()))];
        let parameters =
            constants.map(|(part, value)| self.floats(&format!("{name}:{part}"), &[], vec![value]));
        let operands = [id].into_iter().chain(parameters).collect();
        self.quantizer(name, Op::Quant(attributes), operands)
    }

    fn quantizer(&mut self, name: &str, op: Op, inputs: Vec<ValueId>) -> ValueId {
        let name = self.made(format!("{name}:integers"));
        let output = self.add(Value::new(name.clone(), self.shape(inputs[0]), Type::Float), false);
        self.graph.nodes.push(Node::new(name, vec![], op, inputs, output));
        output
    }

    /// Names all outputs; returns the problems.
    pub(super) fn outputs(&mut self) -> Vec<Diagnostic> {
        let mut problems = vec![];
        let model = self.model;
        for output in &model.graph.outputs {
            match self.items.get(&output.name) {
                Some(Item::Value(operand)) => {
                    let (id, tensor) = (operand.id, tensor_type(operand, output.elem));
                    let renamed = self.graph.producer(id).is_some() && !self.graph.outputs.contains(&id);
                    if renamed {
                        let value = self.graph.value_mut(id);
                        value.name.clone_from(&output.name);
                        value.tensor = operand.coding.as_ref().map(Coding::tensor);
                    }
                    self.graph.results.push(FileOutput { name: output.name.clone(), tensor });
                    self.graph.outputs.push(id);
                }
                Some(Item::Constant(_)) => {}
                None if self.initializers.contains_key(output.name.as_str()) => {}
                None => problems.push(Diagnostic::new(
                    Code::BadGraph,
                    Location::part(format!("output `{}`", output.name)),
                    "no node that produces it",
                    "a value of the graph",
                )),
            }
        }
        problems
    }
}

/// What an output holds that the file declares to be of type `declared`.
fn tensor_type(operand: &Operand, declared: ElemType) -> TensorType {
    match (&operand.coding, declared) {
        (Some(coding), _) => coding.tensor(),
        (None, ElemType::F16 | ElemType::Bf16 | ElemType::F64) => TensorType::reals(declared),
        (None, ElemType::Bool) => Coding::plain(IntType::INT32, ElemType::Bool).tensor(),
        // Files of QONNX leave the type out, or say what the numbers are meant to be.
        (None, _) => TensorType::default(),
    }
}

/// Integers of element type `elem`, if codes can be such.
pub(super) fn integer_type(elem: ElemType) -> Option<IntType> {
    let (bits, signed) = match elem {
        ElemType::Bool => (1, false),
        ElemType::U2 => (2, false),
        ElemType::I2 => (2, true),
        ElemType::U4 => (4, false),
        ElemType::I4 => (4, true),
        ElemType::U8 => (8, false),
        ElemType::I8 => (8, true),
        ElemType::U16 => (16, false),
        ElemType::I16 => (16, true),
        ElemType::I32 => (32, true),
        _ => return None,
    };
    IntType::new(bits, signed, false)
}
