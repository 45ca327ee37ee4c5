//! How nodes of the file become nodes of the graph: resolving operands, making values, naming results.

use std::collections::BTreeSet;
use std::rc::Rc;

use exactum_qonnx::{DataType, Node};
use exactum_runtime::num::IntType;

use super::support::{self, Support};
use super::tensor::Tensor;
use super::{Coding, Context, Item, Lifter, Operand, branch, fold};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::{
    Codes, Constant, FileNode, FileNodeId, Node as GraphNode, Op, Type, Value, ValueId, shape,
};

impl Lifter<'_> {
    /// Reads node `index` of the file, or `node` of a branch of it, which stands `within` another. Behind a problem
    /// nothing is known of a node but its operator.
    pub(super) fn node(
        &mut self,
        index: usize,
        node: &Node,
        within: Option<FileNodeId>,
    ) -> Result<(), Diagnostic> {
        let at = Location::node(index, &node.name, &node.op_type);
        let support = Support::of(node);
        if support.is_none() && fold::operator(node).is_none() && node.op_type != branch::OPERATOR {
            return Err(support::refusal(&at, node));
        }
        if node.inputs.iter().any(|name| self.broken.contains(name)) {
            self.broken.extend(node.outputs.iter().filter(|name| !name.is_empty()).cloned());
            return Ok(());
        }
        let outputs: Vec<&String> = node.outputs.iter().filter(|name| !name.is_empty()).collect();
        let Some(first) = outputs.first() else {
            return Err(Diagnostic::new(Code::BadSchema, at, "no output", "one output"));
        };
        let mut seen = BTreeSet::new();
        for output in &outputs {
            let known = self.items.contains_key(*output) || self.initializers.contains_key(output.as_str());
            if known || !seen.insert(*output) {
                let found = format!("`{output}`, which exists already");
                return Err(Diagnostic::new(Code::BadGraph, at, found, "a new name for each result"));
            }
        }
        let name = if node.name.is_empty() { (*first).clone() } else { node.name.clone() };
        let operands = node.inputs.iter().map(|name| self.item(&at, name)).collect::<Result<_, _>>()?;
        let id = self.note(index, FileNode { name: name.clone(), op: node.op_type.clone(), within });
        let version = self.model.opset_version(&node.domain).unwrap_or(i64::MAX);
        let first = self.graph.nodes.len();
        let context = Context { at, node, id, operands, version, name, first };
        match fold::evaluate(&context, &self.budget)? {
            Some(results) => {
                for (output, result) in node.outputs.iter().zip(results) {
                    self.items.insert(output.clone(), Item::Constant(Rc::new(result)));
                }
            }
            None if node.op_type == branch::OPERATOR => self.branch(index, &context)?,
            None => match support {
                Some(support) => (support.lift)(self, &context)?,
                None => return Err(support::refusal(&context.at, node)),
            },
        }
        let unread = |name: &&&String| !self.items.contains_key(**name) && self.read.contains(name.as_str());
        match outputs.iter().find(unread) {
            Some(output) => {
                let problem = context.form("output", format!("`{output}`, which is read"), "no reader of it");
                Err(problem.with_hint(
                    "remove what reads this output; the compiler computes the operator's other one",
                ))
            }
            None => Ok(()),
        }
    }

    /// Notes node `index` of the file, or a node of a branch, which gets an id behind those of all others.
    fn note(&mut self, index: usize, node: FileNode) -> FileNodeId {
        let id = match node.within {
            None => FileNodeId::new(index),
            Some(_) => {
                self.branch_nodes += 1;
                FileNodeId::new(self.model.graph.nodes.len() + self.branch_nodes - 1)
            }
        };
        self.graph.file.insert(id, node);
        id
    }

    /// What `name` stands for; `None` for an operand that is left out.
    pub(super) fn item(&mut self, at: &Location, name: &str) -> Result<Option<Item>, Diagnostic> {
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(item) = self.items.get(name) {
            return Ok(Some(item.clone()));
        }
        let Some(tensor) = self.initializers.get(name) else {
            let needed = "an input, an initializer or the result of a node before this one";
            let found = format!("operand `{name}`, which nothing produces");
            return Err(Diagnostic::new(Code::BadGraph, at.clone(), found, needed));
        };
        let tensor = Tensor::read(tensor, &Location::part(format!("initializer `{name}`")))?;
        let item = Item::Constant(Rc::new(tensor));
        self.items.insert(name.to_owned(), item.clone());
        Ok(Some(item))
    }

    /// Adds a value, of which `fixed` says whether it depends on constants only.
    pub(super) fn add(&mut self, value: Value, fixed: bool) -> ValueId {
        self.fixed.push(fixed);
        self.graph.add(value)
    }

    /// A constant of the graph.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize], ty: Type, constant: Constant) -> ValueId {
        let mut value = Value::new(name, shape.to_vec(), ty);
        value.constant = Some(constant);
        self.add(value, true)
    }

    /// A float constant of the graph.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> ValueId {
        self.constant(name, shape, Type::Float, Constant::Float(values))
    }

    /// Whether a value depends on constants only.
    pub(super) fn is_fixed(&self, id: ValueId) -> bool {
        self.fixed.get(id.index()).copied().unwrap_or(false)
    }

    /// The shape of a value.
    pub(super) fn shape(&self, id: ValueId) -> Vec<usize> {
        self.graph.value(id).shape.clone()
    }

    /// Operand `index` as a value of the graph, whatever the file holds in its place.
    pub(super) fn value(&mut self, context: &Context<'_>, index: usize) -> Result<Operand, Diagnostic> {
        let tensor = match context.operand(index)? {
            Item::Value(operand) => return Ok(operand.clone()),
            Item::Constant(tensor) => Rc::clone(tensor),
        };
        let name = context.node.input(index).unwrap_or_default();
        if let Some(id) = self.constants.get(name) {
            return Ok((*id).into());
        }
        if tensor.len() == 0 {
            let found = format!("`{name}` of shape {:?}", tensor.shape);
            return Err(context.problem(
                Code::ShapeMismatch,
                format!("input {index}"),
                found,
                "one element at least",
            ));
        }
        let value = tensor.to_value(name).map_err(|number| {
            let found = format!("{number:?}");
            context.problem(
                Code::BadTensor,
                format!("input {index}"),
                found,
                "numbers that float32 holds exactly",
            )
        })?;
        let id = self.add(value, true);
        self.constants.insert(name.to_owned(), id);
        Ok(id.into())
    }

    /// Operand `index` as a value of real numbers.
    pub(super) fn real(&mut self, context: &Context<'_>, index: usize) -> Result<ValueId, Diagnostic> {
        let operand = self.value(context, index)?;
        match operand.coding {
            None => Ok(operand.id),
            Some(coding) => {
                let found = format!("integer codes of type {}", coding.int);
                let problem = context.form(format!("input {index}"), found, "real numbers");
                Err(problem.with_hint("put a DequantizeLinear before the node"))
            }
        }
    }

    /// Operand `index` as a value of real numbers that depends on constants only.
    ///
    /// A float constant that the file annotates with an integer type, as FINN does, becomes codes.
    pub(super) fn weight(&mut self, context: &Context<'_>, index: usize) -> Result<ValueId, Diagnostic> {
        let name = context.node.input(index).unwrap_or_default();
        let annotation =
            self.model.graph.annotation(name, "finn_datatype").and_then(|name| name.parse().ok());
        if let (Some(datatype), Item::Constant(tensor)) = (annotation, context.operand(index)?)
            && let Some(int) = weight_type(datatype)
        {
            let tensor = Rc::clone(tensor);
            let key = format!("{name}:{int}");
            if let Some(id) = self.constants.get(&key) {
                return Ok(*id);
            }
            let id = self.annotated(context, index, &tensor, datatype, int)?;
            self.constants.insert(key, id);
            return Ok(id);
        }
        let id = self.real(context, index)?;
        if self.is_fixed(id) {
            return Ok(id);
        }
        let problem = context.computed(index, "a constant of the model");
        Err(problem.with_hint("products of two computed tensors, as in attention, have no integer form here"))
    }

    fn annotated(
        &mut self,
        context: &Context<'_>,
        index: usize,
        tensor: &Tensor,
        datatype: DataType,
        int: IntType,
    ) -> Result<ValueId, Diagnostic> {
        let range = int.range();
        let code = |value: &f64| {
            let legal = value.fract() == 0.0 && (range.lo as f64..=range.hi as f64).contains(value);
            (legal && (datatype != DataType::Bipolar || *value != 0.0)).then_some(*value as i32)
        };
        let values = tensor.numbers.reals();
        let codes: Option<Vec<i32>> = values.iter().map(code).collect();
        let Some(codes) = codes.filter(|codes| !codes.is_empty()) else {
            let found = format!("numbers that are no {datatype}, which the file says they are");
            return Err(context.problem(
                Code::BadTensor,
                format!("input {index}"),
                found,
                "integers of that type",
            ));
        };
        let ty = Codes { int, range, zero_point: 0, scale: vec![1.0], axis: None };
        let name = context.node.input(index).unwrap_or_default();
        Ok(self.constant(name, &tensor.shape, Type::Codes(ty), Constant::Codes(codes)))
    }

    /// Adds a node that computes `op`; a reshape needs the `declared` shape of its result.
    pub(super) fn emit(
        &mut self,
        context: &Context<'_>,
        op: Op,
        inputs: Vec<ValueId>,
        declared: Option<&[usize]>,
    ) -> Result<ValueId, Diagnostic> {
        let operands: Vec<&Value> = inputs.iter().map(|id| self.graph.value(*id)).collect();
        let shape = shape::infer(&op, &operands, declared)
            .map_err(|error| context.shapes(error.found, error.needed))?;
        context.rank(&shape)?;
        let fixed = inputs.iter().all(|id| self.is_fixed(*id));
        let name = self.made(format!("{}:{}", context.name, self.graph.nodes.len() - context.first + 1));
        let output = self.add(Value::new(name.clone(), shape, Type::Float), fixed);
        self.graph.nodes.push(GraphNode::new(name, vec![context.id], op, inputs, output));
        Ok(output)
    }

    /// The name of something made for a node, which is none of the file's.
    pub(super) fn made(&self, mut name: String) -> String {
        while self.tensors.contains(name.as_str()) {
            name.push('*');
        }
        name
    }

    /// `x` in another shape with as many elements.
    pub(super) fn reshape(
        &mut self,
        context: &Context<'_>,
        x: ValueId,
        shape: &[usize],
    ) -> Result<ValueId, Diagnostic> {
        if self.graph.value(x).shape == shape {
            return Ok(x);
        }
        self.emit(context, Op::Reshape, vec![x], Some(shape))
    }

    /// `x` with its axes in the order `perm`.
    pub(super) fn transpose(
        &mut self,
        context: &Context<'_>,
        x: ValueId,
        perm: Vec<usize>,
    ) -> Result<ValueId, Diagnostic> {
        if perm.iter().copied().eq(0..self.graph.value(x).shape.len()) {
            return Ok(x);
        }
        self.emit(context, Op::Transpose { perm }, vec![x], None)
    }

    /// Whether anything reads the result `index` of the node.
    pub(super) fn is_read(&self, context: &Context<'_>, index: usize) -> bool {
        context.node.output(index).is_some_and(|output| self.read.contains(output))
    }

    /// Makes `operand` the result `index` of the node. What was made for it takes over the names of the file.
    pub(super) fn finish(&mut self, context: &Context<'_>, index: usize, operand: impl Into<Operand>) {
        let operand = operand.into();
        let Some(output) = context.node.output(index) else { return };
        let made = self.graph.nodes.iter().skip(context.first).position(|node| node.output == operand.id);
        if let Some(position) = made {
            let several = context.node.outputs.iter().filter(|name| !name.is_empty()).count() > 1;
            let node = &mut self.graph.nodes[context.first + position];
            node.name = if several && index > 0 && !context.node.name.is_empty() {
                format!("{}:{output}", context.name)
            } else {
                context.name.clone()
            };
            let value = self.graph.value_mut(operand.id);
            value.name = output.to_owned();
            value.tensor = operand.coding.as_ref().map(Coding::tensor);
        }
        self.items.insert(output.to_owned(), Item::Value(operand));
    }

    /// Makes a constant the result `index` of the node.
    pub(super) fn finish_constant(&mut self, context: &Context<'_>, index: usize, tensor: Tensor) {
        if let Some(output) = context.node.output(index) {
            self.items.insert(output.to_owned(), Item::Constant(Rc::new(tensor)));
        }
    }

    /// Operand 0 and its coding, for operators that only move elements: the result has the same coding.
    pub(super) fn moved(&mut self, context: &Context<'_>) -> Result<(ValueId, Option<Coding>), Diagnostic> {
        let operand = self.value(context, 0)?;
        if operand.coding.as_ref().is_some_and(|coding| coding.axis.is_some()) {
            let found = "integer codes with a scale for each channel";
            let problem = context.form("input 0", found, "one scale for the whole value");
            return Err(problem.with_hint("put the DequantizeLinear before the node"));
        }
        Ok((operand.id, operand.coding))
    }
}

/// The type of codes that hold numbers of `datatype`, for weights.
fn weight_type(datatype: DataType) -> Option<IntType> {
    match datatype {
        DataType::Bipolar => IntType::new(2, true, true),
        DataType::Int(int) => Some(int),
        DataType::Float32 | DataType::ScaledInt(_) => None,
    }
}
