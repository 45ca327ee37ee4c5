//! Pools: the largest, the sum and the average of a window.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{MaxPool2d, SumPool2d};
use exactum_runtime::program::{TensorId, Window2d};
use exactum_runtime::{Element, LoadError, OpFault};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::image::{pair, run, single_op, tensor};
use crate::support::layer;
use crate::support::requant::tail;

/// Windows, some of them as large as the image and more.
fn window() -> impl Strategy<Value = (Window2d, [usize; 2])> {
    let global = ([1usize..=7, 1..=7], [1usize..=9, 1..=9]).prop_map(|(image, size)| {
        let size = size.map(|size| size as u16);
        let pads = [0, 1].map(|axis| size[axis].saturating_sub(image[axis] as u16));
        (Window2d { pads: [0, pads[1], pads[0], 0], ..Window2d::new(size) }, image)
    });
    prop_oneof![3 => layer::window(), 1 => global]
}

/// The elements of a window's taps inside the image.
fn taps(window: &Window2d, [height, width]: [usize; 2], y: usize, x: usize) -> Vec<[usize; 2]> {
    let at = |out: usize, tap: u16, axis: usize| {
        let at = out * usize::from(window.stride[axis]) + usize::from(tap * window.dilation[axis]);
        at.checked_sub(usize::from(window.pads[axis])).filter(|at| *at < [height, width][axis])
    };
    (0..window.size[0])
        .flat_map(|ky| (0..window.size[1]).map(move |kx| (ky, kx)))
        .filter_map(|(ky, kx)| Some([at(y, ky, 0)?, at(x, kx, 1)?]))
        .collect()
}

/// For each output position the elements that its window holds.
fn windows(window: &Window2d, image: [usize; 2]) -> ([usize; 2], Vec<Vec<[usize; 2]>>) {
    let size = window.output(image.map(|dim| dim as u32)).unwrap().map(|dim| dim as usize);
    let positions = (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| (y, x)));
    (size, positions.map(|(y, x)| taps(window, image, y, x)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn max_pool2d_matches_the_reference(
        (window, image, channels, (element, range), codes) in (
            window(), 1usize..5,
            select(vec![(Element::I8, -128, -1), (Element::U8, 0, 255), (Element::I16, -900, 5), (Element::I32, -9, 1 << 30)]),
        ).prop_flat_map(|((window, image), channels, (element, lo, hi))| {
            let range = IntRange { lo, hi };
            (Just(window), Just(image), Just(channels), Just((element, range)), layer::codes(range, image[0] * image[1] * channels))
        })
    ) {
        let (size, windows) = windows(&window, image);
        let tensors = pair(
            tensor(element, &[image[0], image[1], channels], 0, range),
            tensor(element, &[size[0], size[1], channels], 0, range),
        );
        let program = single_op(MaxPool2d { input: TensorId(0), output: TensorId(1), window }.into(), &tensors);
        let largest = windows.iter().flat_map(|taps| {
            let codes = &codes;
            (0..channels).map(move |channel| {
                taps.iter().map(|[y, x]| codes[(y * image[1] + x) * channels + channel]).max()
            })
        });
        match largest.collect::<Option<Vec<_>>>() {
            Some(expected) => prop_assert_eq!(run(&program.load().unwrap(), &codes), expected),
            None => prop_assert!(program.load().is_err(), "a window without an element was loaded"),
        }
    }

    #[test]
    fn sum_pool2d_matches_the_reference(
        (window, image, channels, (element, range), zero_point, tail, average, codes) in (
            window(), prop_oneof![4 => 1usize..5, 1 => 63usize..67], layer::any_type(), -200i32..300, any::<bool>(),
        ).prop_flat_map(|((window, image), channels, (element, range), zero_point, average)| (
            Just(window), Just(image), Just(channels), Just((element, range)), Just(zero_point),
            tail(channels), Just(average), layer::codes(range, image[0] * image[1] * channels),
        ))
    ) {
        let (size, windows) = windows(&window, image);
        let counts = windows.iter().map(|taps| taps.len() as u32);
        fn gcd(a: u32, b: u32) -> u32 {
            if b == 0 { a } else { gcd(b, a % b) }
        }
        let unit = if average {
            counts.clone().filter(|count| *count > 0).fold(1, |unit, count| unit / gcd(unit, count) * count)
        } else {
            0
        };
        let op = SumPool2d {
            input: TensorId(0),
            output: TensorId(1),
            input_zero_point: zero_point,
            window,
            unit,
            requant: tail.requant(),
        };
        let tensors = pair(
            tensor(element, &[image[0], image[1], channels], 0, range),
            tensor(tail.element, &[size[0], size[1], channels], 0, layer::stored(&tail)),
        );
        let program = single_op(op.into(), &tensors);
        if average && counts.clone().any(|count| count == 0) {
            let fault = OpFault::EmptyWindow;
            prop_assert_eq!(program.load().err(), Some(LoadError::Op { op: 0, fault }));
            return Ok(());
        }
        let largest = i64::from(if average { unit } else { counts.max().unwrap() });
        let reach = [range.lo, range.hi].map(|code| (code - i64::from(zero_point)).abs() * largest);
        // No more than the parameters of a tail are made for.
        let program = match program.load() {
            Err(error) => {
                let fault = if reach.iter().any(|reach| *reach > i32::MAX.into()) {
                    OpFault::Accumulator
                } else {
                    prop_assert!(tail.requant().is_some() && reach.iter().any(|reach| *reach > 20_000_000), "{}", error);
                    OpFault::RequantWraps
                };
                prop_assert_eq!(error, LoadError::Op { op: 0, fault });
                return Ok(());
            }
            Ok(program) => program,
        };
        let mut expected = Vec::new();
        for taps in &windows { for channel in 0..channels {
            let sum: i64 = taps.iter()
                .map(|[y, x]| codes[(y * image[1] + x) * channels + channel] - i64::from(zero_point)).sum();
            let factor = if average { i64::from(unit) / taps.len() as i64 } else { 1 };
            expected.push(tail.reference(channel, factor * sum));
        }}
        prop_assert_eq!(run(&program, &codes), expected);
    }
}
