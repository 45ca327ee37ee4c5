//! What must hold of any file: the checks of both targets. They panic where something does not.

use exactum_importer::batch::{Batch, Host};
use exactum_importer::container::Container;
use exactum_importer::graph::Graph;
use exactum_importer::npy::Array;
use exactum_importer::reference::Reference;
use exactum_importer::{Compiled, compile as importer_compile};
use exactum_qonnx::Model;
use exactum_runtime::Program;
use exactum_runtime::program::{words_as_bytes, words_as_bytes_mut};

/// Multiplications and elements that are still executed.
const MOST_WORK: u64 = 1 << 20;

/// How far a file came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is no model.
    Unreadable,
    /// The compiler says why it cannot compile it; for [`read`], the end.
    Refused,
    /// A program that takes too long for this.
    Compiled,
    /// A program that gave the integers of the exact reference.
    Ran,
}

/// Reads `bytes`, and what is read survives being checked, printed, written and read again.
///
/// # Panics
/// If it does not.
pub fn read(bytes: &[u8]) -> Outcome {
    let Ok(model) = exactum_qonnx::read(bytes) else { return Outcome::Unreadable };
    for problem in model.check() {
        assert!(!problem.to_string().is_empty());
    }
    let text = model.to_string();
    let written = exactum_qonnx::write(&model);
    let again = exactum_qonnx::read(&written).expect("what was written can be read");
    // Models hold floats, and a NaN is not equal to itself: compared is what is written and printed.
    assert!(written == exactum_qonnx::write(&again), "written twice, read once: other bytes");
    assert!(text == again.to_string(), "written and read: another text");
    Outcome::Refused
}

/// Compiles the file `bytes`, loads the program and executes it beside the reference.
///
/// # Panics
/// If they differ, or the program is none.
pub fn compile(bytes: &[u8]) -> Outcome {
    let Ok(model) = exactum_qonnx::read(bytes) else { return Outcome::Unreadable };
    let compiled = match importer_compile(&model) {
        Ok(compiled) => compiled,
        Err(report) => {
            assert!(!report.in_model("model.onnx", &model).to_string().is_empty());
            return Outcome::Refused;
        }
    };
    for graph in [&compiled.imported, &compiled.quantized, &compiled.integer, &compiled.scheduled] {
        let text = graph.to_string();
        let parsed: Graph = text.parse().expect("a printed graph can be parsed");
        assert_same(&text, &parsed.to_string());
    }
    let mut words = vec![0u64; compiled.image.len().div_ceil(8)];
    words_as_bytes_mut(&mut words)[..compiled.image.len()].copy_from_slice(&compiled.image);
    let image = &words_as_bytes(&words)[..compiled.image.len()];
    let program = Program::load(image).expect("the compiler's program can be loaded");
    run(&compiled, &model, bytes, program)
}

/// Two printed graphs are equal; the first line that is not tells enough.
fn assert_same(text: &str, again: &str) {
    if text != again {
        let differing = text.lines().zip(again.lines()).find(|(a, b)| a != b);
        panic!("a graph parsed and printed reads otherwise: {differing:#?}");
    }
}

fn run(compiled: &Compiled, model: &Model, bytes: &[u8], program: Program<'_>) -> Outcome {
    let elems = compiled.scheduled.values.iter().map(|value| value.elems() as u64);
    let work = compiled.ops.iter().map(|op| op.macs).chain(elems).fold(0, u64::saturating_add);
    if work > MOST_WORK {
        return Outcome::Compiled;
    }
    let container = Container::new(compiled, model, bytes);
    Container::read(&container.write()).expect("the compiler's container can be read");

    let batch = batch(compiled, bytes.len() as u64);
    let expected = Reference::new(&compiled.quantized).run(&batch.sample(0)).expect("a sample of the model");
    let found = Host::new(program).run(&batch.sample(0));
    let found: Vec<Vec<i64>> = found
        .iter()
        .zip(&compiled.interface.outputs)
        .map(|(stored, port)| port.of_stored(stored).into_iter().map(i64::from).collect())
        .collect();
    assert_eq!(found, expected, "program and reference differ");
    Outcome::Ran
}

/// One sample whose elements spread over the codes of each input and beyond.
fn batch(compiled: &Compiled, seed: u64) -> Batch {
    let mut random = crate::random::Random::new(seed);
    let arrays: Vec<Array> = compiled
        .interface
        .read_inputs()
        .into_iter()
        .map(|port| {
            let span = (port.range.hi - port.range.lo) as f64 * 1.25;
            let value = |index: usize| {
                let part = random.below(1000) as f64 / 1000.0 - 0.1;
                let integer = port.range.lo as f64 + span * part - port.zero_point as f64;
                let (scale, offset) = port.affine(index);
                f64::from((integer * scale + offset) as f32)
            };
            let mut shape = port.shape.clone();
            match shape.first_mut() {
                Some(batch) => *batch = 1,
                None => shape.push(1),
            }
            Array { shape, values: (0..port.elems()).map(value).collect() }
        })
        .collect();
    Batch::new(&compiled.interface, &arrays).expect("arrays of the interface's shapes")
}
