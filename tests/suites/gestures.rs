//! Gestures: the model that boards have is the one of the fixture, its steps are the oracle's windows, and the emulated board, which is
//! given the signal over its serial port, answers every run with the integers of the host.
//!
//! `EXACTUM_GESTURES`, a folder that the example `gestures` of training has written, takes the place of the fixture. `BLESS=1` writes the
//! module of the boards anew.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use exactum_importer::passes::InputOrder;
use exactum_importer::target::Target;
use exactum_importer::{Compiled, Identity, Keeping, Request, compile_as};
use exactum_qonnx::Model;
use exactum_runner::{Board, Emulator, Image, Recipe};
use exactum_runtime::program::{words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};
use exactum_tests::backend::aligned;
use exactum_tests::case::{Case, Source, fixtures};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "gestures/board.rs"]
mod board;
#[path = "gestures/frames.rs"]
mod frames;

use frames::{answers, encoded};

const GESTURES: [&str; 5] = ["rest", "shake", "circle", "swing", "tap"];
const AXES: usize = 3;
const WINDOW: usize = 64;
const RATE_HZ: u16 = 50;
/// Windows that the oracle evaluates.
const WINDOWS: usize = 12;
/// Bytes before the signal, for ports that lose what comes while they are off.
const SILENCE_BYTES: usize = 1 << 16;
/// First byte of an answer, and the class while the model warms up.
const RUN: u8 = 1;
const NOTICE: u8 = 2;
const END: u8 = 3;
const WARM: u8 = 255;

fn main() {
    let arguments = Arguments::from_args();
    let board = Board::named("mps2-an386").expect("a board of the repository");
    let emulator = Emulator::find(&board);
    let missing = emulator.is_err() && std::env::var_os("CI").is_none();
    let on_board = move |test: fn(&Emulator) -> Result<(), Failed>| {
        let emulator = emulator.clone();
        move || test(&emulator.map_err(|missing| missing.to_string())?)
    };
    let trials = vec![
        Trial::test("boards_have_the_model_of_the_fixture", module_is_committed),
        Trial::test("steps_are_windows", steps_are_windows),
        Trial::test("serial_port::every_run_is_the_host's", on_board(board_answers))
            .with_ignored_flag(missing),
        Trial::test("serial_port::damaged_frames", on_board(board_recovers)).with_ignored_flag(missing),
        Trial::test("a_board_is_a_folder", on_board(board_of_a_folder)).with_ignored_flag(missing),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// The folder of the model and the signal.
fn folder() -> PathBuf {
    std::env::var_os("EXACTUM_GESTURES").map_or_else(
        || fixtures().join("gestures"),
        // Tests run in the folder of their package.
        |folder| Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder),
    )
}

fn model() -> Result<Model, Failed> {
    Ok(exactum_qonnx::read(&fs::read(folder().join("gestures.onnx"))?)?)
}

/// The program of a step, as the example makes it.
fn compiled() -> Result<&'static Compiled, Failed> {
    static COMPILED: OnceLock<Result<Compiled, String>> = OnceLock::new();
    let compile = || {
        let model = model().map_err(|error| format!("{error:?}"))?;
        let target = Target::named("mps2-an386").ok_or("the target")?;
        let output = model.graph.outputs.first().ok_or("an output")?.name.clone();
        let names = GESTURES.map(str::to_owned).to_vec();
        let request = Request {
            identity: Identity { labels: BTreeMap::from([(output, names)]), ..Identity::default() },
            keeping: Keeping::Steps { axis: 2 },
            order: InputOrder::ChannelsLast,
            ..Request::new(&target)
        };
        compile_as(&model, &request).map_err(|report| report.to_string())
    };
    COMPILED.get_or_init(compile).as_ref().map_err(|problem| problem.clone().into())
}

/// The samples of the signal, frame by frame.
fn signal() -> Result<Vec<i16>, Failed> {
    let bytes = fs::read(folder().join("signal.bin"))?;
    Ok(bytes.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect())
}

