//! Elementwise ops and concatenation.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::TensorId;
use exactum_runtime::program::op::{Add, Concat, Mul, Multipliers, Op, Requantize};
use exactum_runtime::{Element, LoadError, OpFault};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::image::{in_order, pair, run, run_all, single_op, tensor};
use crate::support::layer;
use crate::support::requant::{Tail, tail, wide_tail};

/// Two operands, the second repeated `repeats` times, as rows of `channels`.
#[derive(Clone, Debug)]
struct Operands {
    elems: usize,
    second_elems: usize,
    channels: usize,
    types: [(Element, IntRange); 2],
    /// One pair for all channels, or one for each.
    parameters: Vec<[i64; 2]>,
    /// Whether sums have 64 bits.
    wide: bool,
    tail: Tail,
    codes: [Vec<i64>; 2],
    /// Place of the output: that of neither operand, of the first or of the second.
    place: Option<usize>,
}

fn operands(per_channel: bool, wide: bool) -> impl Strategy<Value = Operands> {
    let shape = (1usize..5, select(vec![1usize, 1, 2, 3]), prop_oneof![4 => 1usize..9, 1 => 63usize..70]);
    let place = select(vec![None, None, Some(0), Some(1)]);
    (shape, any::<bool>(), any::<bool>(), [layer::any_type(), layer::any_type()], place).prop_flat_map(
        move |((rows, repeats, row), by_row, scalar, types, place)| {
            let (elems, channels) = (repeats * rows * row, if by_row { row } else { 1 });
            let second_elems = if scalar { 1 } else { rows * row };
            let codes = [layer::codes(types[0].1, elems), layer::codes(types[1].1, second_elems)];
            let wider = prop_oneof![-(1i64 << 36)..1 << 36, -40i64..40].boxed();
            let parameter = if wide { wider } else { (-40i64..40).boxed() };
            let pairs = if per_channel { channels } else { 1 };
            let parameters = prop::collection::vec([parameter.clone(), parameter], pairs);
            let tail = if wide { wide_tail(channels) } else { tail(channels) };
            (tail, codes, parameters).prop_map(move |(tail, codes, parameters)| Operands {
                elems,
                second_elems,
                channels,
                types,
                parameters,
                wide,
                tail,
                codes,
                place,
            })
        },
    )
}

impl Operands {
    /// Loads and runs `op` and compares it with `acc` of each pair of elements, with the parameters of its channel.
    fn check(&self, op: Op<'_>, acc: impl Fn([i64; 2], i64, i64) -> i64) -> Result<(), TestCaseError> {
        let [first, second] = self.types;
        let mut tensors = in_order(vec![
            tensor(first.0, &[self.elems], 0, first.1),
            tensor(second.0, &[self.second_elems], 0, second.1),
            tensor(self.tail.element, &[self.elems], 0, layer::stored(&self.tail)),
        ]);
        if let Some(place) = self.place {
            tensors[2].offset_bytes = tensors[place].offset_bytes;
        }
        let image = single_op(op, &tensors);
        let fault = |fault| Err(LoadError::Op { op: 0, fault });
        let overlaps = |index: usize| {
            let (a, b) = (&tensors[index], &tensors[2]);
            a.offset_bytes < b.offset_bytes + b.size_bytes()
                && b.offset_bytes < a.offset_bytes + a.size_bytes()
        };
        let same = |index: usize| {
            let (a, b) = (&tensors[index], &tensors[2]);
            (a.offset_bytes, a.size_bytes(), a.element.size_bytes())
                == (b.offset_bytes, b.size_bytes(), b.element.size_bytes())
        };
        if (0..2).any(|index| overlaps(index) && !same(index)) {
            prop_assert_eq!(image.load().map(|_| ()), fault(OpFault::Overlap));
            return Ok(());
        }
        let parameters =
            |channel: usize| self.parameters[if self.parameters.len() == 1 { 0 } else { channel }];
        let reach = |channel: usize| {
            let corners = [first.1.lo, first.1.hi]
                .map(|a| [second.1.lo, second.1.hi].map(|b| acc(parameters(channel), a, b).abs()));
            corners.into_iter().flatten().max().unwrap()
        };
        let reach = (0..self.channels).map(reach).max().unwrap();
        let program = match image.load() {
            Err(error) if reach > i32::MAX.into() && !self.wide => {
                prop_assert_eq!(Err(error), fault(OpFault::Accumulator));
                return Ok(());
            }
            // No more than the parameters of a tail are made for.
            Err(error) => {
                prop_assert!(reach > 20_000_000, "{}", error);
                prop_assert_eq!(Err(error), fault(OpFault::RequantWraps));
                return Ok(());
            }
            Ok(program) => program,
        };
        let [first, second] = &self.codes;
        let expected: Vec<_> = (0..self.elems)
            .map(|index| {
                let channel = index % self.channels;
                let acc = acc(parameters(channel), first[index], second[index % self.second_elems]);
                self.tail.reference(channel, acc)
            })
            .collect();
        prop_assert_eq!(run_all(&program, &[first, second]), expected);
        Ok(())
    }

