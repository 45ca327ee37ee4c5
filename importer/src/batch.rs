//! Several samples for one program: checks arrays against an interface and runs the program on this machine.
//!
//! `exactum run` and `exactum verify` use it; a device has its own loop.

use exactum_runtime::codes::{Codes, CodesMut, Element};
use exactum_runtime::kernels::Native;
use exactum_runtime::program::{Axes, Tensor, words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, InputError, InputPlace, Observer, Outside, Program};

use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::interface::{Interface, Port};
use exactum_host::npy::{self, Array};

/// Samples for every input of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    samples: usize,
    /// Values of each input of the file that is read, sample after sample.
    inputs: Vec<Vec<f32>>,
    /// For each input of the program which of these it is given, and the elements of one sample.
    given: Vec<(usize, usize)>,
}

impl Batch {
    /// A batch of `arrays`, one for each of the [inputs that are read](Interface::read_inputs). The first axis counts
    /// the samples.
    ///
    /// # Errors
    /// [`Code::BadInput`] if shapes do not fit, there are no samples, or a value is no `f32`.
    pub fn new(interface: &Interface, arrays: &[Array]) -> Result<Self> {
        let read = interface.read_inputs();
        let count = count_samples("input", &read, arrays)?;
        let mut problems = vec![];
        let mut inputs = vec![];
        for (port, array) in read.iter().zip(arrays) {
            match floats(array) {
                Ok(values) => inputs.push(values),
                Err(mut diagnostic) => {
                    let element = diagnostic.at.part.take().unwrap_or_default();
                    diagnostic.at = Location::part(format!("input `{}`, {element}", port.name));
                    problems.push(diagnostic);
                }
            }
        }
        let elems = interface.inputs.iter().map(Port::elems);
        let given = interface.read_positions().into_iter().zip(elems).collect();
        Report::check(problems, Self { samples: count, inputs, given })
    }

    /// Number of samples, at least 1.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// Sample `index` of every input of the program.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn sample(&self, index: usize) -> Vec<&[f32]> {
        let given = self.given.iter();
        given.map(|(input, elems)| &self.inputs[*input][index * elems..][..*elems]).collect()
    }
}

/// Samples in `arrays`, one for each of `ports`, all of which must agree.
///
/// # Errors
/// [`Code::BadInput`] if the arrays are too many or too few, or their shapes do not fit.
pub fn count_samples(what: &str, ports: &[&Port], arrays: &[Array]) -> Result<usize> {
    if ports.len() != arrays.len() {
        let needed = format!("{}, one for each {what} of the model", ports.len());
        let found = format!("{} arrays", arrays.len());
        return Err(Diagnostic::new(Code::BadInput, Location::part(format!("{what}s")), found, needed).into());
    }
    let mut count = None;
    let mut problems = vec![];
    for (port, array) in ports.iter().zip(arrays) {
        let sample = port.sample_shape();
        match array.shape.split_first() {
            Some((samples, rest))
                if rest == sample && *samples > 0 && *count.get_or_insert(*samples) == *samples => {}
            _ => {
                let samples = count.map_or_else(|| "at least 1".to_owned(), |count: usize| count.to_string());
                let found = format!("an array of shape {:?}", array.shape);
                let needed =
                    format!("{samples} sample(s) of shape {sample:?}, the samples along the first axis");
                let at = Location::part(format!("{what} `{}`", port.name));
                problems.push(Diagnostic::new(Code::BadInput, at, found, needed));
            }
        }
    }
    Report::check(problems, count.unwrap_or(0))
}

/// The values as `f32`, if that changes none of them.
fn floats(array: &Array) -> Result<Vec<f32>, Diagnostic> {
    let inexact = array.values.iter().position(|value| f64::from(*value as f32) != *value);
    match inexact {
        None => Ok(array.values.iter().map(|value| *value as f32).collect()),
        Some(index) => {
            let found = format!("{:?}", array.values[index]);
            let needed =
                "a value that a float32 holds; astype(numpy.float32) rounds before the model sees it";
            Err(Diagnostic::new(
                Code::BadInput,
                Location::part(npy::element(&array.shape, index)),
                found,
                needed,
            ))
        }
    }
}

/// Runs a program sample by sample. States are kept from one run to the next.
#[derive(Debug)]
pub struct Host<'p> {
    program: Program<'p>,
    arena: Vec<u64>,
    /// Of each input outside the arena.
    inputs: Vec<Buffer>,
    /// Of each output outside the arena.
    outputs: Vec<Buffer>,
    /// Whether the arena holds states.
    started: bool,
}

/// The codes of a port outside the arena.
#[derive(Debug)]
struct Buffer {
    words: Vec<u64>,
    element: Element,
    size_bytes: usize,
}

impl Buffer {
    fn new(tensor: &Tensor) -> Self {
        let size_bytes = tensor.size_bytes() as usize;
        Self { words: vec![0; size_bytes.div_ceil(8)], element: tensor.element, size_bytes }
    }

    fn codes(&self) -> Codes<'_> {
        let codes = Codes::from_bytes(self.element, &words_as_bytes(&self.words)[..self.size_bytes]);
        codes.expect("words are aligned as every element is")
    }

    fn codes_mut(&mut self) -> CodesMut<'_> {
        let bytes = &mut words_as_bytes_mut(&mut self.words)[..self.size_bytes];
        CodesMut::from_bytes(self.element, bytes).expect("words are aligned as every element is")
    }
}

