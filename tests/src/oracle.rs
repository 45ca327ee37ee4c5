//! The meaning of a QONNX file, evaluated node by node in exact numbers.
//!
//! Shares no arithmetic with the compiler, the runtime or training: rounding, quantization, convolution and padding
//! are written again here, from the definitions of ONNX and QONNX, so that a shared misreading cannot hide. Every
//! constant of a file is a binary fraction, and so are sums and products of such; only `Quant` divides, and rounds.

pub mod dyadic;
mod linear;
mod pool;
mod quant;
mod shape;
mod window;

use std::borrow::Cow;
use std::collections::BTreeMap;

use exactum_qonnx::{AttributeValue, Dim, Model, Node};

pub use dyadic::Dyadic;
pub use quant::round;

/// Why a file or an input has no exact value here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node}: {problem}")]
pub struct OracleError {
    /// Label of the node, or what else is meant.
    pub node: String,
    /// What was found.
    pub problem: String,
}

/// A value while a file is evaluated.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Real(Dyadic),
    Shape(Vec<i64>),
}

/// A QONNX file, ready to evaluate. The first axis of its input and of everything that depends on it is the batch,
/// which is one sample here.
#[derive(Clone, Debug)]
pub struct Oracle<'m> {
    model: &'m Model,
    /// Everything that does not depend on the input, by name.
    constants: BTreeMap<&'m str, Value>,
    /// The other nodes, in file order.
    nodes: Vec<&'m Node>,
    input: &'m str,
    input_shape: Vec<usize>,
}

type Result<T> = std::result::Result<T, OracleError>;

fn fail<T>(node: impl Into<String>, problem: impl Into<String>) -> Result<T> {
    Err(OracleError { node: node.into(), problem: problem.into() })
}

impl<'m> Oracle<'m> {
    /// Reads `model` and evaluates what depends on constants alone.
    ///
    /// # Errors
    /// If the model has not exactly one input of known shape, or a constant node is not understood.
    pub fn new(model: &'m Model) -> Result<Self> {
        let graph = &model.graph;
        let [input] = graph.real_inputs()[..] else {
            return fail(&graph.name, "needed one input");
        };
        let dims = input.shape.as_deref().unwrap_or_default().iter().skip(1);
        let sample: Option<Vec<usize>> = dims
            .map(|dim| match dim {
                Dim::Known(size) => Some(*size),
                Dim::Symbol(_) | Dim::Unknown => None,
            })
            .collect();
        let Some(sample) = sample else { return fail(&input.name, "an axis of unknown size") };
        let mut constants = BTreeMap::new();
        for tensor in &graph.initializers {
            let value = match (tensor.as_f32(), tensor.as_i64()) {
                (Some(floats), _) => Value::Real(Dyadic::from_f32(tensor.shape.clone(), floats)?),
                (_, Some(integers)) => Value::Shape(integers.to_vec()),
                _ => return fail(&tensor.name, "neither float32 nor int64"),
            };
            constants.insert(tensor.name.as_str(), value);
        }
        let mut oracle = Self {
            model,
            constants,
            nodes: vec![],
            input: &input.name,
            input_shape: [&[1], sample.as_slice()].concat(),
        };
        for node in &graph.nodes {
            let constant = node.inputs.iter().all(|name| oracle.constants.contains_key(name.as_str()));
            if constant {
                let result = evaluate(node, |name| oracle.constants.get(name))?;
                oracle.constants.insert(node.output(0).unwrap_or_default(), result);
            } else {
                oracle.nodes.push(node);
            }
        }
        Ok(oracle)
    }

    /// The exact real value of every output for one sample.
    ///
    /// # Errors
    /// If a node is not understood, or the input is not finite or has the wrong number of elements.
    pub fn run(&self, sample: &[f32]) -> Result<Vec<Dyadic>> {
        let input = Dyadic::from_f32(self.input_shape.clone(), sample)?;
        let mut values = BTreeMap::from([(self.input, Value::Real(input))]);
        for node in &self.nodes {
            let result = evaluate(node, |name| values.get(name).or_else(|| self.constants.get(name)))?;
            values.insert(node.output(0).unwrap_or_default(), result);
        }
        let output = |output: &exactum_qonnx::ValueInfo| match values.remove(output.name.as_str()) {
            Some(Value::Real(real)) => Ok(real),
            _ => fail(&output.name, "an output that nothing computes"),
        };
        self.model.graph.outputs.iter().map(output).collect()
    }
}

