//! ResNet8 of image classification: 32 by 32 pixels of 3 colours, ten classes.

use exactum_training::burn::{self, module::Module};
use exactum_training::error::BuildError;
use exactum_training::nn::{AvgPool2d, Flatten, QuantConv2d, QuantEltwiseAdd, QuantIdentity, QuantLinear};
use exactum_training::{Activation, ForwardError, Init, Network};

use crate::bits::{Act, Bits, Block, Window};

const BITS: Bits = Bits::W8A8;

/// Two convolutions beside what goes around them.
#[derive(Module, Debug)]
struct Residual {
    first: Block,
    second: QuantConv2d,
    around: Option<QuantConv2d>,
    add: QuantEltwiseAdd,
    act: Act,
}

impl Residual {
    fn new(name: &str, [inputs, outputs]: [usize; 2], init: &mut Init) -> Result<Self, BuildError> {
        let stride = if inputs == outputs { 1 } else { 2 };
        let around = |init: &mut Init| {
            Window::point(stride).conv(&format!("{name}_around"), [inputs, outputs], BITS, init)
        };
        Ok(Self {
            first: Block::new(
                &format!("{name}_first"),
                Window::three(stride),
                [inputs, outputs],
                BITS,
                init,
            )?,
            second: Window::three(1).conv(&format!("{name}_second"), [outputs, outputs], BITS, init)?,
            around: if stride == 1 { None } else { Some(around(init)?) },
            add: QuantEltwiseAdd::builder(format!("{name}_add")).build()?,
            act: Act::new(&format!("{name}_act"), BITS)?,
        })
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        let inside = self.second.forward(&self.first.forward(x)?)?;
        let around = match &self.around {
            Some(around) => around.forward(x)?,
            None => x.clone(),
        };
        self.act.forward(&self.add.forward(&inside, &around)?)
    }
}

/// A convolution, three pairs with a way around, a pool, and a dense layer.
#[derive(Module, Debug)]
pub(crate) struct ResNet8 {
    input: QuantIdentity,
    first: Block,
    residuals: Vec<Residual>,
    pool: AvgPool2d,
    pooled: QuantIdentity,
    flatten: Flatten,
    fc: QuantLinear,
}

/// The network.
pub(crate) fn image_classification(init: &mut Init) -> Result<ResNet8, BuildError> {
    Ok(ResNet8 {
        input: QuantIdentity::builder("input").build()?,
        first: Block::new("first", Window::three(1), [3, 16], BITS, init)?,
        residuals: [[16, 16], [16, 32], [32, 64]]
            .into_iter()
            .enumerate()
            .map(|(index, channels)| Residual::new(&format!("stack{index}"), channels, init))
            .collect::<Result<_, _>>()?,
        pool: AvgPool2d::new("pool", [8, 8], [8, 8]),
        pooled: QuantIdentity::builder("pooled").build()?,
        flatten: Flatten::new("flatten"),
        fc: BITS.linear("fc", 64, 10, init)?,
    })
}

impl Network<4> for ResNet8 {
    fn input_shape(&self) -> [usize; 4] {
        [1, 3, 32, 32]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let mut x = self.first.forward(&self.input.forward(x)?)?;
        for residual in &self.residuals {
            x = residual.forward(&x)?;
        }
        let x = self.pooled.forward(&self.pool.forward(&x)?)?;
        self.fc.forward(&self.flatten.forward(&x))
    }
}