impl<'p> Host<'p> {
    /// A host for `program`.
    pub fn new(program: Program<'p>) -> Self {
        let arena = vec![0; program.arena_bytes().div_ceil(8) as usize];
        let outside = |tensor: &Tensor| tensor.role.is_outside();
        let inputs = (0..program.inputs().len()).filter_map(|index| program.input_tensor(index));
        let outputs = program.outputs().filter_map(|output| program.tensor(output.tensor));
        let inputs = inputs.filter(outside).map(|tensor| Buffer::new(&tensor)).collect();
        let outputs = outputs.filter(outside).map(|tensor| Buffer::new(&tensor)).collect();
        Self { program, arena, inputs, outputs, started: false }
    }

    /// Makes the next run the first one.
    pub const fn reset(&mut self) {
        self.started = false;
    }

    /// The integers of every output for one sample of every input as the program stores them
    /// ([`Port::of_stored`] makes the model's of them), in the file's order of elements.
    ///
    /// # Panics
    /// If the sample does not fit the program, which a [`Batch`] for its interface does.
    pub fn run(&mut self, sample: &[&[f32]]) -> Vec<Vec<i32>> {
        self.execute(sample, |_| (), &mut ())
    }

    /// As [`run`](Self::run), and calls `observer` around each op. Gives the codes of the inputs as the program has them.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_observed(&mut self, sample: &[&[f32]], observer: &mut impl Observer) -> Vec<Vec<i32>> {
        let mut inputs = vec![];
        self.execute(sample, |codes| inputs.push(codes), observer);
        inputs
    }

    /// The codes of every input for one sample as the program has them.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn input_places(&mut self, sample: &[&[f32]]) -> Vec<Vec<i32>> {
        let mut inputs = vec![];
        self.filled(sample, |codes| inputs.push(codes));
        inputs
    }

    /// The codes of every input for one sample, in the file's order.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn input_codes(&mut self, sample: &[&[f32]]) -> Vec<Vec<i32>> {
        let mut inputs = vec![];
        self.filled(sample, |codes| inputs.push(codes));
        for (index, codes) in inputs.iter_mut().enumerate() {
            if let Some(channels) = channels_last(&self.program, index) {
                // With as many channels as there were places, last is first.
                *codes = last(codes, codes.len() / channels.max(1));
            }
        }
        inputs
    }

    /// Quantizes `sample`, hands the codes of each input to `input`, and runs the program.
    fn execute(
        &mut self,
        sample: &[&[f32]],
        input: impl FnMut(Vec<i32>),
        observer: &mut impl Observer,
    ) -> Vec<Vec<i32>> {
        self.filled(sample, input);
        let mut engine = engine(&self.program, &mut self.arena);
        let inputs: Vec<Codes<'_>> = self.inputs.iter().map(Buffer::codes).collect();
        let mut outputs: Vec<CodesMut<'_>> = self.outputs.iter_mut().map(Buffer::codes_mut).collect();
        let ran = engine.run_observed_on(&inputs, &mut outputs, observer);
        ran.expect("the buffers are those of the program's ports");
        let mut outputs = outputs.iter().map(CodesMut::as_codes);
        let integers = |index: usize| engine.output(index).or_else(|| outputs.next()).map(Codes::iter);
        let integers = (0..self.program.outputs().len()).filter_map(integers);
        integers.map(Iterator::collect).collect()
    }

    /// Quantizes `sample` and hands the codes of each input to `input`.
    fn filled(&mut self, sample: &[&[f32]], mut input: impl FnMut(Vec<i32>)) {
        let mut engine = engine(&self.program, &mut self.arena);
        if !self.started {
            engine.reset();
        }
        self.started = true;
        // Inputs share the arena with everything else, so all are filled before the run, and read before it.
        let mut buffers = self.inputs.iter_mut();
        for (index, values) in sample.iter().enumerate() {
            let turned = channels_last(&self.program, index).map(|channels| last(values, channels));
            let values = turned.as_deref().unwrap_or(values);
            let filled = match engine.quantize_input(index, values) {
                Err(InputError::Outside) => {
                    let buffer = buffers.next().expect("there is a buffer for each input outside");
                    let place = InputPlace::new(&self.program, index, buffer.codes_mut());
                    place.and_then(|place| place.floats(values))
                }
                filled => filled,
            };
            filled.expect("a batch fits the program's inputs");
        }
        let mut buffers = self.inputs.iter();
        for index in 0..sample.len() {
            let inside = engine.input_mut(index);
            let codes = inside.as_ref().map(CodesMut::as_codes).or_else(|| buffers.next().map(Buffer::codes));
            if let Some(codes) = codes {
                input(codes.iter().collect());
            }
        }
    }
}

fn engine<'p, 'a>(program: &Program<'p>, arena: &'a mut [u64]) -> Engine<'p, 'a, Native, Outside> {
    let engine = Engine::resume_outside(program, words_as_bytes_mut(arena));
    engine.expect("the arena has the size the program states")
}

/// The channels of input `index` of `program`, if it takes them last.
fn channels_last(program: &Program<'_>, index: usize) -> Option<usize> {
    let input = program.inputs().nth(index)?;
    let last = input.meaning.axes == Axes::ChannelsLast;
    let shape = program.input_tensor(index)?.shape;
    last.then(|| shape.dims().last().map_or(1, |dim| *dim as usize))
}

/// `values` of so many `channels`, one after the other, with the channels of each place beside each other.
fn last<T: Copy>(values: &[T], channels: usize) -> Vec<T> {
    let places = values.len() / channels.max(1);
    (0..values.len()).map(|element| values[element % channels * places + element / channels]).collect()
}
