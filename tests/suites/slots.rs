//! Programs in two slots on the emulated board: flipped bits, cut updates and what is left of them. Whatever happens, the board runs a
//! whole program with the integers of the host, or none.

use std::fs;
use std::sync::OnceLock;

use exactum_importer::target::Target;
use exactum_importer::{Compiled, Identity, Request, compile_as};
use exactum_runner::{Board, Emulator, Image};
use exactum_runtime::program::{words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};
use exactum_tests::backend::aligned;
use exactum_tests::case::fixtures;
use libtest_mimic::{Arguments, Failed, Trial};
use sha2::{Digest, Sha256};

const SLOT: usize = 16 << 10;
const HEADER: usize = 96;
/// What the firmware ends with if neither slot holds a program.
const NO_PROGRAM: i32 = 12;
/// Flipped bits and cuts that are tried, spread over all.
const FLIPS: usize = 16;
const CUTS: usize = 12;

fn main() {
    let arguments = Arguments::from_args();
    let board = Board::named("mps2-an386").expect("a board of the repository");
    let emulator = Emulator::find(&board);
    let missing = emulator.is_err() && std::env::var_os("CI").is_none();
    let trial = |name, test: fn(&Slots) -> Result<(), Failed>| {
        let emulator = emulator.clone();
        let run = move || test(&Slots::new(emulator.map_err(|missing| missing.to_string())?)?);
        Trial::test(name, run).with_ignored_flag(missing)
    };
    let trials = vec![
        trial("the_newer_runs", newer_runs),
        trial("flipped_bits", flipped_bits),
        trial("updates_that_are_cut_off", cut_updates),
        trial("nothing_runs_from_nothing", nothing_runs),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// The firmware, and programs of one network in three versions.
struct Slots {
    emulator: Emulator,
    firmware: Image,
}

/// What the board ran.
#[derive(Debug, PartialEq)]
struct Ran {
    slot: u8,
    version: i64,
    outputs: Vec<u8>,
}

impl Slots {
    fn new(emulator: Emulator) -> Result<Self, Failed> {
        let firmware = emulator.build("slots")?;
        Ok(Self { emulator, firmware })
    }

    /// Runs the samples on what `flash` holds; `None` if it holds no program.
    fn run(&self, flash: &[u8]) -> Result<Option<Ran>, Failed> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("flash"), flash)?;
        fs::write(folder.path().join("input"), input()?)?;
        let arguments = ["flash", "run", "input", "output"];
        let finished = self.emulator.start(&self.firmware, &arguments, folder.path())?;
        match finished.code {
            0 => {}
            NO_PROGRAM => return Ok(None),
            code => return Err(format!("code {code}: {:?}", finished.log).into()),
        }
        let bytes = fs::read(folder.path().join("output"))?;
        let ([slot], rest) = bytes.split_first_chunk().ok_or("no slot")?;
        let (version, outputs) = rest.split_first_chunk().ok_or("no version")?;
        Ok(Some(Ran { slot: *slot, version: i64::from_le_bytes(*version), outputs: outputs.to_vec() }))
    }

    /// Writes `update` to the slot that stands by until `steps` words and parts are done; what the flash is then.
    fn update(&self, flash: &[u8], update: &[u8], steps: u32) -> Result<Vec<u8>, Failed> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        fs::write(path("flash"), flash)?;
        fs::write(path("image"), update)?;
        fs::write(path("steps"), steps.to_le_bytes())?;
        let arguments = ["flash", "update", "image", "steps"];
        let finished = self.emulator.start(&self.firmware, &arguments, folder.path())?;
        if finished.code != 0 {
            return Err(format!("code {}: {:?}", finished.code, finished.log).into());
        }
        Ok(fs::read(path("flash"))?)
    }
}

fn compiled(version: i64) -> Result<Compiled, Failed> {
    let model = exactum_qonnx::read(&fs::read(fixtures().join("gestures/gestures.onnx"))?)?;
    let target = Target::named("mps2-an386").ok_or("the target")?;
    let identity = Identity { version: Some(version), digest: [version as u8; 32], ..Identity::default() };
    compile_as(&model, &Request { identity, ..Request::new(&target) })
        .map_err(|report| report.to_string().into())
}

/// The image of version 1, 2 or 3.
fn image(version: usize) -> Result<&'static [u8], Failed> {
    static IMAGES: OnceLock<Result<Vec<Vec<u8>>, String>> = OnceLock::new();
    let all = || {
        let image = |version| compiled(version).map(|compiled| compiled.image);
        (1..=3).map(image).collect::<Result<_, Failed>>().map_err(|error| format!("{error:?}"))
    };
    let images = IMAGES.get_or_init(all).as_ref().map_err(Clone::clone)?;
    Ok(&images[version - 1])
}

