//! The Rust module that `build --emit rust` writes: the test compiles the module it expects, and runs its program.

use exactum_runtime::{Arena, Engine, Program};

use crate::models::{inputs, tiny};
use crate::session::{Session, snapshot};

#[rustfmt::skip]
#[allow(unreachable_pub, reason = "written for other crates")]
#[path = "snapshots/tiny.rs"]
mod module;

#[test]
fn the_emitted_module_compiles_and_holds_the_program() {
    let mut session = Session::new().with("tiny.onnx", exactum_qonnx::write(&tiny()));
    session.run("build tiny.onnx -o tiny.rs --emit rust,image");
    let module = String::from_utf8(session.read("tiny.rs")).unwrap();
    snapshot("tiny.rs", module);
    assert_eq!(*module::PROGRAM, session.read("tiny.bin"));
    assert_eq!((module::INPUT_NAMES, module::INPUT_SHAPES), (["x"], [&[4][..]]));
    assert_eq!((module::OUTPUT_NAMES, module::OUTPUT_SHAPES), (["quant_y.out"], [&[2][..]]));
    let program = Program::load(&module::PROGRAM).unwrap();
    let mut arena = Arena::<{ module::ARENA_BYTES }>::new();
    let mut engine = Engine::new(&program, arena.as_mut_slice()).unwrap();
    engine.quantize_input(0, &inputs(1)[..module::INPUT_ELEMS[0]]).unwrap();
    engine.run();
    assert_eq!(engine.output(0).unwrap().len(), module::OUTPUT_ELEMS[0]);
}
