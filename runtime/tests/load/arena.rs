//! Arenas that a program does not fit in, and inputs that it does not take.

use exactum_runtime::program::words_as_bytes_mut;
use exactum_runtime::{Arena, ArenaError, Engine, InputError};

use crate::networks::chain;

#[test]
fn arenas_and_inputs_are_checked() {
    let image = chain().image();
    let program = image.load().unwrap();
    let mut small = Arena::<151>::new();
    assert_eq!(
        Engine::new(&program, small.as_mut_slice()).err(),
        Some(ArenaError::TooSmall { need_bytes: 152, have_bytes: 151 })
    );
    let mut words = [0; 24];
    let shifted = &mut words_as_bytes_mut(&mut words)[4..];
    assert_eq!(Engine::new(&program, shifted).err(), Some(ArenaError::Misaligned));
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
    assert_eq!(engine.set_input(1, [0; 32].into_iter()), Err(InputError::NoInput));
    assert_eq!(
        engine.set_input(0, [0; 31].into_iter()),
        Err(InputError::Length { need_elems: 32, have_elems: 31 })
    );
    let mut codes = [0; 32];
    codes[9] = 16;
    assert_eq!(engine.set_input(0, codes.into_iter()), Err(InputError::Code { index: 9, code: 16 }));
    assert_eq!(
        engine.quantize_input(0, &[0.0; 3]),
        Err(InputError::Length { need_elems: 32, have_elems: 3 })
    );
    assert_eq!(engine.quantize_input(0, &[0.31; 32]), Ok(()));
    assert_eq!(engine.input_mut(0).unwrap().as_codes().iter().collect::<Vec<_>>(), [6; 32]);
    assert!(engine.input_mut(1).is_none() && engine.output(1).is_none());
}

#[test]
fn integer_inputs_take_no_floats() {
    let mut network = chain();
    network.inputs[0].quantizer = None;
    let image = network.image();
    let program = image.load().unwrap();
    let mut arena = Arena::<152>::new();
    let mut engine = Engine::new(&program, arena.as_mut_slice()).unwrap();
    assert_eq!(engine.quantize_input(0, &[0.0; 32]), Err(InputError::NoScale));
}
