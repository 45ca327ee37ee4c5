//! `rearrange`: every kind of it against its formula, element by element.

use exactum_runtime::Element;
use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::Rearrange;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::image::{pair, run, single_op, tensor};
use crate::support::layer;

/// One axis: positions of fill before, positions inside, positions of fill after, and how it steps.
#[derive(Clone, Copy, Debug)]
struct Axis {
    before: u32,
    size: u32,
    after: u32,
    step: i32,
}

fn axis() -> impl Strategy<Value = Axis> {
    let pads = select(vec![0u32, 0, 0, 1, 2]);
    (pads.clone(), prop_oneof![10 => 1u32..5, 1 => Just(0)], pads, select(vec![1i32, 1, 1, -1, 2, 0]))
        .prop_filter_map("a position", |(before, size, after, step)| {
            (before + size + after > 0).then_some(Axis { before, size, after, step })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Axes in the order of the output read those of a dense input in the order `order`.
    #[test]
    fn rearrange_matches_the_reference(
        (axes, order, element, codes) in (
            prop::collection::vec(axis(), 1..=4),
            Just([0usize, 1, 2, 3]).prop_shuffle(),
            select(Element::ALL.to_vec()),
        ).prop_flat_map(|(axes, order, element)| {
            let elems: u32 = axes.iter().map(|axis| axis.size.max(1) * axis.step.unsigned_abs().max(1)).product();
            (Just(axes), Just(order), Just(element), layer::codes(element.range(), elems as usize))
        }),
        fill in -3i32..100,
    ) {
        let fill = fill.max(element.range().lo.try_into().unwrap());
        let lead = 6 - axes.len();
        let mut op = Rearrange {
            input: TensorId(0),
            output: TensorId(1),
            dims: [1; 6],
            strides: [0; 6],
            first: 0,
            before: [0; 6],
            sizes: [1; 6],
            fill,
        };
        // The input's axes from the innermost: which axis of the output each is.
        let mut inner = 1i32;
        for k in order.iter().filter(|k| **k < axes.len()) {
            let Axis { before, size, after, step } = axes[*k];
            let extent = size.max(1) as i32 * step.abs().max(1);
            let at = lead + k;
            (op.dims[at], op.before[at], op.sizes[at]) = (before + size + after, before, size);
            op.strides[at] = step * inner;
            if step < 0 && size > 0 {
                op.first += ((size - 1) as i32 * inner) as u32;
            }
            inner *= extent;
        }
        let elems: u32 = op.dims.iter().product();
        let tensors = pair(
            tensor(element, &[codes.len()], 0, element.range()),
            tensor(element, &[elems as usize], 0, element.range()),
        );
        let mut expected = Vec::new();
        for index in 0..elems {
            let (mut rest, mut from) = (index, Some(i64::from(op.first)));
            for k in (0..6).rev() {
                let position = rest % op.dims[k];
                rest /= op.dims[k];
                let inside = position.checked_sub(op.before[k]).filter(|inside| *inside < op.sizes[k]);
                from = from.zip(inside).map(|(from, inside)| from + i64::from(inside) * i64::from(op.strides[k]));
            }
            expected.push(from.map_or(i64::from(fill), |from| codes[from as usize]));
        }
        prop_assert_eq!(run(&single_op(op.into(), &tensors).load().unwrap(), &codes), expected);
    }

    #[test]
    fn channels_last_and_back(
        (rows, columns, element, codes) in (1usize..12, 1usize..12, select(Element::ALL.to_vec()))
            .prop_flat_map(|(rows, columns, element)| (
                Just(rows), Just(columns), Just(element), layer::codes(element.range(), rows * columns),
            ))
    ) {
        let dims = [1, 1, 1, 1, columns as u32, rows as u32];
        let op = Rearrange {
            input: TensorId(0),
            output: TensorId(1),
            dims,
            strides: [0, 0, 0, 0, 1, columns as i32],
            first: 0,
            before: [0; 6],
            sizes: dims,
            fill: 0,
        };
        let tensors = pair(
            tensor(element, &[rows, columns], 0, element.range()),
            tensor(element, &[columns, rows], 0, element.range()),
        );
        let expected: Vec<_> =
            (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column)).map(|i| codes[i]).collect();
        prop_assert_eq!(run(&single_op(op.into(), &tensors).load().unwrap(), &codes), expected);
    }
}