/// The codes that the host computes for each step of `samples`, and the class.
fn host(samples: &[i16]) -> Result<Vec<(Vec<u8>, usize)>, Failed> {
    let compiled = compiled()?;
    let words = aligned(&compiled.image);
    let program = Program::load(&words_as_bytes(&words)[..compiled.image.len()])?;
    let mut arena = vec![0u64; compiled.memory.arena_bytes.div_ceil(8)];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena))?;
    let step = step_samples()?;
    let mut run = |samples: &[i16]| {
        engine.quantize_samples(0, samples, 13)?;
        engine.run();
        let codes = engine.output(0).ok_or("an output")?.as_bytes().to_vec();
        Ok((codes, engine.argmax(0).ok_or("classes")?))
    };
    samples.chunks_exact(step).map(&mut run).collect()
}

fn step_samples() -> Result<usize, Failed> {
    Ok(compiled()?.streamed.as_ref().ok_or("steps")?.steps.step_frames * AXES)
}

fn module_is_committed() -> Result<(), Failed> {
    if std::env::var_os("EXACTUM_GESTURES").is_some() {
        return Ok(());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards/application/src/gestures/model.in");
    let text = compiled()?.rust_module();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text)?;
    }
    let same = fs::read_to_string(&path)? == text;
    if same { Ok(()) } else { Err("another model: run again with BLESS=1".into()) }
}

/// From the last step of the first window on, every step gives what the oracle says of the window that ends with it.
fn steps_are_windows() -> Result<(), Failed> {
    let (samples, step) = (signal()?, step_samples()?);
    let host = host(&samples)?;
    let first = WINDOW * AXES / step;
    let every = (host.len() - first) / WINDOWS;
    let ends: Vec<usize> = (0..WINDOWS).map(|index| first + index * every).collect();
    let window = |end: &usize| {
        let frames = &samples[end * step - WINDOW * AXES..end * step];
        let of_axis = |axis| frames.iter().skip(axis).step_by(AXES).map(|sample| f32::from(*sample) / 8192.0);
        (0..AXES).flat_map(of_axis).collect()
    };
    let source = Source { model: model()?, samples: ends.iter().map(window).collect() };
    let case = Case::new("windows", move || Ok(source.clone()));
    let windows = &case.made()?.expected;
    let output = &compiled()?.interface.outputs[0];
    for (end, expected) in ends.iter().zip(windows) {
        let codes: Vec<i32> = codes_of(&host[end - 1].0)?;
        let found: Vec<i64> = output.of_stored(&codes).into_iter().map(i64::from).collect();
        if found != *expected {
            return Err(format!("step {end}: {found:?}, the oracle has {expected:?}").into());
        }
    }
    Ok(())
}

/// The integers of the bytes of an output of five classes.
fn codes_of(bytes: &[u8]) -> Result<Vec<i32>, Failed> {
    match bytes.len() / GESTURES.len() {
        1 => Ok(bytes.iter().map(|byte| (*byte as i8).into()).collect()),
        2 => Ok(bytes.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes).into()).collect()),
        4 => Ok(bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()),
        width => Err(format!("codes of {width} bytes").into()),
    }
}

