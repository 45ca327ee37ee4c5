//! Tensors, inputs with their quantizers, and outputs.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::{InputRule, OpKind, TensorId, words_as_bytes_mut};
use exactum_runtime::{Codes, Element, Engine, LoadError, PortFault, TensorFault};

use crate::networks::{Network, THRESHOLDS, branches, chain};
use crate::support::image::tensor;

#[test]
fn tensors_are_checked() {
    let tensor = |at: usize, value: u8| match chain().overwritten(chain().tensor_at(1) + at, &[value]) {
        LoadError::Tensor { tensor: TensorId(1), fault } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(tensor(0, 9), TensorFault::Element);
    assert_eq!(tensor(1, 5), TensorFault::Shape);
    assert_eq!(tensor(2, 4), TensorFault::Reserved);
    assert_eq!(tensor(3, 1), TensorFault::Reserved);
    assert_eq!(tensor(4, 33), TensorFault::Place);
    assert_eq!(tensor(8, 0), TensorFault::Shape);
    assert_eq!(tensor(1, 2), TensorFault::Reserved);
    assert_eq!(tensor(29, 1), TensorFault::Range);
}

#[test]
fn inputs_and_outputs_are_checked() {
    let input = |change: fn(&mut Network)| match chain().refused(change) {
        LoadError::Input { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(
        input(|n| n.inputs[0].quantizer =
            Some(InputRule::Uniform { scale: -1.0, zero_point: 0, ties_to_odd: false })),
        PortFault::Scale
    );
    assert_eq!(
        input(|n| n.inputs[0].quantizer =
            Some(InputRule::Uniform { scale: f32::NAN, zero_point: 0, ties_to_odd: false })),
        PortFault::Scale
    );
    let output = |change: fn(&mut Network)| match chain().refused(change) {
        LoadError::Output { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(output(|n| n.outputs[0].tensor = TensorId(11)), PortFault::NoTensor);
    assert_eq!(output(|n| n.outputs[0].tensor = TensorId(4)), PortFault::Overwritten);
    assert_eq!(output(|n| n.outputs[0].tensor = TensorId(7)), PortFault::NoTensor);
}

#[test]
fn input_rules_are_checked() {
    let fault = |rule: InputRule<'static>| {
        let mut network = branches();
        network.inputs[0].quantizer = Some(rule);
        match network.image().load().map(|_| ()) {
            Ok(()) => None,
            Err(LoadError::Input { input: 0, fault }) => Some(fault),
            Err(other) => panic!("{other}"),
        }
    };
    let rule = |thresholds, channels, inner, nan| InputRule::Thresholds {
        thresholds,
        channels,
        inner,
        falling: true,
        nan,
    };
    assert_eq!(fault(rule(&THRESHOLDS, 2, 16, 3)), None);
    assert_eq!(fault(rule(&[1, 1, 2], 5, 1, 0)), None);
    for bad in [
        rule(&THRESHOLDS, 3, 1, 0),
        rule(&THRESHOLDS, 0, 1, 0),
        rule(&THRESHOLDS, 2, 0, 0),
        rule(&THRESHOLDS, 2, 1, 4),
        rule(&THRESHOLDS, 2, 1, -1),
        rule(&THRESHOLDS[..2], 1, 1, 0),
        rule(&[], 1, 1, 0),
        rule(&[1, 3, 2], 1, 1, 0),
        rule(&[1, 2, 3, 1, 3, 2], 2, 1, 0),
    ] {
        assert_eq!(fault(bad), Some(PortFault::Thresholds), "{bad:?}");
    }
    let record = |input: usize, at: usize, value: u8| match branches()
        .overwritten(branches().input_at(input) + at, &[value])
    {
        LoadError::Input { input: found, fault } if usize::from(found) == input => fault,
        other => panic!("{other}"),
    };
    assert_eq!(record(0, 2, 3), PortFault::Rule);
    assert_eq!(record(0, 2, 0), PortFault::Rule);
    assert_eq!(record(0, 3, 2), PortFault::Rule);
    assert_eq!(record(0, 4, 1), PortFault::Rule);
    assert_eq!(record(0, 8, 1), PortFault::Rule);
    assert_eq!(record(0, 24, 4), PortFault::Constant);
    assert_eq!(record(0, 29, 4), PortFault::Constant);
    for at in [3, 4, 8, 12, 16, 20, 28] {
        assert_eq!(record(1, at, 1), PortFault::Rule, "byte {at}");
    }
    assert_eq!(record(1, 2, 1), PortFault::Scale);
}

/// Codes of floats on the device, by counting with comparisons of floats.
#[test]
fn thresholds_quantize_inputs() {
    let values: Vec<f32> = [
        0.0,
        -0.0,
        0.25,
        0.249,
        0.75,
        1.0,
        9.0,
        -1.0,
        -1.1,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -f32::NAN,
    ]
    .into_iter()
    .cycle()
    .take(32)
    .collect();
    for (falling, inner) in [(false, 1), (true, 1), (false, 16), (true, 3)] {
        let mut network = branches();
        network.inputs[0].quantizer =
            Some(InputRule::Thresholds { thresholds: &THRESHOLDS, channels: 2, inner, falling, nan: 2 });
        let image = network.image();
        let program = image.load().unwrap();
        let mut arena = vec![0; (program.arena_bytes() as usize).div_ceil(8)];
        let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena)).unwrap();
        engine.quantize_input(0, &values).unwrap();
        let expected: Vec<u8> = values
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let groups = [[0.25f32, 0.5, 1.0], [-1.0, 0.0, 1.0]];
                let passed =
                    groups[index / inner as usize % 2].iter().filter(|at| *at <= value).count() as u8;
                match (value.is_nan(), falling) {
                    (true, _) => 2,
                    (false, true) => 3 - passed,
                    (false, false) => passed,
                }
            })
            .collect();
        assert_eq!(engine.input_mut(0).unwrap().as_codes(), Codes::U8(&expected), "{falling} {inner}");
    }
}

