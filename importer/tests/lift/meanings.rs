//! What images say of their outputs, against what the file's output is: real values and the order of classes.

use exactum_importer::lower::aligned;
use exactum_importer::{Compiled, compile};
use exactum_runtime::program::{After, words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};

use crate::files::files;

/// Samples of each model.
const SAMPLES: usize = 5;

fn floats(seed: usize, elems: usize) -> Vec<f32> {
    (0..elems).map(|index| (((seed * 31 + index * 17) % 97) as f32 - 40.0) / 23.0).collect()
}

/// Compares the outputs of `compiled`'s image with its interface; the outputs that were compared.
fn compared(name: &str, compiled: &Compiled) -> usize {
    let words = aligned(&compiled.image);
    let program = Program::load(&words_as_bytes(&words)[..compiled.image.len()]).unwrap();
    let mut arena = vec![0; (program.arena_bytes() as usize).div_ceil(8)];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena)).unwrap();
    let mut count = 0;
    for seed in 0..SAMPLES {
        for index in 0..program.inputs().len() {
            let values = floats(seed + index, program.input_tensor(index).unwrap().shape.elems() as usize);
            if engine.quantize_input(index, &values).is_err() {
                return count;
            }
        }
        engine.run();
        for (index, port) in compiled.interface.outputs.iter().enumerate() {
            let meaning = program.outputs().nth(index).unwrap().meaning;
            assert_eq!(meaning.name, port.name, "{name}");
            let Some(numbers) = meaning.numbers else { continue };
            count += 1;
            let stored: Vec<i32> = engine.output(index).unwrap().iter().collect();
            let integers = port.of_stored(&stored);
            let reals: Vec<f64> =
                integers.iter().enumerate().map(|(at, code)| port.real(at, i64::from(*code))).collect();
            for (at, real) in reals.iter().enumerate() {
                let own = engine.output_real(index, at).unwrap();
                // The interface's is rounded a few times, by doubles.
                let near = f64::from(own.to_f32());
                assert!((near - real).abs() <= real.abs() * 2e-7 + 1e-30, "{name} {at}: {near} for {real}");
            }
            let best = engine.argmax(index).unwrap();
            let largest = reals.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(reals[best] >= largest - largest.abs() * 1e-15, "{name}: {best} of {reals:?}");
            assert_eq!(numbers.are_ordered(), !port.has_unequal_units() && port.scale[0] > 0.0, "{name}");
            assert_eq!(meaning.after == After::Nothing, port.functions.is_empty(), "{name}");
        }
    }
    count
}

#[test]
fn images_say_what_their_outputs_stand_for() {
    let (mut outputs, mut unordered) = (0, 0);
    for path in files() {
        let name = path.display().to_string();
        let Ok(model) = exactum_qonnx::read(&std::fs::read(&path).unwrap()) else { continue };
        let Ok(compiled) = compile(&model) else { continue };
        outputs += compared(&name, &compiled);
        unordered += usize::from(compiled.interface.outputs.iter().any(|port| port.has_unequal_units()));
    }
    assert!(outputs > 300 && unordered > 10, "{outputs} outputs, {unordered} with lines of channels");
}
