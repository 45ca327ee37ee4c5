//! What loading costs, whatever an image says, and images that are trusted, or lie in longer memory.

use exactum_runtime::num::requant::Form;
use exactum_runtime::program::op::{Concat, Multipliers, Op, Requantize, SumPool2d};
use exactum_runtime::program::{
    Input, Limits, Model, Output, Tensor, TensorId, Window2d, words_as_bytes_mut,
};
use exactum_runtime::{Element, Engine, LoadError, OpFault, Program};

use crate::networks::{INT8, Network, chain, requant};
use crate::support::image::{in_order, run, tensor};

#[test]
fn callers_set_limits() {
    let image = chain().image();
    let (bytes, arena) = (image.bytes().len() as u32, image.load().unwrap().arena_bytes());
    let load = |image_bytes, arena_bytes| {
        Program::load_within(image.bytes(), &Limits { image_bytes, arena_bytes }).map(|_| ()).err()
    };
    assert_eq!(load(bytes, arena), None);
    let (need_bytes, limit_bytes) = (bytes, bytes - 1);
    assert_eq!(load(bytes - 1, arena), Some(LoadError::ImageLimit { need_bytes, limit_bytes }));
    assert_eq!(load(bytes, arena - 1), Some(LoadError::Arena { need_bytes: arena }));
}

#[test]
fn images_lie_in_longer_memory() {
    let image = chain().image();
    let mut words = vec![u64::MAX; image.bytes().len().div_ceil(8) + 5];
    words_as_bytes_mut(&mut words)[..image.bytes().len()].copy_from_slice(image.bytes());
    let slot = words_as_bytes_mut(&mut words);
    assert_eq!(Program::image_in(slot), Ok(image.bytes()));
    assert!(Program::load(slot).is_err());
    let stated_bytes = image.bytes().len() as u32;
    let have_bytes = image.bytes().len() - 1;
    assert_eq!(Program::image_in(&slot[..have_bytes]), Err(LoadError::Length { stated_bytes, have_bytes }));
    assert!(matches!(Program::image_in(&[]), Err(LoadError::Truncated { have_bytes: 0, .. })));
    assert_eq!(Program::image_in(&[0xff; 0]), Program::image_in(&[]));
}

#[test]
fn trusted_images_are_not_checked_but_for_damage() {
    let mut image = chain().image();
    assert_eq!(run(&Program::trust(image.bytes()).unwrap(), &[3; 32]), run(&image.load().unwrap(), &[3; 32]));
    let last = image.bytes().len() - 1;
    image.bytes_mut()[last] ^= 1;
    assert!(matches!(Program::trust(image.bytes()), Err(LoadError::Checksum { .. })));
    // A program that loading refuses runs to its end.
    let mut wrong = chain();
    wrong.tensors[2].offset_bytes = 56;
    let image = wrong.image();
    let program = Program::trust(image.bytes()).unwrap();
    let mut words = [0; 32];
    Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap().run();
}

/// A program of `ops` between tensors without a place of their own.
fn hostile(tensors: Vec<Tensor>, inputs: usize, ops: Vec<Op<'static>>) -> LoadError {
    let outputs = vec![Output::new(TensorId(0))];
    let inputs = vec![Input::default(); inputs];
    let network = Network { tensors, inputs, states: vec![], outputs, ops, model: Model::default() };
    let image = network.image();
    let started = std::time::Instant::now();
    let error = image.load().map(|_| ()).unwrap_err();
    // Far from what the proportion of steps to bytes allows, and far below what unbounded checks took.
    assert!(
        started.elapsed().as_millis() < 500 + image.bytes().len() as u128 / 100,
        "{:?}",
        started.elapsed()
    );
    error
}

#[test]
fn checks_take_no_more_steps_than_the_image_pays_for() {
    let work = |op| LoadError::Op { op, fault: OpFault::Work };
    let whole = |dims: &[usize]| tensor(Element::I8, dims, 0, INT8);
    // Windows over a long signal, almost all of which reach into the padding.
    let window =
        Window2d { size: [65_535, 65_535], stride: [1; 2], dilation: [1; 2], pads: [65_534, 65_534, 0, 0] };
    let pool = SumPool2d {
        input: TensorId(0),
        output: TensorId(1),
        window,
        input_zero_point: 0,
        unit: 0,
        requant: requant(Form::Offset { offsets: &[] }, -128, 127),
    };
    let behind = tensor(Element::I8, &[30_000, 30_000, 1], 900_000_000, INT8);
    assert_eq!(hostile(vec![whole(&[30_000, 30_000, 1]), behind], 1, vec![pool.into()]), work(0));
    // Long lists of operands, again and again.
    static LIST: [u16; 60_000] = [0; 60_000];
    let concat = |id| Concat { input: TensorId(0), rest: &LIST, output: TensorId(id), rows: 1 };
    let ops = (1..4).map(|id| concat(id).into()).collect();
    assert!(matches!(hostile(vec![whole(&[1]); 4], 1, ops), LoadError::Op { op: 0, .. }));
}

#[test]
fn channels_that_share_parameters_are_one() {
    // 2^30 channels of one line, in an instant.
    let channels = 1 << 30;
    let form = Form::Multiply32 { multipliers: &[1], offsets: &[0], shifts: &[0] };
    let op = Requantize {
        input: TensorId(0),
        output: TensorId(1),
        channels,
        requant: requant(form, -128, 127).unwrap(),
    };
    let network = Network {
        tensors: in_order(vec![
            tensor(Element::I8, &[channels as usize], 0, INT8),
            tensor(Element::I8, &[channels as usize], 0, INT8),
        ]),
        inputs: vec![Input::default()],
        states: vec![],
        outputs: vec![Output::new(TensorId(1))],
        ops: vec![op.into()],
        model: Model::default(),
    };
    // The arena would be 2^31 bytes.
    assert_eq!(network.image().load().map(|_| ()), Err(LoadError::Arena { need_bytes: 1 << 31 }));
    let mut small = network;
    small.tensors[1].offset_bytes = 0;
    assert_eq!(small.image().load().map(|_| ()), Ok(()));
}

#[test]
fn a_long_chain_is_checked_in_proportion() {
    // Each reads the one before, at two places.
    let multipliers = Multipliers::I32(&[[1, 0]]);
    let ops: Vec<Op<'static>> = (0..20_000)
        .map(|id| {
            let requant = requant(Form::Offset { offsets: &[] }, -128, 127);
            let (input, output) = (TensorId(id), TensorId(id + 1));
            exactum_runtime::program::op::Add {
                input,
                second: input,
                output,
                multipliers,
                channels: 1,
                requant,
            }
            .into()
        })
        .collect();
    let network = Network {
        tensors: (0..=20_000).map(|id| tensor(Element::I8, &[1], id % 2 * 8, INT8)).collect(),
        inputs: vec![Input::default()],
        states: vec![],
        outputs: vec![Output::new(TensorId(20_000))],
        ops,
        model: Model::default(),
    };
    assert_eq!(network.image().load().map(|_| ()), Ok(()));
    // The first tensor again in every op: what lies between would have to be looked through each time.
    let mut far = network;
    far.tensors[0].offset_bytes = 16;
    for op in &mut far.ops {
        let Op::Add(add) = op else { panic!() };
        add.second = TensorId(0);
    }
    assert!(matches!(far.image().load().map(|_| ()), Err(LoadError::Op { fault: OpFault::Work, .. })));
}
