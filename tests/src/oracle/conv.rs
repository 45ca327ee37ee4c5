//! `Conv` and `ConvTranspose`: sums of exact products over the taps of a window.

use super::applied::Applied;
use super::exact::Bilinear;
use super::int::Number;
use super::window::{Taps, Window, transposed_taps};
use super::{Exact, Result};

/// Which inputs and weights each result sums: the taps of each position, and the channels of each group.
struct Sums {
    taps: Vec<Taps>,
    batch: usize,
    groups: usize,
    /// Channels of a group.
    inputs: usize,
    outputs: usize,
    pixels: usize,
    window: usize,
    /// Whether the weights of one input channel lie together, as in transposed convolutions.
    inputs_first: bool,
}

impl Bilinear for Sums {
    fn terms(&self) -> usize {
        self.inputs * self.taps.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn sums<N: Number>(&self, x: &[N], weight: &[N]) -> Vec<N> {
        let channels = self.groups * self.outputs;
        let mut sums = Vec::with_capacity(self.batch * channels * self.taps.len());
        for image in 0..self.batch {
            for channel in 0..channels {
                let (group, output) = (channel / self.outputs, channel % self.outputs);
                let kernel = |input: usize| {
                    let row = if self.inputs_first {
                        (group * self.inputs + input) * self.outputs + output
                    } else {
                        channel * self.inputs + input
                    };
                    &weight[row * self.window..(row + 1) * self.window]
                };
                let plane = |input: usize| {
                    let row = (image * self.groups + group) * self.inputs + input;
                    &x[row * self.pixels..(row + 1) * self.pixels]
                };
                let operands: Vec<(&[N], &[N])> =
                    (0..self.inputs).map(|input| (plane(input), kernel(input))).collect();
                sums.extend(self.taps.iter().map(|taps| {
                    let mut sum = N::zero();
                    for (plane, kernel) in &operands {
                        for (tap, pixel) in taps {
                            sum.add_product(&plane[*pixel], &kernel[*tap]);
                        }
                    }
                    sum
                }));
            }
        }
        sums
    }
}

/// `Conv`.
pub(super) fn conv(applied: &Applied<'_>) -> Result<Exact> {
    convolve(applied, applied.real(0)?, applied.real(1)?, applied.optional_real(2)?)
}

/// Convolution of channels-first images with the attributes of `applied`.
pub(super) fn convolve(
    applied: &Applied<'_>,
    x: &Exact,
    weight: &Exact,
    bias: Option<&Exact>,
) -> Result<Exact> {
    let ([batch, channels, image @ ..], [outputs, inputs, size @ ..]) = (&x.shape[..], &weight.shape[..])
    else {
        return applied.fail(format!("shapes {:?} and {:?}", x.shape, weight.shape));
    };
    let groups = groups(applied)?;
    if inputs * groups != *channels || outputs % groups != 0 {
        return applied.fail(format!("{groups} groups for {channels} and {outputs} channels"));
    }
    if applied
        .sizes("kernel_shape", size.len(), 0)?
        .iter()
        .zip(size)
        .any(|(own, size)| *own != 0 && own != size)
    {
        return applied.fail(format!("kernel_shape for weights of shape {:?}", weight.shape));
    }
    let window = Window::read(applied, image, size)?;
    let sums = Sums {
        taps: (0..window.positions()).map(|at| window.taps(at)).collect(),
        batch: *batch,
        groups,
        inputs: *inputs,
        outputs: outputs / groups,
        pixels: image.iter().product(),
        window: size.iter().product(),
        inputs_first: false,
    };
    let shape = [&[*batch, *outputs], &window.output[..]].concat();
    with_bias(sums.apply(shape, x, weight, [1, 0]), bias)
}

/// `ConvTranspose`.
pub(super) fn conv_transpose(applied: &Applied<'_>) -> Result<Exact> {
    let (x, weight) = (applied.real(0)?, applied.real(1)?);
    let ([batch, channels, image @ ..], [inputs, outputs, size @ ..]) = (&x.shape[..], &weight.shape[..])
    else {
        return applied.fail(format!("shapes {:?} and {:?}", x.shape, weight.shape));
    };
    let groups = groups(applied)?;
    let rank = image.len();
    if channels != inputs || channels % groups != 0 || size.len() != rank {
        return applied.fail(format!("{groups} groups for shapes {:?} and {:?}", x.shape, weight.shape));
    }
    let strides = applied.sizes("strides", rank, 1)?;
    let dilations = applied.sizes("dilations", rank, 1)?;
    let more = applied.sizes("output_padding", rank, 0)?;
    let mut pads = applied.sizes("pads", 2 * rank, 0)?;
    let auto_pad = applied.string("auto_pad", "NOTSET")?;
    let full =
        |axis: usize| strides[axis] * (image[axis] - 1) + more[axis] + (size[axis] - 1) * dilations[axis] + 1;
    let wanted = match (applied.ints("output_shape")?, auto_pad.as_ref()) {
        (Some(_), _) => Some(applied.sizes("output_shape", rank, 0)?),
        (None, "SAME_UPPER" | "SAME_LOWER") => Some((0..rank).map(|i| image[i] * strides[i]).collect()),
        (None, "NOTSET") => None,
        (None, "VALID") => {
            pads = vec![0; 2 * rank];
            None
        }
        (None, other) => return applied.fail(format!("auto_pad {other}")),
    };
    let mut output = vec![];
    for axis in 0..rank {
        if let Some(wanted) = &wanted {
            // An output larger than the sums reach gets zeros at its end.
            let total = full(axis).saturating_sub(wanted[axis]);
            let small = total / 2;
            let upper = auto_pad == "SAME_UPPER";
            (pads[axis], pads[axis + rank]) =
                if upper { (small, total - small) } else { (total - small, small) };
        }
        match (&wanted, full(axis).checked_sub(pads[axis] + pads[axis + rank])) {
            (Some(wanted), _) => output.push(wanted[axis]),
            (None, Some(extent)) => output.push(extent),
            (None, None) => return applied.fail(format!("pads {pads:?} around {}", full(axis))),
        }
    }
    let sums = Sums {
        taps: transposed_taps(image, size, [&strides, &dilations, &pads[..rank], &output]),
        batch: *batch,
        groups,
        inputs: channels / groups,
        outputs: *outputs,
        pixels: image.iter().product(),
        window: size.iter().product(),
        inputs_first: true,
    };
    let shape = [&[*batch, outputs * groups], &output[..]].concat();
    with_bias(sums.apply(shape, x, weight, [1, 1]), applied.optional_real(2)?)
}

fn groups(applied: &Applied<'_>) -> Result<usize> {
    match usize::try_from(applied.int("group", 1)?) {
        Ok(groups @ 1..) => Ok(groups),
        _ => applied.fail("a number of groups that is not positive"),
    }
}

/// `x` plus one number for each channel.
fn with_bias(x: Exact, bias: Option<&Exact>) -> Result<Exact> {
    let Some(bias) = bias else { return Ok(x) };
    let mut shape = vec![1; x.shape.len() - 1];
    shape[0] = bias.len();
    x.add(&bias.clone().shaped(shape))
}