#[test]
fn kinds_have_one_number_each() {
    for kind in OpKind::ALL {
        assert_eq!(OpKind::from_code(kind.code()), Some(*kind));
    }
    assert_eq!(OpKind::from_code(0), None);
}

/// Bytes and samples have the codes of the floats that they stand for.
#[test]
fn bytes_and_samples_quantize_inputs() {
    let floats_of = |network: &Network, values: &[f32]| {
        let image = network.image();
        let program = image.load().unwrap();
        let mut arena = vec![0; (program.arena_bytes() as usize).div_ceil(8)];
        let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena)).unwrap();
        engine.quantize_input(0, values).unwrap();
        engine.input_mut(0).unwrap().as_codes().iter().collect::<Vec<_>>()
    };
    let long = |scale| {
        let mut network = chain();
        network.tensors[0] = tensor(Element::U8, &[512], 0, IntRange { lo: 0, hi: 15 });
        network.tensors[1].offset_bytes = 512;
        network.tensors[2].offset_bytes = 544;
        network.tensors[3].offset_bytes = 592;
        let rule = InputRule::Uniform { scale, zero_point: 3, ties_to_odd: false };
        network.inputs[0].quantizer = Some(rule);
        network
    };
    for network in [chain(), branches(), long(1.0 / 64.0), long(0.017)] {
        let image = network.image();
        let program = image.load().unwrap();
        let elems = program.input_tensor(0).unwrap().shape.elems() as usize;
        let mut arena = vec![0; (program.arena_bytes() as usize).div_ceil(8)];
        let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena)).unwrap();
        for divisor in [1u16, 64, 255] {
            let bytes: Vec<u8> = (0..elems).map(|index| (index * 7) as u8).collect();
            engine.quantize_bytes(0, &bytes, divisor).unwrap();
            let values: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / f32::from(divisor)).collect();
            let codes: Vec<i32> = engine.input_mut(0).unwrap().as_codes().iter().collect();
            assert_eq!(codes, floats_of(&network, &values));
        }
        for bits in [0u8, 3, 15] {
            let samples: Vec<i16> = (0..elems).map(|index| (index * 1999) as i16 >> (index % 12)).collect();
            engine.quantize_samples(0, &samples, bits).unwrap();
            let values: Vec<f32> =
                samples.iter().map(|sample| f32::from(*sample) / f32::powi(2.0, bits.into())).collect();
            let codes: Vec<i32> = engine.input_mut(0).unwrap().as_codes().iter().collect();
            assert_eq!(codes, floats_of(&network, &values));
        }
        assert!(
            engine.quantize_bytes(0, &[0; 3], 255).is_err()
                && engine.quantize_samples(2, &[0; 3], 15).is_err()
        );
    }
}