/// A node with its operands.
struct Applied<'a> {
    node: &'a Node,
    operands: Vec<Option<&'a Value>>,
}

fn evaluate<'a>(node: &'a Node, value: impl Fn(&str) -> Option<&'a Value>) -> Result<Value> {
    let operand = |name: &'a String| match name.as_str() {
        "" => Ok(None),
        name => value(name).map(Some).ok_or_else(|| OracleError {
            node: node.label(),
            problem: format!("operand `{name}`, which nothing computes"),
        }),
    };
    let applied = Applied { node, operands: node.inputs.iter().map(operand).collect::<Result<_>>()? };
    let real = match node.op_type.as_str() {
        "Quant" | "IntQuant" => quant::quant(&applied)?,
        "Gemm" => linear::gemm(&applied)?,
        "MatMul" => linear::mat_mul(applied.real(0)?, applied.real(1)?),
        "Conv" => linear::conv(&applied)?,
        "Add" => applied.real(0)?.broadcast_add(applied.real(1)?),
        "Relu" => applied.real(0)?.clone().map(|integer| integer.max(num_traits::Zero::zero())),
        "MaxPool" => pool::max_pool(&applied)?,
        "Flatten" => shape::flatten(&applied)?,
        "Reshape" => shape::reshape(&applied)?,
        "Transpose" => shape::transpose(&applied)?,
        "Identity" => return Ok(applied.value(0)?.clone()),
        other => return applied.fail(format!("operator {other}")),
    };
    Ok(Value::Real(real))
}

impl Applied<'_> {
    fn fail<T>(&self, problem: impl Into<String>) -> Result<T> {
        fail(self.node.label(), problem)
    }

    fn value(&self, index: usize) -> Result<&Value> {
        match self.operands.get(index) {
            Some(Some(value)) => Ok(value),
            _ => self.fail(format!("no operand {index}")),
        }
    }

    fn real(&self, index: usize) -> Result<&Dyadic> {
        match self.value(index)? {
            Value::Real(real) => Ok(real),
            Value::Shape(_) => self.fail(format!("operand {index} is a shape")),
        }
    }

    fn optional_real(&self, index: usize) -> Result<Option<&Dyadic>> {
        if self.operands.get(index).is_some_and(Option::is_some) {
            self.real(index).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The integer attribute `name`, `default` where the file has none.
    fn int(&self, name: &str, default: i64) -> Result<i64> {
        match self.node.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::Int(value)) => Ok(*value),
            Some(other) => self.fail(format!("attribute {name} is {other:?}")),
        }
    }

    fn string(&self, name: &str, default: &'static str) -> Result<Cow<'_, str>> {
        match self.node.attribute(name) {
            None => Ok(default.into()),
            Some(AttributeValue::String(value)) => Ok(value.as_str().into()),
            Some(other) => self.fail(format!("attribute {name} is {other:?}")),
        }
    }

    /// The float attribute `name` as an exact number, 1 where the file has none.
    fn factor(&self, name: &str) -> Result<Dyadic> {
        match self.node.attribute(name) {
            None => Dyadic::from_f32(vec![], &[1.0]),
            Some(AttributeValue::Float(value)) => Dyadic::from_f32(vec![], &[*value]),
            Some(other) => self.fail(format!("attribute {name} is {other:?}")),
        }
    }

    /// The attribute `name` as `N` sizes, `default` where the file has none.
    fn sizes<const N: usize>(&self, name: &str, default: [usize; N]) -> Result<[usize; N]> {
        let sizes = match self.node.attribute(name) {
            None => return Ok(default),
            Some(AttributeValue::Ints(values)) => {
                values.iter().map(|value| usize::try_from(*value).ok()).collect::<Option<Vec<_>>>()
            }
            Some(_) => None,
        };
        match sizes.and_then(|sizes| <[usize; N]>::try_from(sizes).ok()) {
            Some(sizes) => Ok(sizes),
            None => self.fail(format!("attribute {name} is {:?}", self.node.attribute(name))),
        }
    }
}