    fn add(&self, multipliers: Multipliers<'_>) -> Result<(), TestCaseError> {
        let op = Add {
            input: TensorId(0),
            second: TensorId(1),
            output: TensorId(2),
            multipliers,
            channels: self.channels as u32,
            requant: self.tail.requant(),
        };
        self.check(op.into(), |[a, b], first, second| a * first + b * second)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn add_matches_the_reference(operands in any::<bool>().prop_flat_map(|each| operands(each, false))) {
        let pairs: Vec<_> = operands.parameters.iter().map(|pair| pair.map(|factor| factor as i32)).collect();
        operands.add(Multipliers::I32(&pairs))?;
    }

    #[test]
    fn wide_add_matches_the_reference(operands in any::<bool>().prop_flat_map(|each| operands(each, true))) {
        operands.add(Multipliers::I64(&operands.parameters))?;
    }

    #[test]
    fn mul_matches_the_reference(operands in any::<bool>().prop_flat_map(|wide| operands(false, wide))) {
        let zero_points = operands.parameters[0].map(|zero_point| (zero_point % (1 << 20)) as i32);
        let op = Mul {
            input: TensorId(0),
            second: TensorId(1),
            output: TensorId(2),
            zero_points,
            channels: operands.channels as u32,
            requant: operands.tail.requant(),
            wide: operands.wide,
        };
        let [a, b] = zero_points.map(i64::from);
        operands.check(op.into(), |_, first, second| (first - a) * (second - b))?;
    }

    #[test]
    fn concat_matches_the_reference(
        (element, rows, columns, codes) in
            (select(Element::ALL.to_vec()), 1usize..5, prop::collection::vec(1usize..20, 1..5))
                .prop_flat_map(|(element, rows, columns)| {
                    let codes: Vec<_> =
                        columns.iter().map(|columns| layer::codes(element.range(), rows * columns)).collect();
                    (Just(element), Just(rows), Just(columns), codes)
                })
    ) {
        let all: usize = columns.iter().sum();
        let tensors = in_order(
            columns.iter().chain([&all])
                .map(|columns| tensor(element, &[rows, *columns], 0, element.range())).collect(),
        );
        let rest: Vec<u16> = (1..columns.len() as u16).collect();
        let output = TensorId(columns.len() as u16);
        let op = Concat { input: TensorId(0), rest: &rest, output, rows: rows as u32 };
        let mut expected = Vec::new();
        for row in 0..rows {
            for (codes, columns) in codes.iter().zip(&columns) {
                expected.extend_from_slice(&codes[row * columns..(row + 1) * columns]);
            }
        }
        let inputs: Vec<&[i64]> = codes.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(run_all(&single_op(op.into(), &tensors).load().unwrap(), &inputs), expected);
    }

    #[test]
    fn requantize_matches_the_reference(
        (rows, channels, (element, range), tail, codes, in_place) in (
            // Long rows of one channel end inside a block, and codes of many bytes are looked up.
            prop_oneof![
                (1usize..5, prop_oneof![1usize..9, 63usize..67]),
                (prop_oneof![60usize..70, 505usize..520], Just(1)),
            ],
            select(vec![(Element::I8, -128, 127), (Element::U8, 0, 255), (Element::I16, -900, 5), (Element::I32, -900_000, 900_000)]),
        ).prop_flat_map(|((rows, channels), (element, lo, hi))| {
            let range = IntRange { lo, hi };
            (Just(rows), Just(channels), Just((element, range)), tail(channels), layer::codes(range, rows * channels), any::<bool>())
        })
    ) {
        let Some(requant) = tail.requant() else { return Ok(()) };
        let op = Requantize { input: TensorId(0), output: TensorId(1), channels: channels as u32, requant };
        let mut tensors = pair(
            tensor(element, &[rows, channels], 0, range),
            tensor(tail.element, &[rows, channels], 0, requant.range()),
        );
        if in_place {
            tensors[1].offset_bytes = 0;
        }
        let image = single_op(op.into(), &tensors);
        if in_place && element.size_bytes() != tail.element.size_bytes() {
            prop_assert!(image.load().is_err(), "elements of two sizes in one place were loaded");
            return Ok(());
        }
        let expected: Vec<_> = codes.iter().enumerate().map(|(i, code)| tail.reference(i % channels, *code)).collect();
        prop_assert_eq!(run(&image.load().unwrap(), &codes), expected);
    }
}

#[test]
fn one_tensor_serves_as_both_operands_and_as_the_output() {
    let range = IntRange { lo: -100, hi: 100 };
    let op = Add {
        input: TensorId(0),
        second: TensorId(0),
        output: TensorId(1),
        multipliers: Multipliers::I32(&[[2, -3]]),
        channels: 1,
        requant: None,
    };
    let tensors =
        [tensor(Element::I32, &[70], 0, range), tensor(Element::I32, &[70], 0, Element::I32.range())];
    let codes: Vec<i64> = (0..70).collect();
    let expected: Vec<i64> = codes.iter().map(|code| -code).collect();
    assert_eq!(run(&single_op(op.into(), &tensors).load().unwrap(), &codes), expected);
}
