//! Writes arithmetic with constants, batch normalizations among it, as affine functions with exact constants, and brings
//! both operands of sums and products to one shape.
//!
//! Later passes see of arithmetic only `affine`, powers, and sums and products of two computed values of equal shape.

use super::{Pass, Run};
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::exact::{self, Elementary};
use crate::graph::channels::{along, varying_axis};
use crate::graph::{Activation, Affine, Constant, Graph, Level, Node, Op, Type, Value, ValueId};
use exactum_host::elements::spread;

pub(super) const PASS: Pass = Pass {
    name: "write-affine",
    about: "turn batch norms and arithmetic with constants into affine functions; bring operands to one shape",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

/// Largest exponent of a power that is computed in rationals.
const LARGEST_POWER: f64 = 16.0;

fn run(graph: &mut Graph) -> Result<()> {
    let mut problems = vec![];
    let mut writer = Writer { nodes: vec![], graph };
    for (index, node) in std::mem::take(&mut writer.graph.nodes).into_iter().enumerate() {
        let at = writer.graph.location_of(index, &node);
        if let Err(problem) = writer.node(&at, node.clone()) {
            problems.push(problem);
            writer.nodes.push(node);
        }
    }
    let nodes = std::mem::take(&mut writer.nodes);
    graph.nodes = nodes;
    Report::check(problems, ())
}

/// Most elements of a value to which a number for each is added, or with which it is multiplied.
const MAX_CONSTANTS: usize = 1 << 16;

struct Writer<'g> {
    graph: &'g mut Graph,
    /// The nodes so far.
    nodes: Vec<Node>,
}

/// What arithmetic with a constant does to the other operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Add,
    /// The constant less the operand.
    From,
    Sub,
    Mul,
    Div,
    Pow,
}