/// What the firmware answers to `bytes` on its serial port: the numbers of the frames and payloads.
fn on_board(emulator: &Emulator, bytes: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, Failed> {
    let folder = tempfile::tempdir()?;
    let module = folder.path().join("model.rs");
    fs::write(&module, compiled()?.rust_module())?;
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards/application/src/gestures/model.in");
    // The committed module, where it is the same, saves building it again.
    let same = fs::read(&committed)? == fs::read(&module)?;
    let environment: [(&str, &OsStr); 1] = [("EXACTUM_GESTURES", module.as_ref())];
    let recipe = emulator.board().recipe("gestures");
    let recipe = if same { recipe } else { Recipe { environment: &environment, ..recipe } };
    answered(emulator, &recipe.build()?, bytes)
}

/// What `image` answers.
fn answered(emulator: &Emulator, image: &Image, bytes: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, Failed> {
    let folder = tempfile::tempdir()?;
    let [input, output] = ["input", "output"].map(|name| folder.path().join(name));
    fs::write(&input, bytes)?;
    let finished = emulator.clone().with_serial(&input, &output).start(image, &[], folder.path())?;
    if finished.code != 0 {
        return Err(format!("code {}: {:?}", finished.code, finished.log).into());
    }
    answers(&fs::read(output)?)
}

/// The frames of a signal, `frames` frames of samples in each, and the end.
fn stream(samples: &[i16], frames: usize) -> Vec<Vec<u8>> {
    let payload =
        |samples: &[i16]| samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>();
    let payloads = samples.chunks(frames * AXES).map(payload).chain([vec![]]);
    payloads.enumerate().map(|(number, payload)| encoded(number as u16, RATE_HZ, &payload)).collect()
}

fn board_answers(emulator: &Emulator) -> Result<(), Failed> {
    let step = step_samples()?;
    are_of_the_host(&on_board(emulator, &stream(&signal()?, step / AXES).concat())?)
}

/// A chip that is in no folder of the repository, with the committed model.
fn board_of_a_folder(emulator: &Emulator) -> Result<(), Failed> {
    if std::env::var_os("EXACTUM_GESTURES").is_some() {
        return Ok(());
    }
    let mut board = emulator.board().clone();
    board.facts.emulator = ["qemu-system-arm", "-machine", "netduinoplus2"].map(str::to_owned).to_vec();
    let emulator = Emulator::find(&board).map_err(|missing| missing.to_string())?;
    let folder = tempfile::tempdir()?;
    let image = board::build(folder.path())?;
    // What comes before the port is on is lost, and what is no frame means nothing.
    let silence = vec![0; SILENCE_BYTES];
    let frames = stream(&signal()?, step_samples()? / AXES).concat();
    are_of_the_host(&answered(&emulator, &image, &[silence, frames].concat())?)
}

/// Every answer has the host's integers, and behind them the signal ends.
fn are_of_the_host(found: &[(u16, Vec<u8>)]) -> Result<(), Failed> {
    let (samples, step) = (signal()?, step_samples()?);
    let host = host(&samples)?;
    let warm_up = WINDOW * AXES / step - 1;
    assert_eq!(found.len(), host.len() + 1);
    assert_eq!(found.last().map(|(_, payload)| payload.as_slice()), Some(&[END][..]));
    for (index, ((number, payload), (codes, class))) in found.iter().zip(&host).enumerate() {
        assert_eq!(usize::from(*number), index);
        let class = if index < warm_up { WARM } else { *class as u8 };
        assert_eq!(payload[..2], [RUN, class], "step {index}");
        assert_eq!(payload[3..], *codes, "step {index}");
    }
    Ok(())
}

/// A frame that is damaged, one that is cut short, one of another rate: each is said, and the signal begins anew behind it.
fn board_recovers(emulator: &Emulator) -> Result<(), Failed> {
    let step = step_samples()?;
    let samples = &signal()?[..12 * step];
    let mut frames = stream(samples, step / AXES);
    frames[2][11] ^= 0x10;
    frames[5].truncate(20);
    frames[8] = encoded(8, 100, &frames[8][8..8 + 2 * step]);
    let found = on_board(emulator, &frames.concat())?;
    let mut expected = vec![];
    // The parts of the signal that come through without a break.
    for part in [0..2, 3..5, 6..8, 9..12] {
        let codes = host(&samples[part.start * step..part.end * step])?;
        if part.start == 3 || part.start == 6 {
            expected.push((part.start as u16, vec![NOTICE, 2, 1, 0, 0, 0]));
        }
        let runs = codes.into_iter().zip(part.clone());
        expected
            .extend(runs.map(|((codes, _), number)| (number as u16, [vec![RUN, WARM, 0], codes].concat())));
        if part.end == 8 {
            expected.push((8, vec![NOTICE, 0, 100, 0, RATE_HZ as u8, 0]));
        }
    }
    expected.push((12, vec![END]));
    assert_eq!(found, expected);
    Ok(())
}
