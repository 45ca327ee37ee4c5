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

    /// The same elements in another shape, of which one extent may be -1, what remains; `None` if their number differs.
    pub(super) fn reshaped(&self, dims: &[i64]) -> Option<Self> {
        Some(Self { shape: reshaped(self.values.len(), dims)?, values: self.values.clone() })
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

/// The shape that `dims` give `len` elements, if there are as many; an extent of -1 is what remains.
pub(super) fn reshaped(len: usize, dims: &[i64]) -> Option<Vec<usize>> {
    let known = elems(&dims.iter().filter_map(|dim| usize::try_from(*dim).ok()).collect::<Vec<_>>())?;
    let extent = |dim: &i64| match usize::try_from(*dim) {
        Ok(extent) => Some(extent),
        Err(_) if *dim == -1 => len.checked_div(known),
        Err(_) => None,
    };
    let shape: Vec<usize> = dims.iter().map(extent).collect::<Option<_>>()?;
    (elems(&shape) == Some(len)).then_some(shape)
}

/// The product of `shape`, or `None` beyond the address space.
pub(super) fn elems(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent))
}