impl Writer<'_> {
    fn node(&mut self, at: &Location, node: Node) -> std::result::Result<(), Diagnostic> {
        let (op, step, swapped) = match &node.op {
            Op::BatchNormalization { epsilon } => {
                let affine = self.batch_normalization(at, &node, *epsilon)?;
                self.nodes.push(Node { op: Op::Affine(affine), inputs: node.inputs[..1].to_vec(), ..node });
                return Ok(());
            }
            Op::Add => ("a sum", Step::Add, Some(Step::Add)),
            Op::Sub => ("a difference", Step::Sub, Some(Step::From)),
            Op::Mul => ("a product", Step::Mul, Some(Step::Mul)),
            Op::Div => ("a quotient", Step::Div, None),
            Op::Pow => ("a power", Step::Pow, None),
            _ => {
                self.nodes.push(node);
                return Ok(());
            }
        };
        let &[a, b] = node.inputs.as_slice() else {
            return Err(form(at, "operands", "other than two", "two"));
        };
        match (self.is_constant(a), self.is_constant(b), swapped) {
            (true, true, _) => Err(form(
                at,
                "inputs",
                &format!("{op} of two constants, one of which is quantized"),
                "one computed operand",
            )),
            (false, true, _) => self.with_constant(at, node, a, b, step),
            (true, false, Some(step)) => self.with_constant(at, node, b, a, step),
            (true, false, None) => self.of_constant(at, node, a, b, step),
            (false, false, _) => self.computed(at, node, a, b, step),
        }
    }

    fn is_constant(&self, id: ValueId) -> bool {
        self.graph.value(id).constant.is_some()
    }

    /// A new node that computes `op` of `x`, on the way to `node`.
    fn before(&mut self, node: &Node, part: &str, op: Op, x: ValueId, shape: Vec<usize>) -> ValueId {
        let name = format!("{}:{part}", node.name);
        let output = self.graph.add(Value::new(name.clone(), shape, Type::Float));
        self.nodes.push(Node::new(name, node.origin.clone(), op, vec![x], output));
        output
    }

    fn with_constant(
        &mut self,
        at: &Location,
        node: Node,
        x: ValueId,
        constant: ValueId,
        step: Step,
    ) -> std::result::Result<(), Diagnostic> {
        let shape = self.graph.value(node.output).shape.clone();
        let (rank, from) = (shape.len(), self.graph.value(x).shape.clone());
        let constant = self.graph.value(constant);
        let values = reals(at, constant)?;
        let refused = |axes: &str, needed: &str| {
            let (own, op) = (&constant.shape, node.op.name());
            let found = format!(
                "{op} with a constant of shape {own:?} for a value of shape {from:?}, different along {axes}"
            );
            form(at, "constant", &found, needed)
        };
        let elems = shape.iter().product::<usize>();
        let (axis, numbers, row) = match varying_axis(&constant.shape, rank, &values, |a, b| a == b) {
            Ok(axis) => (axis, along(&constant.shape, rank, &values, axis), None),
            Err(_) if rank >= constant.shape.len() && elems <= MAX_CONSTANTS && step != Step::Pow => {
                let numbers =
                    spread(&constant.shape, &shape).into_iter().map(|index| values[index]).collect();
                (Some(1), numbers, Some(vec![1, elems]))
            }
            Err(axes) => {
                let needed = format!("at most {MAX_CONSTANTS} elements with a number of their own");
                return Err(refused(&format!("axes {axes:?}"), &needed));
            }
        };
        let repeats = elems != from.iter().product::<usize>();
        if repeats && (from.first() != shape.first() || rank != from.len()) {
            return Err(refused("axes that the value does not have", "axes of the value, after its batch"));
        }
        if step == Step::Pow {
            return self.power(at, node, x, &numbers);
        }
        if step == Step::Div && numbers.contains(&0.0) {
            return Err(Diagnostic::new(
                Code::BadTensor,
                at.clone().at_part("constant"),
                "0 as a divisor",
                "other numbers",
            ));
        }
        let x = if repeats { self.broadcast(&node, x) } else { x };
        let line = row.as_ref().unwrap_or(&shape).clone();
        let x = if self.graph.value(x).shape == line {
            x
        } else {
            self.before(&node, "shape", Op::Reshape, x, line)
        };
        let negated = || numbers.iter().map(|number| -number).collect();
        let (ones, zeros) = (vec![1.0], vec![0.0]);
        let axis = axis.unwrap_or(1);
        let affine = match step {
            Step::Add => Affine { multiply: ones.clone(), divide: ones, add: numbers, axis },
            Step::Sub => Affine { multiply: ones.clone(), divide: ones, add: negated(), axis },
            Step::From => Affine { multiply: vec![-1.0], divide: ones, add: numbers, axis },
            Step::Mul => Affine { multiply: numbers, divide: ones, add: zeros, axis },
            Step::Div | Step::Pow => Affine { multiply: ones, divide: numbers, add: zeros, axis },
        };
        let node = match row {
            None => Node { op: Op::Affine(affine), inputs: vec![x], ..node },
            // Each element is a channel of one row.
            Some(row) => {
                let x = self.before(&node, "row", Op::Affine(affine), x, row);
                Node { op: Op::Reshape, inputs: vec![x], ..node }
            }
        };
        self.nodes.push(node);
        Ok(())
    }

    fn power(
        &mut self,
        at: &Location,
        node: Node,
        x: ValueId,
        exponents: &[f64],
    ) -> std::result::Result<(), Diagnostic> {
        let &[exponent] = exponents else {
            return Err(form(at, "exponent", &format!("{exponents:?}"), "one number"));
        };
        let whole = exponent.fract() == 0.0 && exponent.abs() <= LARGEST_POWER;
        let function = match exponent {
            1.0 => {
                let op =
                    Op::Affine(Affine { multiply: vec![1.0], divide: vec![1.0], add: vec![0.0], axis: 1 });
                self.nodes.push(Node { op, inputs: vec![x], ..node });
                return Ok(());
            }
            -1.0 => Activation::Reciprocal,
            0.5 => Activation::Elementary { of: Elementary::Sqrt },
            exponent if whole && exponent >= 0.0 => Activation::Power { exponent: exponent as u32 },
            exponent if whole => {
                let shape = self.graph.value(x).shape.clone();
                let power = Op::Activation(Activation::Power { exponent: -exponent as u32 });
                let power = self.before(&node, "power", power, x, shape);
                let op = Op::Activation(Activation::Reciprocal);
                self.nodes.push(Node { op, inputs: vec![power], ..node });
                return Ok(());
            }
            exponent => match exact::from_f64(exponent) {
                Some(exponent) => Activation::Elementary { of: Elementary::Power { exponent } },
                None => return Err(form(at, "exponent", &format!("{exponent:?}"), "a finite number")),
            },
        };
        self.nodes.push(Node { op: Op::Activation(function), inputs: vec![x], ..node });
        Ok(())
    }

    /// A constant divided by a computed value, or to the power of one.
    fn of_constant(
        &mut self,
        at: &Location,
        node: Node,
        constant: ValueId,
        x: ValueId,
        step: Step,
    ) -> std::result::Result<(), Diagnostic> {
        let shape = self.graph.value(x).shape.clone();
        if step == Step::Pow {
            let base = reals(at, self.graph.value(constant))?;
            let base = match base.first() {
                Some(first) if *first > 0.0 && base.iter().all(|other| other == first) => *first,
                _ => return Err(form(at, "base", &format!("{base:?}"), "one positive number")),
            };
            if shape != self.graph.value(node.output).shape {
                return Err(form(
                    at,
                    "base",
                    "a base with more elements than the exponent",
                    "one positive number",
                ));
            }
            // b^x = exp(x log(b)).
            let affine = Affine {
                multiply: vec![Elementary::Log.value(base)],
                divide: vec![1.0],
                add: vec![0.0],
                axis: 1,
            };
            let exponent = self.before(&node, "exponent", Op::Affine(affine), x, shape);
            let op = Op::Activation(Activation::Elementary { of: Elementary::Exp });
            self.nodes.push(Node { op, inputs: vec![exponent], ..node });
            return Ok(());
        }
        let reciprocal = self.before(&node, "reciprocal", Op::Activation(Activation::Reciprocal), x, shape);
        self.with_constant(at, node, reciprocal, constant, Step::Mul)
    }

    /// A sum, difference, product or quotient of two computed values.
    fn computed(
        &mut self,
        at: &Location,
        node: Node,
        a: ValueId,
        b: ValueId,
        step: Step,
    ) -> std::result::Result<(), Diagnostic> {
        let op = match step {
            Step::Add | Step::Sub | Step::From => Op::Add,
            Step::Mul | Step::Div => Op::Mul,
            Step::Pow => {
                let found = format!("{} of two computed values", node.op.name());
                let problem = form(at, "inputs", &found, "a constant operand");
                return Err(problem.with_hint("powers of computed values have no exact integer form"));
            }
        };
        let a = self.broadcast(&node, a);
        let mut b = self.broadcast(&node, b);
        if step == Step::Div {
            let shape = self.graph.value(b).shape.clone();
            b = self.before(&node, "reciprocal", Op::Activation(Activation::Reciprocal), b, shape);
        }
        if step == Step::Sub {
            let affine = Affine { multiply: vec![-1.0], divide: vec![1.0], add: vec![0.0], axis: 1 };
            let shape = self.graph.value(b).shape.clone();
            b = self.before(&node, "negative", Op::Affine(affine), b, shape);
        }
        self.nodes.push(Node { op, inputs: vec![a, b], ..node });
        Ok(())
    }

    /// `x` in the shape of the node's result: axes of size 1 are repeated.
    fn broadcast(&mut self, node: &Node, x: ValueId) -> ValueId {
        let shape = self.graph.value(node.output).shape.clone();
        let from = self.graph.value(x).shape.clone();
        let aligned = [vec![1; shape.len().saturating_sub(from.len())], from.clone()].concat();
        let mut x = x;
        if aligned != from {
            x = self.before(node, "axes", Op::Reshape, x, aligned.clone());
        }
        if aligned != shape {
            let factors = shape.iter().zip(&aligned).map(|(to, from)| to / (*from).max(1)).collect();
            x = self.before(node, "repeat", Op::Repeat { factors }, x, shape);
        }
        x
    }

    /// The pair of `docs/arithmetic.md`, evaluated in doubles from left to right.
    fn batch_normalization(
        &self,
        at: &Location,
        node: &Node,
        epsilon: f32,
    ) -> std::result::Result<Affine, Diagnostic> {
        let mut statistics = vec![];
        for id in &node.inputs[1..] {
            let value = self.graph.value(*id);
            if value.constant.is_none() {
                let found = format!("`{}`, which is computed", value.name);
                return Err(Diagnostic::new(Code::NotConstant, at.clone(), found, "an initializer"));
            }
            statistics.push(reals(at, value)?);
        }
        let channels = self.graph.value(node.inputs[0]).shape.get(1).copied().unwrap_or(0);
        let [gamma, beta, mean, variance] = statistics.as_slice() else {
            return Err(form(at, "inputs", "other than five", "five"));
        };
        if statistics.iter().any(|values| values.len() != channels) {
            let found = format!("statistics of other sizes than {channels}");
            return Err(Diagnostic::new(Code::ShapeMismatch, at.clone(), found, "one for each channel"));
        }
        let deviation = |c: usize| (variance[c] + f64::from(epsilon)).sqrt();
        let multiply: Vec<f64> = (0..channels).map(|c| gamma[c] / deviation(c)).collect();
        let add: Vec<f64> = (0..channels).map(|c| beta[c] - mean[c] * gamma[c] / deviation(c)).collect();
        if let Some(c) = (0..channels).find(|c| !multiply[*c].is_finite() || !add[*c].is_finite()) {
            let found = format!("variance {:?} of channel {c} with epsilon {epsilon:?}", variance[c]);
            return Err(Diagnostic::new(Code::BadTensor, at.clone(), found, "a variance above zero"));
        }
        Ok(Affine { multiply, divide: vec![1.0], add, axis: 1 })
    }
}

