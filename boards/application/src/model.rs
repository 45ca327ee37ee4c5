//! A model behind one trait: an engine that runs an image, or a module of generated code.

use exactum_runtime::num::{Real, Unit};
use exactum_runtime::{Codes, Engine, InputError};

/// A model with one input, of samples, and one output, of a score for each class.
pub trait Model {
    /// Samples of a run.
    fn samples(&self) -> usize;

    /// Bytes of working memory.
    fn arena_bytes(&self) -> usize;

    /// Makes codes of `samples`, which stand for `sample / 2^fraction_bits`, by the model's own quantizer, and runs.
    ///
    /// # Errors
    /// [`InputError`] if the input takes another number of samples, or no real numbers.
    fn run(&mut self, samples: &[i16], fraction_bits: u8) -> Result<(), InputError>;

    /// The scores of the last run, exactly; none of a model that does not say what its integers stand for.
    fn scores(&self) -> impl Iterator<Item = Real> + Clone;

    /// The codes of the output of the last run.
    fn codes(&self) -> Codes<'_>;

    /// Sets states to what they hold before the first run.
    fn reset(&mut self);
}

impl Model for Engine<'_, '_> {
    fn samples(&self) -> usize {
        self.program().input_tensor(0).map_or(0, |tensor| tensor.shape.elems() as usize)
    }

    fn arena_bytes(&self) -> usize {
        self.program().arena_bytes() as usize
    }

    fn run(&mut self, samples: &[i16], fraction_bits: u8) -> Result<(), InputError> {
        self.quantize_samples(0, samples, fraction_bits)?;
        Engine::run(self);
        Ok(())
    }

    fn scores(&self) -> impl Iterator<Item = Real> + Clone {
        (0..self.codes().len()).map_while(|class| self.output_real(0, class))
    }

    fn codes(&self) -> Codes<'_> {
        self.output(0).unwrap_or(Codes::U8(&[]))
    }

    fn reset(&mut self) {
        Engine::reset(self);
    }
}

/// The number that a sample stands for, as a float: exactly.
pub fn float_of(sample: i16, fraction_bits: u8) -> f32 {
    let exponent = i16::from(fraction_bits).wrapping_neg();
    Real { count: sample.into(), unit: Unit { mantissa: 1, exponent } }.to_f32()
}

/// Implements [`Model`](crate::model::Model) for the streaming model of a generated module, as `exactum build --stream AXIS --emit rust`
/// writes it. The names are the type of a new struct, the module, and of its input and output: the number of elements, the function
/// that fills the input, that which gives the output, what this stands for, and its element type among those of
/// [`Codes`](exactum_runtime::Codes).
#[macro_export]
macro_rules! generated_model {
    ($name:ident, $module:ident, $input_elems:expr, $quantize:ident, $output:ident, $numbers:ident, $element:ident) => {
        #[doc = "The model of the module."]
        #[derive(Debug)]
        pub struct $name($module::Model);

        impl $name {
            /// The model before its first run.
            #[allow(clippy::new_without_default, reason = "as the module's own")]
            pub const fn new() -> Self {
                Self($module::Model::new())
            }
        }

        impl $crate::model::Model for $name {
            fn samples(&self) -> usize {
                $input_elems
            }

            fn arena_bytes(&self) -> usize {
                $module::ARENA_BYTES
            }

            fn run(&mut self, samples: &[i16], fraction_bits: u8) -> Result<(), $crate::runtime::InputError> {
                let have_elems = samples.len();
                let samples: &[i16; $input_elems] = samples.try_into().map_err(|_| {
                    $crate::runtime::InputError::Length { need_elems: $input_elems, have_elems }
                })?;
                self.0.$quantize(&samples.map(|sample| $crate::model::float_of(sample, fraction_bits)));
                self.0.infer();
                Ok(())
            }

            fn scores(&self) -> impl Iterator<Item = $crate::runtime::num::Real> + Clone {
                let codes = $crate::model::Model::codes(self);
                (0..codes.len())
                    .filter_map(move |class| Some($module::$numbers.real(class, codes.get(class)?)))
            }

            fn codes(&self) -> $crate::runtime::Codes<'_> {
                $crate::runtime::Codes::$element(self.0.$output())
            }

            fn reset(&mut self) {
                self.0.reset();
            }
        }
    };
}
