//! Nodes whose results are known when the file is read: constants, moved constants, and computations with shapes.

use exactum_qonnx::{ElemType, Node};

use super::integers::{self, BATCH, Integers};
use super::{Reader, arrays};
use crate::float::error::form;
use crate::float::{Array, FloatGraphError};

impl Reader {
    /// Whether `node` is known now; its result is then a constant.
    pub(super) fn fold(&mut self, node: &Node) -> Result<bool, FloatGraphError> {
        let label = node.label();
        let output = node.output(0).unwrap_or_default().to_owned();
        if node.op_type == "Constant" {
            let tensor = node.constant().ok_or_else(|| {
                form(
                    &label,
                    "no tensor, float or integer",
                    "one of the attributes value, value_float, value_int",
                )
            })?;
            self.constant(&label, &output, &tensor)?;
            return Ok(true);
        }
        let Some(first) = node.input(0) else { return Ok(false) };
        if node.op_type == "Shape" {
            let dims = self.dims(node, first)?;
            let dims =
                integers::slice(&dims, node.int("start").unwrap_or(0), node.int("end").unwrap_or(i64::MAX));
            self.integers.insert(output, Integers::list(dims));
            return Ok(true);
        }
        if self.floats.contains_key(first) {
            return Ok(self.fold_floats(node).map(|result| self.floats.insert(output, result)).is_some());
        }
        let operands: Option<Vec<&Integers>> = match node.op_type.as_str() {
            "Cast" | "CastLike" => self.integers.get(first).map(|integers| vec![integers]),
            _ => node
                .inputs
                .iter()
                .filter(|name| !name.is_empty())
                .map(|name| self.integers.get(name))
                .collect(),
        };
        let Some(operands) = operands else { return Ok(false) };
        let to_float = match node.op_type.as_str() {
            "Cast" => node.int("to") == Some(i64::from(ElemType::F32.code())),
            "CastLike" => node.input(1).is_some_and(|like| !self.integers.contains_key(like)),
            _ => false,
        };
        if to_float {
            let integers = operands[0];
            if integers.values.contains(&BATCH) {
                return Err(form(&label, "the batch as a float", "constant floats"));
            }
            let values = integers.values.iter().map(|value| *value as f32).collect();
            self.floats.insert(output, Array { shape: integers.shape.clone(), values });
            return Ok(true);
        }
        let result = integers::compute(node, &operands).ok_or_else(|| {
            form(&label, format!("a computation of shapes by {}", node.op_type), "constant shapes")
        })?;
        self.integers.insert(output, result);
        Ok(true)
    }

    /// What a node whose operands are all constants, the first of them floats, computes, if that is known here.
    fn fold_floats(&self, node: &Node) -> Option<Array> {
        let given: Vec<&String> = node.inputs.iter().filter(|name| !name.is_empty()).collect();
        let floats: Vec<&Array> = given.iter().filter_map(|name| self.floats.get(*name)).collect();
        let mut integers = given.iter().filter_map(|name| self.integers.get(*name));
        let first = integers.next();
        let like = node.op_type == "CastLike";
        (like || given.len() == floats.len() + usize::from(first.is_some()))
            .then(|| arrays::compute(node, &floats, first))?
    }

    /// The extents of a value or constant; the batch of values is free.
    fn dims(&self, node: &Node, value: &str) -> Result<Vec<i64>, FloatGraphError> {
        if let Some(array) = self.floats.get(value) {
            return Ok(array.shape.iter().map(|extent| *extent as i64).collect());
        }
        let shape = self.shape(node, value)?;
        Ok([BATCH].into_iter().chain(shape[1..].iter().map(|extent| *extent as i64)).collect())
    }

    /// The integers that are operand `index`.
    pub(super) fn integer_operand(&self, node: &Node, index: usize) -> Result<&[i64], FloatGraphError> {
        let name = self.operand(node, index)?;
        let constant = self.integers.get(name).map(|integers| integers.values.as_slice());
        constant.ok_or_else(|| {
            form(
                &node.label(),
                format!("input {index}, `{name}`, which is computed"),
                "a constant of integers",
            )
        })
    }

    /// Integers that some versions of an operator have as attribute `name` and others as operand `index`.
    pub(super) fn integers_of(
        &self,
        node: &Node,
        name: &str,
        index: usize,
    ) -> Result<Option<Vec<i64>>, FloatGraphError> {
        match (node.ints(name), node.input(index)) {
            (Some(values), _) => Ok(Some(values.to_vec())),
            (None, Some(_)) => self.integer_operand(node, index).map(|values| Some(values.to_vec())),
            (None, None) => Ok(None),
        }
    }
}
