//! Inputs of a run: codes that are given, or made of real numbers, bytes and samples, exactly and by integers alone.

use exactum_format::{ElementQuantizer, Program, Tensor};
use exactum_num::codes::{Code, CodesMut};
use exactum_num::{IntRange, Quotients, Real, Unit, with_codes};

use crate::engine::Engine;
use crate::error::InputError;

impl<'p, K, P> Engine<'p, '_, K, P> {
    /// Fills input `index` with `codes`.
    ///
    /// # Errors
    ///
    /// There is no such input, it lies outside the arena, or the codes are too many, too few, or outside the input's range.
    /// Then the input is unspecified.
    pub fn set_input(
        &mut self,
        index: usize,
        codes: impl ExactSizeIterator<Item = i32>,
    ) -> Result<(), InputError> {
        self.place_of(index)?.codes(codes)
    }

    /// Quantizes `values` into input `index`, exactly, by integers alone.
    ///
    /// # Errors
    ///
    /// There is no such input, it lies outside the arena or takes integers, or the values are too many or too few.
    pub fn quantize_input(&mut self, index: usize, values: &[f32]) -> Result<(), InputError> {
        self.place_of(index)?.floats(values)
    }

    /// Quantizes `bytes`, which stand for `byte / divisor`, into input `index`: the pixels of an image with 255, which are
    /// the floats that dividing by it gives.
    ///
    /// # Errors
    ///
    /// As [`quantize_input`](Self::quantize_input).
    pub fn quantize_bytes(&mut self, index: usize, bytes: &[u8], divisor: u16) -> Result<(), InputError> {
        self.place_of(index)?.bytes(bytes, divisor)
    }

    /// Quantizes `samples`, which stand for `sample / 2^fraction_bits`, into input `index`: audio and converters, with 15 for
    /// numbers from -1 to 1.
    ///
    /// # Errors
    ///
    /// As [`quantize_input`](Self::quantize_input).
    pub fn quantize_samples(
        &mut self,
        index: usize,
        samples: &[i16],
        fraction_bits: u8,
    ) -> Result<(), InputError> {
        self.place_of(index)?.samples(samples, fraction_bits)
    }

    /// The place of input `index` in the arena.
    fn place_of(&mut self, index: usize) -> Result<InputPlace<'p, '_>, InputError> {
        let tensor = self.program.input_tensor(index).ok_or(InputError::NoInput)?;
        if tensor.role.is_outside() {
            return Err(InputError::Outside);
        }
        let program = self.program;
        let codes = self.input_mut(index).ok_or(InputError::NoInput)?;
        Ok(InputPlace { program, index, tensor, codes })
    }
}

/// Where the codes of an input go, in the arena or outside it.
#[derive(Debug)]
pub struct InputPlace<'p, 'c> {
    program: Program<'p>,
    index: usize,
    tensor: Tensor,
    codes: CodesMut<'c>,
}

impl<'p, 'c> InputPlace<'p, 'c> {
    /// `codes` as a buffer of input `index` of `program`, which may be filled while another one is read.
    ///
    /// # Errors
    ///
    /// There is no such input, or it has another element type.
    pub fn new(program: &Program<'p>, index: usize, codes: CodesMut<'c>) -> Result<Self, InputError> {
        let tensor = program.input_tensor(index).ok_or(InputError::NoInput)?;
        if tensor.element != codes.as_codes().element() {
            return Err(InputError::Differs);
        }
        Ok(Self { program: *program, index, tensor, codes })
    }

    /// Fills it with `codes`.
    ///
    /// # Errors
    ///
    /// They are too many, too few, or outside the input's range. Then the place is unspecified.
    pub fn codes(mut self, codes: impl ExactSizeIterator<Item = i32>) -> Result<(), InputError> {
        self.check(codes.len())?;
        for (index, code) in codes.enumerate() {
            if !self.tensor.range.contains(code.into()) {
                return Err(InputError::Code { index, code });
            }
            self.codes.take_front(1).fill(code);
        }
        Ok(())
    }

    /// Quantizes `values` into it, as [`Engine::quantize_input`].
    ///
    /// # Errors
    ///
    /// The input takes integers, or the values are too many or too few.
    pub fn floats(self, values: &[f32]) -> Result<(), InputError> {
        match self.quantizer(values.len())? {
            ElementQuantizer::Uniform(quantizer) => {
                let quantizer = quantizer.fast();
                limited(self.codes, self.tensor.range, values, |value| quantizer.unlimited(value));
            }
            ElementQuantizer::Thresholds(quantizer) => {
                fill(self.codes, values, |element, value| quantizer.quantize(element, value));
            }
        }
        Ok(())
    }

