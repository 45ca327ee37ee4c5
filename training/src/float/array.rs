//! Constant arrays of a float graph, and the values that flow through it.

/// Floats in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// The elements.
    pub values: Vec<f32>,
}

impl Array {
    /// An array, or `None` if `shape` holds another number of elements.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Option<Self> {
        (elems(&shape) == Some(values.len())).then_some(Self { shape, values })
    }

    /// The array with its two dimensions exchanged, or `None` if it has others.
    pub(super) fn transposed(&self) -> Option<Self> {
        let [rows, columns] = self.shape[..] else { return None };
        let element = |index: usize| self.values[index % rows * columns + index / rows];
        Some(Self { shape: vec![columns, rows], values: (0..rows * columns).map(element).collect() })
    }
}

/// The product of `shape`, or `None` beyond the address space.
pub(super) fn elems(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent))
}