/// Two samples of codes.
fn input() -> Result<Vec<u8>, Failed> {
    let bytes = fs::read(fixtures().join("gestures/signal.bin"))?;
    // High bytes of samples, as they come.
    Ok(bytes.iter().skip(1).step_by(2).take(2 * 192).copied().collect())
}

/// What the host computes of the input; all versions are of one network.
fn host() -> Result<Vec<u8>, Failed> {
    let image = image(1)?;
    let words = aligned(image);
    let program = Program::load(&words_as_bytes(&words)[..image.len()])?;
    let mut arena = vec![0u64; program.arena_bytes().div_ceil(8) as usize];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena))?;
    let mut outputs = vec![];
    for sample in input()?.chunks(192) {
        engine.set_input(0, sample.iter().map(|byte| i32::from(*byte as i8)))?;
        engine.run();
        outputs.extend_from_slice(engine.output(0).ok_or("an output")?.as_bytes());
    }
    Ok(outputs)
}

/// The header that docs/boards.md describes, and the image behind it.
fn slot(version: usize, generation: u32) -> Result<Vec<u8>, Failed> {
    let image = image(version)?;
    let mut bytes = b"EXSLOT01".to_vec();
    bytes.extend(generation.to_le_bytes());
    bytes.extend((image.len() as u32).to_le_bytes());
    bytes.extend((version as i64).to_le_bytes());
    bytes.extend([version as u8; 32]);
    bytes.extend(Sha256::digest(image));
    bytes.extend([0; 4]);
    bytes.extend(crc32(&bytes).to_le_bytes());
    assert_eq!(bytes.len(), HEADER);
    bytes.extend_from_slice(image);
    Ok(bytes)
}

/// CRC-32 as ISO-HDLC has it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// Version 1 in slot 0, version 2 in slot 1.
fn flash() -> Result<Vec<u8>, Failed> {
    let mut flash = vec![0xff; 2 * SLOT];
    for (index, version) in [1, 2].into_iter().enumerate() {
        let slot = slot(version, index as u32)?;
        flash[index * SLOT..][..slot.len()].copy_from_slice(&slot);
    }
    Ok(flash)
}

fn ran(slot: u8, version: i64) -> Result<Option<Ran>, Failed> {
    Ok(Some(Ran { slot, version, outputs: host()? }))
}

fn newer_runs(slots: &Slots) -> Result<(), Failed> {
    assert_eq!(slots.run(&flash()?)?, ran(1, 2)?);
    let updated = slots.update(&flash()?, &slot(3, 2)?, u32::MAX)?;
    assert_eq!(slots.run(&updated)?, ran(0, 3)?);
    Ok(())
}

/// A bit of the newer slot flips: the older one runs. Then one of that, too: nothing runs.
fn flipped_bits(slots: &Slots) -> Result<(), Failed> {
    let used = slot(2, 1)?.len() * 8;
    for index in 0..FLIPS {
        let mut flash = flash()?;
        // Half of them in the header.
        let bit = if index % 2 == 0 { index * 47 % (HEADER * 8) } else { used * index / FLIPS };
        flash[SLOT + bit / 8] ^= 1 << (bit % 8);
        if slots.run(&flash)? != ran(0, 1)? {
            return Err(format!("bit {bit}").into());
        }
        if index % 4 == 1 {
            flash[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(slots.run(&flash)?, None, "bit {bit} of both");
        }
    }
    Ok(())
}

/// Power fails while version 3 is written: version 2 runs until the header is whole, and the update can be made again.
fn cut_updates(slots: &Slots) -> Result<(), Failed> {
    let (flash, update) = (flash()?, slot(3, 2)?);
    // Parts erased, words of the image, words of the header.
    let steps = SLOT / 1024 + (update.len() - HEADER).div_ceil(8) + HEADER / 8;
    let cuts =
        (0..CUTS).map(|index| steps * index / CUTS).chain(steps - HEADER / 8 - 1..steps).chain([steps]);
    for cut in cuts {
        let left = slots.update(&flash, &update, cut as u32)?;
        let expected = if cut == steps { ran(0, 3)? } else { ran(1, 2)? };
        if slots.run(&left)? != expected {
            return Err(format!("after {cut} of {steps} steps").into());
        }
        if cut == steps / 2 {
            let again = slots.update(&left, &update, u32::MAX)?;
            assert_eq!(slots.run(&again)?, ran(0, 3)?);
        }
    }
    Ok(())
}

fn nothing_runs(slots: &Slots) -> Result<(), Failed> {
    for byte in [0, 0xff, 0x45] {
        assert_eq!(slots.run(&vec![byte; 2 * SLOT])?, None);
    }
    Ok(())
}
