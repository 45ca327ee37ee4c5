// The model "tiny", compiled by exactum 0.1.0. Build it again instead of editing it.
// To be used as a module, or by `include!` in one, in a crate that depends on `exactum-runtime`.

use exactum_runtime::generated as rt;

/// Name of the model.
#[allow(dead_code)]
pub const MODEL_NAME: &str = "tiny";

/// Version that the model's file states.
#[allow(dead_code)]
pub const MODEL_VERSION: i64 = 0;

/// SHA-256 of the model's file; zeros if it was not known.
#[allow(dead_code)]
pub const MODEL_DIGEST: [u8; 32] = [198, 17, 129, 254, 5, 44, 5, 144, 14, 194, 144, 117, 135, 218, 93, 56, 144, 74, 61, 223, 236, 89, 59, 43, 218, 101, 126, 137, 94, 18, 52, 222];

/// Bytes of working memory.
#[allow(dead_code)]
pub const ARENA_BYTES: usize = 24;

/// Name in the model's file: "x".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const X_NAME: &str = "x";

/// Elements along each axis of one sample of "x".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const X_SHAPE: [usize; 1] = [4];

/// Elements of one sample of "x".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const X_ELEMS: usize = 4;

/// Real value of one unit, `(code - zero point) * scale + offset`, of "x".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const X_SCALE: f64 = 0.03099999949336052;

/// Code of the real value 0, before the offset, of "x".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const X_ZERO_POINT: i64 = 0;

/// The real numbers that codes stand for, by integers alone, of "x".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const X_NUMBERS: rt::PortNumbers<'static> = rt::PortNumbers {
    multipliers: &[1],
    offsets: &[],
    unit: rt::Unit { mantissa: 8321499, exponent: -28 },
    channels: 1,
    inner: 1,
    exact: true,
};

/// From real numbers to codes of "x".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const X_QUANTIZER: rt::InputQuantizer = match rt::InputQuantizer::new(f32::from_bits(0x3cfdf3b6), 0, rt::IntRange { lo: 0, hi: 255 }) {
    Some(quantizer) => quantizer,
    None => panic!(),
};

/// Name in the model's file: "quant_y.out".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const QUANT_Y_OUT_NAME: &str = "quant_y.out";

/// Elements along each axis of one sample of "quant_y.out".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const QUANT_Y_OUT_SHAPE: [usize; 1] = [2];

/// Elements of one sample of "quant_y.out".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const QUANT_Y_OUT_ELEMS: usize = 2;

/// Real value of one unit, `(code - zero point) * scale + offset`, of "quant_y.out".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const QUANT_Y_OUT_SCALE: f64 = 0.03700000047683716;

/// Code of the real value 0, before the offset, of "quant_y.out".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const QUANT_Y_OUT_ZERO_POINT: i64 = 100;

/// The real numbers that codes stand for, by integers alone, of "quant_y.out".
#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]
pub const QUANT_Y_OUT_NUMBERS: rt::PortNumbers<'static> = rt::PortNumbers {
    multipliers: &[1],
    offsets: &[-100],
    unit: rt::Unit { mantissa: 620757, exponent: -24 },
    channels: 1,
    inner: 1,
    exact: true,
};

/// The model with its working memory, for a static or the stack.
#[derive(Debug)]
pub struct Model {
    arena: rt::Arena<ARENA_BYTES>,
}

#[allow(dead_code)]
impl Model {
    /// The model before its first run.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self { arena: rt::Arena::new() }
    }

    /// The outputs of these codes.
    pub fn run(&mut self, x: &[u8; 4]) -> &[u8; 2] {
        *self.x_mut() = *x;
        self.infer();
        self.quant_y_out()
    }

    /// The outputs of these real numbers.
    pub fn run_f32(&mut self, x: &[f32; 4]) -> &[u8; 2] {
        self.quantize_x(x);
        self.infer();
        self.quant_y_out()
    }

    /// Computes the outputs of the inputs that the model holds; these are to be filled again before the next run.
    pub fn infer(&mut self) {
        op_0(&mut self.arena);
        op_1(&mut self.arena);
    }

    /// The codes of input "x", to be filled: each from 0 to 255.
    pub fn x_mut(&mut self) -> &mut [u8; 4] {
        T0::codes_mut(&mut self.arena)
    }

    /// Fills input "x" with the codes of real numbers, by integers alone.
    pub fn quantize_x(&mut self, values: &[f32; 4]) {
        rt::quantize(values, self.x_mut(), |_, value| X_QUANTIZER.quantize(value));
    }

    /// Output "quant_y.out" of the last run.
    pub fn quant_y_out(&self) -> &[u8; 2] {
        T3::codes(&self.arena)
    }
}

type T0 = rt::Slot<u8, 0, 4>;
type T1 = rt::Slot<u8, 8, 3>;
type T2 = rt::Slot<i16, 16, 4>;
type T3 = rt::Slot<u8, 0, 2>;
type T4 = rt::Slot<i16, 16, 3>;

/// dense: fc1
#[inline]
fn op_0(arena: &mut rt::Arena<ARENA_BYTES>) {
    if let Some((input, output, scratch)) = arena.views_and_scratch::<T0, T1, T2>() {
        let tail: &mut dyn rt::Tail<i32> = &mut rt::Stored { finish: &OP_0_FORM, output };
        rt::dense::rows(&OP_0, rt::Rows::new(rt::Native::default(), &OP_0_WEIGHTS), input, scratch, tail);
    }
}

/// dense: fc2
#[inline]
fn op_1(arena: &mut rt::Arena<ARENA_BYTES>) {
    if let Some((input, output, scratch)) = arena.views_and_scratch::<T1, T3, T4>() {
        let tail: &mut dyn rt::Tail<i32> = &mut rt::Stored { finish: &OP_1_FORM, output };
        rt::dense::rows(&OP_1, rt::Rows::new(rt::Native::default(), &OP_1_WEIGHTS), input, scratch, tail);
    }
}

static OP_0: rt::Dense<'static> = rt::Dense { in_features: 4, out_features: [0, 3], input_zero_point: 0, bias: rt::Bias::None };

static OP_0_WEIGHTS: [i8; 12] = [-7, 3, -3, 7, 1, -4, 5, 0, -7, 6, -2, -7];

static OP_0_MULTIPLIERS: [i32; 3] = [12543, 14663, 8833];

static OP_0_OFFSETS: [i32; 3] = [1490258, -504368, 350499];

static OP_0_FORM: rt::Known<rt::forms::Multiply32<'static>> = rt::Known {
    form: rt::forms::Multiply32 { multipliers: &OP_0_MULTIPLIERS, offsets: &OP_0_OFFSETS, shifts: &[17] },
    codes: [0, 255],
};

static OP_1: rt::Dense<'static> = rt::Dense { in_features: 3, out_features: [0, 2], input_zero_point: 0, bias: rt::Bias::None };

static OP_1_WEIGHTS: [i8; 6] = [-7, 5, 0, -5, 7, 2];

static OP_1_OFFSETS: [i32; 2] = [29887921, 26345471];

static OP_1_FORM: rt::Known<rt::forms::Multiply32<'static>> = rt::Known {
    form: rt::forms::Multiply32 { multipliers: &[7007], offsets: &OP_1_OFFSETS, shifts: &[18] },
    codes: [0, 255],
};
