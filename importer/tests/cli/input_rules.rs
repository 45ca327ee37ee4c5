//! `verify` judges the rule by which a program quantizes its inputs: every rule that is broken is reported.

use exactum_importer::batch::Batch;
use exactum_importer::comparison::{Comparison, compare};
use exactum_importer::container::Container;
use exactum_importer::lower::aligned;
use exactum_importer::npy::Array;
use exactum_importer::reference::Reference;
use exactum_importer::{Compiled, compile};
use exactum_qonnx::Model;
use exactum_runtime::program::{InputRule, words_as_bytes};
use exactum_runtime::{LoadError, Program};

use crate::inputs::preprocessed;
use crate::models::{data, tiny};

/// The comparison of `compiled`, whose image may have been changed, on one sample of zeros.
fn compared(compiled: &Compiled, model: &Model) -> Comparison {
    let container = Container::new(compiled, model, &[]);
    let zeros = Array { shape: vec![1, 4], values: vec![0.0; 4] };
    let batch = Batch::new(container.interface(), &[zeros]).unwrap();
    compare(&container, &Reference::new(&compiled.quantized), &batch, None, || {})
}

/// What `then` says of `image`, which it is given at an address from which it can be loaded.
fn loadable<T>(image: &[u8], then: impl FnOnce(&[u8]) -> T) -> T {
    then(&words_as_bytes(&aligned(image))[..image.len()])
}

/// Where `image` has the numbers of its first input's rule.
fn numbers(image: &[u8]) -> Vec<usize> {
    let program = Program::load(image).unwrap();
    match program.inputs().next().unwrap().quantizer.unwrap() {
        InputRule::Uniform { scale, .. } => {
            let bits = scale.to_bits().to_le_bytes();
            vec![image.windows(4).position(|bytes| bytes == bits).unwrap()]
        }
        InputRule::Thresholds { thresholds, .. } => {
            let first = thresholds.as_ptr() as usize - image.as_ptr() as usize;
            (0..thresholds.len()).map(|index| first + 4 * index).collect()
        }
    }
}

/// Makes `image`, whose bytes were changed, whole again.
fn with_its_checksum(image: &mut [u8]) {
    let Err(LoadError::Checksum { computed, stated }) =
        loadable(image, |image| Program::load(image).map(drop))
    else {
        panic!("the checksum notices a change");
    };
    let at = image.windows(4).position(|bytes| bytes == stated.to_le_bytes()).unwrap();
    image[at..at + 4].copy_from_slice(&computed.to_le_bytes());
}

fn with(change: impl FnOnce(&mut Model), mut model: Model) -> Model {
    change(&mut model);
    model
}

#[test]
fn every_broken_number_of_a_rule_is_reported() {
    let models = [tiny(), with(|model| data(model, "quant_x.scale")[0] = 1e-30, tiny()), preprocessed()];
    for model in models {
        let compiled = compile(&model).unwrap();
        let result = compared(&compiled, &model);
        assert!(result.is_equal() && result.inputs[0].floats >= 2 * 255 + 3, "{:?}", result.inputs);
        let numbers = loadable(&compiled.image, numbers);
        assert!(!numbers.is_empty());
        for (at, up) in numbers.iter().flat_map(|at| [(at, true), (at, false)]) {
            let mut broken = compiled.clone();
            let bytes = &mut broken.image[*at..*at + 4];
            let number = i32::from_le_bytes(bytes.try_into().unwrap());
            let number = if up { number + 1 } else { number - 1 };
            bytes.copy_from_slice(&number.to_le_bytes());
            if numbers.len() == 1 {
                // What is told of the input follows the rule, else the container is refused before.
                broken.interface.inputs[0].scale = vec![f64::from(f32::from_bits(number as u32))];
            }
            with_its_checksum(&mut broken.image);
            let result = compared(&broken, &model);
            assert!(!result.is_equal(), "{number}, which is one off: {:?}", result.inputs);
            assert!(result.inputs[0].first.is_some());
        }
    }
}
