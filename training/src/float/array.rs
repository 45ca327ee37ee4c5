//! Constant arrays of a float graph, and the values that flow through it.

use exactum_host::elements;

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

    /// The same elements in another shape; `None` if their number differs.
    pub(super) fn reshaped(&self, shape: &[usize]) -> Option<Self> {
        Self::new(shape.to_vec(), self.values.clone())
    }

    /// The array with its dimensions in another order, or `None` if `perm` is no order of them.
    pub(super) fn permuted(&self, perm: &[usize]) -> Option<Self> {
        let rank = self.shape.len();
        let mut sorted = perm.to_vec();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            return None;
        }
        let shape: Vec<usize> = perm.iter().map(|axis| self.shape[*axis]).collect();
        Some(Self { shape, values: elements::permuted(&self.values, &self.shape, perm) })
    }

    /// The array with its two dimensions exchanged, or `None` if it has others.
    pub(super) fn transposed(&self) -> Option<Self> {
        if self.shape.len() == 2 { self.permuted(&[1, 0]) } else { None }
    }
}

/// The product of `shape`, or `None` beyond the address space.
pub(super) fn elems(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent))
}
