//! The runtime on a board that QEMU emulates: one start of the firmware `generic` for all samples of a case. It runs the program for
//! any machine, and the one that is compiled for the processor of the board, with its packings and forms.

use std::sync::OnceLock;

use exactum_importer::Compiled;
use exactum_importer::target::{Form, Target};
use exactum_runner::{Board, BuildError, Counting, Emulator, Image, Missing, Run};
use exactum_runtime::program::words_as_bytes;
use exactum_runtime::{Element, Program};

use super::Backend;
use super::host::aligned;
use crate::case::{Integers, Made, of_program};

/// An emulated board.
#[derive(Debug)]
pub struct Emulated {
    board: Board,
    emulator: Result<Emulator, String>,
    /// Its processor, if programs for it differ.
    target: Option<Target>,
    firmware: OnceLock<Result<Image, String>>,
}

impl Emulated {
    /// Looks for the emulator of `board` and a toolchain; builds the firmware when it is first needed.
    pub fn new(board: Board) -> Self {
        let emulator = Emulator::find(&board).map_err(|missing: Missing| missing.to_string());
        let target = Target::of_board(&board, Form::Image).ok().map(Target::without_limits);
        let target = target.filter(|target| target.costs.is_some());
        Self { board, emulator, target, firmware: OnceLock::new() }
    }

    /// The board with a Cortex-M4, on which instructions are recorded.
    ///
    /// # Panics
    /// If the folder of the board is damaged.
    pub fn cortex_m4() -> Self {
        Self::new(Board::named("mps2-an386").expect("a board of the repository"))
    }

    /// All boards that are emulated, in the order of their names.
    ///
    /// # Panics
    /// If the folder of a board is damaged.
    pub fn all() -> Vec<Self> {
        let boards = Board::all().expect("boards of the repository");
        boards.into_iter().filter(Board::is_emulated).map(Self::new).collect()
    }

    /// The board.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Whether the board has room for the program of the case and a sample of it.
    ///
    /// # Errors
    /// If the program cannot be loaded.
    pub fn has_room(&self, case: &Made) -> Result<bool, String> {
        self.has_room_for(&case.compiled)
    }

    fn has_room_for(&self, compiled: &Compiled) -> Result<bool, String> {
        let [program, arena, sample] = self.board.facts.generic_bytes;
        let sample_bytes = with_program(compiled, |program| {
            let inputs = (0..program.inputs().len()).filter_map(|index| program.input_tensor(index));
            inputs.map(|tensor| u64::from(tensor.size_bytes())).sum::<u64>()
        })?;
        // The firmware tells a file that fills its place from one that is longer.
        Ok((compiled.image.len() as u64) < program
            && compiled.memory.arena_bytes as u64 <= arena
            && sample_bytes <= sample)
    }

    /// The firmware, built.
    ///
    /// # Errors
    /// The compiler's messages.
    pub fn firmware(&self) -> Result<&Image, String> {
        let build = || self.board.recipe("generic").build().map_err(|error: BuildError| error.to_string());
        self.firmware.get_or_init(build).as_ref().map_err(String::clone)
    }

    /// Runs the case and keeps what the emulator reports.
    ///
    /// # Errors
    /// As [`Backend::run`].
    pub fn run_counting(&self, case: &Made, counting: Counting) -> Result<Run, String> {
        self.run_program(case, &case.compiled, counting)
    }

    fn run_program(&self, case: &Made, compiled: &Compiled, counting: Counting) -> Result<Run, String> {
        let emulator = self.emulator.as_ref().map_err(String::clone)?;
        let input = input_bytes(case, compiled)?;
        emulator
            .run_program(self.firmware()?, &compiled.image, &input, counting)
            .map_err(|error| error.to_string())
    }

    fn integers(&self, case: &Made, compiled: &Compiled) -> Result<Integers, String> {
        let output = self.run_program(case, compiled, Counting::Off)?.output;
        with_program(compiled, |program| {
            let ports = &compiled.interface.outputs;
            let types: Vec<(Element, usize, i64)> = program
                .outputs()
                .zip(ports)
                .filter_map(|(output, port)| Some((program.tensor(output.tensor)?, port.stored_less)))
                .map(|(tensor, less)| (tensor.element, tensor.shape.elems() as usize, less))
                .collect();
            let sample_bytes: usize =
                types.iter().map(|(element, elems, _)| element.size_bytes() as usize * elems).sum();
            output.chunks(sample_bytes).map(|bytes| decode(bytes, &types)).collect()
        })
    }
}

impl Backend for Emulated {
    fn name(&self) -> &str {
        &self.board.name
    }

    fn missing(&self) -> Option<&str> {
        self.emulator.as_ref().err().map(String::as_str)
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        let integers = self.integers(case, &case.compiled)?;
        let Some(target) = &self.target else { return Ok(integers) };
        let Some(own) = case.compiled_for(target)? else { return Ok(integers) };
        if own.image == case.compiled.image || !self.has_room_for(&own)? || integers != case.expected {
            return Ok(integers);
        }
        self.integers(case, &own)
    }
}

fn with_program<T>(compiled: &Compiled, f: impl FnOnce(&Program<'_>) -> T) -> Result<T, String> {
    let words = aligned(&compiled.image);
    let program = Program::load(&words_as_bytes(&words)[..compiled.image.len()]);
    Ok(f(&program.map_err(|error| error.to_string())?))
}

/// The quantized samples, as the firmware reads them.
fn input_bytes(case: &Made, compiled: &Compiled) -> Result<Vec<u8>, String> {
    with_program(compiled, |program| {
        let mut bytes = vec![];
        for sample in &case.source.samples {
            for (index, (input, values)) in program.inputs().zip(of_program(compiled, sample)).enumerate() {
                let tensor = program.input_tensor(index)?;
                let quantizer = input.quantizer(tensor.range)?;
                let size_bytes = tensor.element.size_bytes() as usize;
                let codes = values.iter().enumerate().map(|(at, value)| quantizer.quantize(at, *value));
                bytes.extend(codes.flat_map(|code| code.to_le_bytes()[..size_bytes].to_vec()));
            }
        }
        Some(bytes)
    })?
    .ok_or_else(|| "the program takes no floats".into())
}

fn decode(mut bytes: &[u8], types: &[(Element, usize, i64)]) -> Vec<i64> {
    let mut integers = vec![];
    for (element, elems, less) in types {
        let (output, rest) = bytes.split_at(elems * element.size_bytes() as usize);
        bytes = rest;
        let stored = output.chunks(element.size_bytes() as usize).map(|code| match (element, code) {
            (Element::U8, [a]) => i64::from(*a),
            (Element::I8, [a]) => i64::from(*a as i8),
            (Element::I16, [a, b]) => i64::from(i16::from_le_bytes([*a, *b])),
            (_, [a, b, c, d]) => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
            (element, code) => panic!("{} bytes of {element:?}", code.len()),
        });
        integers.extend(stored.map(|code| code + less));
    }
    integers
}
