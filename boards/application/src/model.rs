//! A model behind one trait: an engine that runs an image, or a module of generated code.

use exactum_runtime::num::{Real, Unit};
use exactum_runtime::{Codes, Engine, InputError};

/// A model with one input, of samples, and one output, of a score for each class.
pub trait Model {
    /// Samples of a run.
    fn samples(&self) -> usize;

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

/// Codes of generated modules, by their element types.
pub trait AsCodes {
    /// The codes.
    fn as_codes(&self) -> Codes<'_>;
}

macro_rules! as_codes {
    ($($ty:ident $element:ident),*) => {
        $(impl<const N: usize> AsCodes for [$ty; N] {
            fn as_codes(&self) -> Codes<'_> {
                Codes::$element(self)
            }
        })*
    };
}

as_codes!(i8 I8, u8 U8, i16 I16, i32 I32);

/// Declares a type `$name` that is the streaming model of the generated module `$module`, behind [`Model`](crate::model::Model): what
/// `exactum build --stream AXIS --emit rust` writes of a model whose input is called `input` and its output `output`, as those are that
/// training exports.
#[macro_export]
macro_rules! generated_model {
    ($name:ident, $module:ident) => {
        /// The model of the module.
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
                $module::INPUT_ELEMS
            }

            fn run(&mut self, samples: &[i16], fraction_bits: u8) -> Result<(), $crate::runtime::InputError> {
                let (need_elems, have_elems) = ($module::INPUT_ELEMS, samples.len());
                let Ok(samples) = <&[i16; $module::INPUT_ELEMS]>::try_from(samples) else {
                    return Err($crate::runtime::InputError::Length { need_elems, have_elems });
                };
                self.0.quantize_input(&samples.map(|sample| $crate::model::float_of(sample, fraction_bits)));
                self.0.infer();
                Ok(())
            }

            fn scores(&self) -> impl Iterator<Item = $crate::runtime::num::Real> + Clone {
                let codes = $crate::model::Model::codes(self);
                (0..codes.len())
                    .filter_map(move |class| Some($module::OUTPUT_NUMBERS.real(class, codes.get(class)?)))
            }

            fn codes(&self) -> $crate::runtime::Codes<'_> {
                $crate::model::AsCodes::as_codes(self.0.output())
            }

            fn reset(&mut self) {
                self.0.reset();
            }
        }
    };
}