    /// Quantizes `bytes` into it, as [`Engine::quantize_bytes`].
    ///
    /// # Errors
    ///
    /// As [`floats`](Self::floats).
    pub fn bytes(self, bytes: &[u8], divisor: u16) -> Result<(), InputError> {
        let quotients = Quotients::by(divisor);
        let value = |byte: u8| quotients.of(byte.into());
        match self.quantizer(bytes.len())? {
            ElementQuantizer::Uniform(quantizer) => {
                let quantizer = quantizer.fast();
                // Codes of more than 16 bits are rare, and need a table of their own.
                if bytes.len() < BYTES || matches!(self.codes, CodesMut::I32(_)) {
                    fill(self.codes, bytes, |_, byte| quantizer.quantize(value(byte)));
                    return Ok(());
                }
                // A code for each byte, once.
                let mut table = [0; BYTES];
                for (byte, code) in (0..=u8::MAX).zip(&mut table) {
                    *code = quantizer.quantize(value(byte)) as i16;
                }
                fill(self.codes, bytes, |_, byte| {
                    table.get(usize::from(byte)).copied().unwrap_or_default().into()
                });
            }
            ElementQuantizer::Thresholds(quantizer) => {
                fill(self.codes, bytes, |element, byte| quantizer.quantize(element, value(byte)));
            }
        }
        Ok(())
    }

    /// Quantizes `samples` into it, as [`Engine::quantize_samples`].
    ///
    /// # Errors
    ///
    /// As [`floats`](Self::floats).
    pub fn samples(self, samples: &[i16], fraction_bits: u8) -> Result<(), InputError> {
        match self.quantizer(samples.len())? {
            ElementQuantizer::Uniform(quantizer) => {
                let quantizer = quantizer.fast().of_samples(fraction_bits);
                limited(self.codes, self.tensor.range, samples, |sample| quantizer.unlimited(sample));
            }
            ElementQuantizer::Thresholds(quantizer) => {
                let unit = Unit { mantissa: 1, exponent: i16::from(fraction_bits).wrapping_neg() };
                fill(self.codes, samples, |element, sample| {
                    quantizer.quantize(element, Real { count: sample.into(), unit }.to_f32())
                });
            }
        }
        Ok(())
    }

    /// The quantizer of the input, if it has one and `have_elems` elements.
    fn quantizer(&self, have_elems: usize) -> Result<ElementQuantizer<'p>, InputError> {
        let input = self.program.input(self.index).ok_or(InputError::NoInput)?;
        let quantizer = input.quantizer(self.tensor.range).ok_or(InputError::NoScale)?;
        self.check(have_elems)?;
        Ok(quantizer)
    }

    fn check(&self, have_elems: usize) -> Result<(), InputError> {
        let places = self.codes.as_codes().len();
        let need_elems = self.tensor.shape.elems() as usize;
        if places != need_elems {
            return Err(InputError::Length { need_elems, have_elems: places });
        }
        if need_elems == have_elems { Ok(()) } else { Err(InputError::Length { need_elems, have_elems }) }
    }
}

/// Values that a byte has.
const BYTES: usize = 256;

/// Writes the code of each value, limited to `range`: by saturation where that is all that the elements hold.
#[inline(never)]
fn limited<V: Copy>(codes: CodesMut<'_>, range: IntRange, values: &[V], code: impl Fn(V) -> i32) {
    let (lo, hi) = (range.lo as i32, range.hi as i32);
    match codes {
        CodesMut::I8(codes) if (lo, hi) == (-128, 127) => {
            write(codes, values, |_, value| code(value).clamp(-128, 127));
        }
        CodesMut::U8(codes) if (lo, hi) == (0, 255) => {
            write(codes, values, |_, value| code(value).clamp(0, 255));
        }
        codes => fill(codes, values, |_, value| code(value).max(lo).min(hi)),
    }
}

/// Writes the code of each value; quantizers give codes of the tensor's range, which its elements hold.
#[inline(never)]
fn fill<V: Copy>(codes: CodesMut<'_>, values: &[V], code: impl Fn(usize, V) -> i32) {
    with_codes!(CodesMut, codes, codes => write(codes, values, code));
}

fn write<T: Code, V: Copy>(codes: &mut [T], values: &[V], code: impl Fn(usize, V) -> i32) {
    for (index, (to, value)) in codes.iter_mut().zip(values).enumerate() {
        *to = T::truncate(code(index, *value));
    }
}