fn form(at: &Location, part: &str, found: &str, needed: &str) -> Diagnostic {
    Diagnostic::new(Code::UnsupportedForm, at.clone().at_part(part), found, needed)
}

/// The exact numbers of a constant.
fn reals(at: &Location, value: &Value) -> std::result::Result<Vec<f64>, Diagnostic> {
    let at = || at.clone().at_part(format!("constant `{}`", value.name));
    let numbers: Vec<f64> = match (&value.constant, &value.ty) {
        (Some(Constant::Float(values)), _) => values.iter().map(|value| f64::from(*value)).collect(),
        (Some(Constant::Shape(values)), _) => values.iter().map(|value| *value as f64).collect(),
        (Some(Constant::Codes(values)), Type::Codes(codes)) if !codes.scale.is_empty() => {
            let inner = codes.axis.map_or(1, |axis| value.shape[axis + 1..].iter().product::<usize>()).max(1);
            let real = |(i, code): (usize, &i32)| {
                let scale = f64::from(codes.scale[i / inner % codes.scale.len()]);
                let count = (i64::from(*code) - codes.zero_point) as f64;
                // The product is exact if nothing is left of it.
                (count.mul_add(scale, -(count * scale)) == 0.0).then_some(count * scale)
            };
            match values.iter().enumerate().map(real).collect() {
                Some(numbers) => numbers,
                None => {
                    let problem =
                        form(&at(), "codes", "products with scales that no double holds", "codes of 29 bits");
                    return Err(problem);
                }
            }
        }
        _ => vec![],
    };
    if numbers.is_empty() || numbers.iter().any(|number| !number.is_finite()) {
        let needed = "finite numbers, one at least";
        return Err(Diagnostic::new(Code::BadTensor, at(), "NaN, infinity, or nothing", needed));
    }
    Ok(numbers)
}
