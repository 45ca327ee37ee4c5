//! Which value of an earlier graph a value holds, and in which order.
//!
//! Passes write it where they make values, so that nobody has to tell from names and shapes what a value is. `trace`
//! compares the program's values with the file's by it.

use serde::{Deserialize, Serialize};

use super::{Graph, ValueId};

/// A value of an earlier graph of which another has the elements: on the imported and quantized levels one of the graph
/// as it was lifted, below one of the quantized graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The earlier graph's value.
    pub value: ValueId,
    /// How its elements are ordered, if not as there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

/// Another order of elements: those of a tensor of `shape`, whose axes are put in the order `perm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Axes before.
    pub shape: Vec<usize>,
    /// For each axis afterwards the one it was.
    pub perm: Vec<usize>,
}

impl Source {
    /// The elements of `value` as they are.
    pub const fn same(value: ValueId) -> Self {
        Self { value, order: None }
    }

    /// The same elements in another order; `None` if they are in another order already.
    pub fn turned(&self, shape: &[usize], perm: &[usize]) -> Option<Self> {
        let order = Some(Order { shape: shape.to_vec(), perm: perm.to_vec() });
        self.order.is_none().then_some(Self { order, ..*self })
    }
}

impl Order {
    /// Whether `perm` has every axis of `shape` once, and there are `elems` elements.
    pub(super) fn is_of(&self, elems: usize) -> bool {
        let mut axes = self.perm.clone();
        axes.sort_unstable();
        axes.into_iter().eq(0..self.shape.len()) && self.shape.iter().product::<usize>() == elems
    }

    /// `elements` in the order before.
    pub fn undone<T: Copy>(&self, elements: &[T]) -> Vec<T> {
        let shape: Vec<usize> = self.perm.iter().map(|axis| self.shape[*axis]).collect();
        let back: Vec<usize> =
            (0..self.perm.len()).filter_map(|axis| self.perm.iter().position(|from| *from == axis)).collect();
        exactum_host::elements::permuted(elements, &shape, &back)
    }
}

impl Graph {
    /// Makes each value its own source: the graph is the one that later ones are compared with.
    pub(crate) fn become_source(&mut self) {
        for (index, value) in self.values.iter_mut().enumerate() {
            value.sources = vec![Source::same(ValueId::new(index))];
        }
    }

    /// Adds the sources of `from` to those of `to`, which has the same elements.
    pub(crate) fn add_sources(&mut self, from: ValueId, to: ValueId) {
        for source in self.value(from).sources.clone() {
            let sources = &mut self.value_mut(to).sources;
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_undone() {
        for (shape, perm) in [
            (vec![1, 2, 3, 4], vec![0, 2, 3, 1]),
            (vec![3, 3, 3], vec![2, 0, 1]),
            (vec![2, 2, 2, 2], vec![3, 1, 0, 2]),
            (vec![5], vec![0]),
        ] {
            let elems: usize = shape.iter().product();
            let before: Vec<usize> = (0..elems).collect();
            let after = exactum_host::elements::permuted(&before, &shape, &perm);
            let order = Order { shape, perm };
            assert!(order.is_of(elems) && !order.is_of(elems + 1));
            assert_eq!(order.undone(&after), before);
        }
        assert!(!Order { shape: vec![2, 2], perm: vec![0, 0] }.is_of(4));
    }
}
