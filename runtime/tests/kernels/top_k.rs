//! `top-k` against a stable sort.

use exactum_runtime::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::TopK;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::image::{pair, run, single_op, tensor};
use crate::support::layer;

fn array(elems: usize, reach: i64) -> impl Strategy<Value = Vec<i64>> {
    select(vec![0, 1, elems]).prop_flat_map(move |len| prop::collection::vec(-reach..=reach, len))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn top_k_matches_the_reference(
        (rows, elems, k, element, range, (largest, values), multipliers, offsets, codes) in (
            1usize..4,
            (1usize..20).prop_flat_map(|elems| (Just(elems), 1..=elems)),
            select(vec![(Element::I8, -2, 3), (Element::U8, 0, 255), (Element::I16, -900, 5), (Element::I32, -9, 1 << 30)]),
            any::<[bool; 2]>(), any::<bool>(),
        ).prop_flat_map(|(rows, (elems, k), (element, lo, hi), largest, far)| {
            let range = IntRange { lo, hi };
            let reach = if far { 1 << 32 } else { 2 };
            (
                Just(rows), Just(elems), Just(k), Just(element), Just(range), Just(largest.into()),
                array(elems, reach), array(elems, reach), layer::codes(range, rows * elems),
            )
        })
    ) {
        let op = TopK {
            input: TensorId(0),
            output: TensorId(1),
            elems: elems as u32,
            k: k as u32,
            largest,
            values,
            multipliers: &multipliers,
            offsets: &offsets,
        };
        let positions = (Element::I32, IntRange { lo: 0, hi: elems as i64 - 1 });
        let (out_element, out_range) = if values { (element, range) } else { positions };
        let tensors = pair(
            tensor(element, &[rows, elems], 0, range),
            tensor(out_element, &[rows, k], 0, out_range),
        );
        let pick = |values: &[i64], position: usize, none: i64| match values {
            [] => none,
            [shared] => *shared,
            _ => values[position],
        };
        let mut expected = Vec::new();
        for row in codes.chunks(elems) {
            let mut scores: Vec<_> = row.iter().enumerate().map(|(position, code)| {
                let multiplier = i128::from(pick(&multipliers, position, 1));
                (multiplier * i128::from(*code) + i128::from(pick(&offsets, position, 0)), position)
            }).collect();
            scores.sort_by_key(|(score, _)| if largest { -score } else { *score });
            let found = |position: usize| if values { row[position] } else { position as i64 };
            expected.extend(scores.iter().take(k).map(|(_, position)| found(*position)));
        }
        prop_assert_eq!(run(&single_op(op.into(), &tensors).load().unwrap(), &codes), expected);
    }
}

/// Complements, not negations, turn the order round: the smallest score of all has no negation.
#[test]
fn the_ends_of_64_bits_are_ordered() {
    let (multipliers, offsets) = ([i64::MIN, i64::MAX, 1, -1], [0, 0, 5, 0]);
    let positions = |largest| {
        let op = TopK {
            input: TensorId(0),
            output: TensorId(1),
            elems: 4,
            k: 4,
            largest,
            values: false,
            multipliers: &multipliers,
            offsets: &offsets,
        };
        let tensors = pair(
            tensor(Element::U8, &[4], 0, IntRange { lo: 0, hi: 1 }),
            tensor(Element::I32, &[4], 0, IntRange { lo: 0, hi: 3 }),
        );
        run(&single_op(op.into(), &tensors).load().unwrap(), &[1; 4])
    };
    assert_eq!((positions(true), positions(false)), (vec![1, 2, 3, 0], vec![0, 3, 2, 1]));
}
