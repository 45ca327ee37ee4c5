//! The Rust modules that `build` writes: the test compiles those it expects, and runs them.

use exactum_runtime::{Arena, Codes, Engine, Program};

use crate::models::{inputs, tiny};
use crate::session::{Session, snapshot};

#[rustfmt::skip]
#[allow(unreachable_pub, missing_docs, reason = "written for other crates")]
#[path = "snapshots/tiny.rs"]
mod model;

#[rustfmt::skip]
#[allow(unreachable_pub, reason = "written for other crates")]
#[path = "snapshots/tiny.image.rs"]
mod image;

#[test]
fn emitted_modules_compile_and_give_the_same_codes() {
    let mut session = Session::new().with("tiny.onnx", exactum_qonnx::write(&tiny()));
    session.run("build tiny.onnx -o tiny --emit rust,rust-image,image");
    for name in ["tiny.rs", "tiny.image.rs"] {
        snapshot(name, String::from_utf8(session.read(name)).unwrap());
    }
    assert_eq!(*image::PROGRAM, session.read("tiny.bin"));
    assert_eq!((image::INPUT_ELEMS, image::OUTPUT_ELEMS), ([4], [2]));
    assert_eq!((image::INPUT_NAMES, image::INPUT_SHAPES), (["x"], [&[4][..]]));
    assert_eq!((image::OUTPUT_NAMES, image::OUTPUT_SHAPES), (["quant_y.out"], [&[2][..]]));
    assert_eq!((model::X_NAME, model::X_SHAPE), ("x", [4]));
    assert_eq!((model::QUANT_Y_OUT_NAME, model::QUANT_Y_OUT_SHAPE), ("quant_y.out", [2]));
    let program = Program::load(&image::PROGRAM).unwrap();
    assert_eq!((model::MODEL_NAME, &model::MODEL_DIGEST), (program.model_name(), program.model_digest()));
    let mut arena = Arena::<{ image::ARENA_BYTES }>::new();
    let mut engine = Engine::new(&program, arena.as_mut_slice()).unwrap();
    let mut model = model::Model::new();
    let samples = inputs(8);
    let (samples, rest) = samples.as_chunks::<{ model::X_ELEMS }>();
    assert!(rest.is_empty());
    for sample in samples {
        engine.quantize_input(0, sample).unwrap();
        let codes: Vec<u8> = model_input(&mut engine);
        engine.run();
        let expected = engine.output(0).unwrap();
        assert_eq!(Codes::U8(model.run_f32(sample)), expected);
        assert_eq!(Codes::U8(model.run(&codes.try_into().unwrap())), expected);
    }
}

/// The codes of the only input.
fn model_input(engine: &mut Engine<'_, '_>) -> Vec<u8> {
    engine.input_mut(0).unwrap().as_bytes_mut().to_vec()
}
