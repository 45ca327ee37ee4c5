//! A node with its operands, and how operators read operands and attributes.

use std::borrow::Cow;

use exactum_qonnx::{AttributeValue, ElemType, Node};
use num_rational::BigRational;

use super::exact::rational;
use super::round::whole;
use super::{Exact, Result, Value, fail};

/// A node with its operands.
#[derive(Clone)]
pub(super) struct Applied<'a> {
    pub(super) node: &'a Node,
    pub(super) operands: Vec<Option<&'a Value>>,
    /// The batch of the file, where it is a number.
    pub(super) batch: Option<usize>,
    /// Whether the node does not depend on the input.
    pub(super) constant: bool,
}

impl Applied<'_> {
    pub(super) fn fail<T>(&self, problem: impl Into<String>) -> Result<T> {
        fail(self.node.label(), problem)
    }

    /// Whether operand `index` is there.
    pub(super) fn has(&self, index: usize) -> bool {
        self.operands.get(index).is_some_and(Option::is_some)
    }

    pub(super) fn value(&self, index: usize) -> Result<&Value> {
        match self.operands.get(index) {
            Some(Some(value)) => Ok(value),
            _ => self.fail(format!("no operand {index}")),
        }
    }

    pub(super) fn real(&self, index: usize) -> Result<&Exact> {
        match self.value(index)? {
            Value::Real(real, _) => Ok(real),
            Value::Infinite { .. } => self.fail(format!("operand {index} is infinite")),
            Value::Unreadable(problem) => self.fail(format!("operand {index}: {problem}")),
        }
    }

    pub(super) fn optional_real(&self, index: usize) -> Result<Option<&Exact>> {
        if self.has(index) { self.real(index).map(Some) } else { Ok(None) }
    }

    /// Element type of operand `index`.
    pub(super) fn elem(&self, index: usize) -> Result<ElemType> {
        self.real(index)?;
        match self.value(index)? {
            Value::Real(_, elem) => Ok(*elem),
            _ => self.fail(format!("no operand {index}")),
        }
    }

    /// `exact` as the only output, with the element type of the first operand.
    pub(super) fn same_type(&self, exact: Exact) -> Result<Vec<Value>> {
        Ok(vec![Value::Real(exact, self.elem(0)?)])
    }

    /// The one number that operand `index` holds.
    pub(super) fn scalar(&self, index: usize) -> Result<BigRational> {
        let real = self.real(index)?;
        match real.len() {
            1 => Ok(real.rational(0)),
            count => self.fail(format!("operand {index} has {count} elements")),
        }
    }

    /// Operand `index` as whole numbers.
    pub(super) fn whole(&self, index: usize) -> Result<Vec<i64>> {
        let numbers: Option<Vec<i64>> = self.real(index)?.rationals().iter().map(whole).collect();
        match numbers {
            Some(numbers) => Ok(numbers),
            None => self.fail(format!("operand {index} are no whole numbers")),
        }
    }

    /// The whole number that all elements of operand `index` are.
    pub(super) fn one_whole(&self, index: usize) -> Result<i64> {
        let numbers = self.whole(index)?;
        match numbers.first() {
            Some(first) if numbers.iter().all(|number| number == first) => Ok(*first),
            _ => self.fail(format!("operand {index} is not one whole number")),
        }
    }

    /// The whole numbers that the file gives as attribute `name`, in newer versions of the operator as operand
    /// `index`; `None` where it gives neither.
    pub(super) fn listed(&self, name: &str, index: usize) -> Result<Option<Vec<i64>>> {
        match self.ints(name)? {
            Some(values) => Ok(Some(values)),
            None if self.has(index) => self.whole(index).map(Some),
            None => Ok(None),
        }
    }

    /// The integer attribute `name`, `default` where the file has none.
    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64> {
        match self.node.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::Int(value)) => Ok(*value),
            Some(other) => self.fail(format!("attribute {name} is {other:?}")),
        }
    }

    pub(super) fn string(&self, name: &str, default: &'static str) -> Result<Cow<'_, str>> {
        match self.node.attribute(name) {
            None => Ok(default.into()),
            Some(AttributeValue::String(value)) => Ok(value.as_str().into()),
            Some(other) => self.fail(format!("attribute {name} is {other:?}")),
        }
    }

    /// The float attribute `name`, `default` where the file has none.
    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32> {
        match self.node.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::Float(value)) => Ok(*value),
            Some(other) => self.fail(format!("attribute {name} is {other:?}")),
        }
    }

    /// The float attribute `name` as an exact number, `default` where the file has none.
    pub(super) fn number(&self, name: &str, default: f32) -> Result<BigRational> {
        let value = self.float(name, default)?;
        match rational(value.into()) {
            Some(number) => Ok(number),
            None => self.fail(format!("attribute {name} is {value}")),
        }
    }

    pub(super) fn ints(&self, name: &str) -> Result<Option<Vec<i64>>> {
        match self.node.attribute(name) {
            None => Ok(None),
            Some(AttributeValue::Ints(values)) => Ok(Some(values.clone())),
            Some(other) => self.fail(format!("attribute {name} is {other:?}")),
        }
    }

    /// The attribute `name` as `count` sizes, each `default` where the file has none.
    pub(super) fn sizes(&self, name: &str, count: usize, default: usize) -> Result<Vec<usize>> {
        let Some(values) = self.ints(name)? else { return Ok(vec![default; count]) };
        let sizes: Option<Vec<usize>> = values.iter().map(|value| usize::try_from(*value).ok()).collect();
        match sizes {
            Some(sizes) if sizes.len() == count => Ok(sizes),
            _ => self.fail(format!("attribute {name} is {values:?}")),
        }
    }

    /// The axis that `axis` means in a tensor of `rank` axes: a negative one counts from the end.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        let from_start = if axis < 0 { axis + rank as i64 } else { axis };
        match usize::try_from(from_start) {
            Ok(at) if at < rank => Ok(at),
            _ => self.fail(format!("axis {axis} of {rank}")),
        }
    }
}
