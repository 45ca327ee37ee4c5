//! Constants: numbers with a shape and an element type.

use exactum_qonnx::ElemType;

use super::{Fault, Problem};

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Element type.
    pub(crate) elem: ElemType,
    /// Elements along each axis.
    pub(crate) shape: Vec<usize>,
    /// The elements, row-major.
    pub(crate) numbers: Numbers,
}

/// Elements of a constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    /// Floats; each is a number of the element type.
    Real(Vec<f64>),
    /// Integers, and truth values as 0 and 1.
    Int(Vec<i64>),
}

impl Numbers {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Real(values) => values.len(),
            Self::Int(values) => values.len(),
        }
    }

    /// The elements at `indices`.
    pub(crate) fn pick(&self, indices: &[usize]) -> Self {
        match self {
            Self::Real(values) => Self::Real(indices.iter().map(|index| values[*index]).collect()),
            Self::Int(values) => Self::Int(indices.iter().map(|index| values[*index]).collect()),
        }
    }

    /// The elements as doubles.
    pub(crate) fn reals(&self) -> Vec<f64> {
        match self {
            Self::Real(values) => values.clone(),
            Self::Int(values) => values.iter().map(|value| *value as f64).collect(),
        }
    }
}

impl Tensor {
    /// Floats, each rounded to `elem`.
    pub(crate) fn real(elem: ElemType, shape: Vec<usize>, values: impl IntoIterator<Item = f64>) -> Self {
        let values = values.into_iter().map(|value| elem.nearest(value)).collect();
        Self { elem, shape, numbers: Numbers::Real(values) }
    }

    /// Integers, each wrapped to `elem`.
    ///
    /// # Errors
    /// If one is an unsigned integer that needs 64 bits.
    pub(crate) fn wrapped(
        elem: ElemType,
        shape: Vec<usize>,
        values: impl IntoIterator<Item = i128>,
    ) -> Result<Self, Problem> {
        let values: Option<Vec<i64>> = values.into_iter().map(|value| elem.wrapped(value)).collect();
        match values {
            Some(values) => Ok(Self { elem, shape, numbers: Numbers::Int(values) }),
            None => {
                let found = "unsigned integers of 64 bits";
                Err(Problem::new(Fault::Elements, found, "integers within 63 bits"))
            }
        }
    }

    /// 64-bit integers.
    pub(crate) const fn longs(shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { elem: ElemType::I64, shape, numbers: Numbers::Int(values) }
    }

    /// Truth values.
    pub(crate) fn truths(shape: Vec<usize>, values: impl IntoIterator<Item = bool>) -> Self {
        let values = values.into_iter().map(i64::from).collect();
        Self { elem: ElemType::Bool, shape, numbers: Numbers::Int(values) }
    }

    /// A list of 64-bit integers.
    pub(crate) fn ints(values: Vec<i64>) -> Self {
        Self::longs(vec![values.len()], values)
    }

    /// The elements at `indices`, in `shape`.
    pub(crate) fn picked(&self, shape: Vec<usize>, indices: &[usize]) -> Self {
        Self { elem: self.elem, shape, numbers: self.numbers.pick(indices) }
    }

    /// Number of elements.
    pub(crate) const fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The integers, if it holds such.
    pub(crate) fn as_ints(&self) -> Option<&[i64]> {
        match &self.numbers {
            Numbers::Int(values) => Some(values),
            Numbers::Real(_) => None,
        }
    }

    /// The floats, if it holds such.
    pub(crate) fn as_reals(&self) -> Option<&[f64]> {
        match &self.numbers {
            Numbers::Real(values) => Some(values),
            Numbers::Int(_) => None,
        }
    }

    /// The one element, as a double.
    pub(crate) fn scalar(&self) -> Option<f64> {
        match &self.numbers {
            Numbers::Real(values) if values.len() == 1 => Some(values[0]),
            Numbers::Int(values) if values.len() == 1 => Some(values[0] as f64),
            _ => None,
        }
    }
}
