//! Random networks along a line of frames, for programs of steps: convolutions, pools, branches that meet again, and ends that
//! keep the frames or take the window as a whole.

use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo};

use crate::values::Values;

/// A network of windows of frames, and a signal for it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The network of a window.
    pub model: Model,
    /// Axis of the frames in the shape of the input.
    pub axis: usize,
    /// Frames of a window.
    pub frames: usize,
    /// Shape of the input, one sample.
    pub shape: Vec<usize>,
    /// Where layers pad along the frames.
    pub padding: Padding,
    /// Frames, as many as anybody asks for.
    signal: Values,
    scale: f32,
}

/// Where layers pad along the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Nowhere.
    None,
    /// Before the first frame, as causal layers.
    Before,
    /// Before the first frame and behind the last, so that as many frames are left but for strides.
    Both,
}

/// What follows the layers.
const ENDS: usize = 5;
/// Kinds of layers.
const LAYERS: i64 = 8;

impl Line {
    /// The network that `seed` determines.
    pub fn new(seed: u64) -> Self {
        let mut values = Values::new(seed);
        let axis = [2, 2, 2, 2, 3][values.integer(0, 4) as usize];
        let image = axis == 3 || values.integer(0, 3) == 0;
        let padding = [Padding::None, Padding::Before, Padding::Both][values.integer(0, 2) as usize];
        let longest = if padding == Padding::Both { [48, 72] } else { [24, 40] };
        let frames = values.integer(longest[0], longest[1]) as usize;
        let mut shape = vec![1, values.integer(1, 3) as usize];
        match (image, axis) {
            (false, _) => shape.push(frames),
            (true, 2) => shape.extend([frames, values.integer(3, 5) as usize]),
            (true, _) => shape.extend([values.integer(3, 5) as usize, frames]),
        }
        let scale = values.scale(0.05, false);
        let mut graph = Graph::new("line");
        graph.inputs = vec![ValueInfo::new("input", ElemType::F32, &shape)];
        let mut line = Builder {
            graph,
            values,
            last: "input".into(),
            shape: shape.clone(),
            axis,
            padding,
            scale,
            reach: 1.0,
        };
        line.quantize(scale);
        for _ in 0..line.values.integer(1, 5) {
            if line.shape[axis] > 9 {
                line.layer();
            }
        }
        line.end();
        let Builder { mut graph, last, shape: output, values, .. } = line;
        graph.outputs = vec![ValueInfo::new(last, ElemType::F32, &output)];
        Self { model: Model::new(graph), axis, frames, shape, padding, signal: values, scale }
    }

    /// The first `count` frames of the signal, each with its elements in their order.
    pub fn signal(&self, count: usize) -> Vec<Vec<f32>> {
        let mut signal = self.signal.clone();
        let elems = self.shape.iter().product::<usize>() / self.frames;
        let mut frame = || (0..elems).map(|_| signal.input(self.scale, -128, 127)).collect();
        (0..count).map(|_| frame()).collect()
    }

    /// `frames` as an input of as many.
    pub fn input(&self, frames: &[Vec<f32>]) -> Vec<f32> {
        let outer: usize = self.shape[..self.axis].iter().product();
        let inner: usize = self.shape[self.axis + 1..].iter().product();
        let part = |block: usize| frames.iter().flat_map(move |frame| &frame[block * inner..][..inner]);
        (0..outer).flat_map(part).copied().collect()
    }
}

struct Builder {
    graph: Graph,
    values: Values,
    last: String,
    shape: Vec<usize>,
    axis: usize,
    padding: Padding,
    /// Scale of the codes in `last`.
    scale: f32,
    /// Real values of sums reach about so far.
    reach: f64,
}

impl Builder {
    fn pick(&mut self, lo: i64, hi: i64) -> usize {
        self.values.integer(lo, hi) as usize
    }

    fn node(&mut self, op_type: &str, inputs: Vec<String>, with: impl FnOnce(Node) -> Node) -> String {
        let name = format!("{op_type}_{}", self.graph.nodes.len());
        let node = with(Node::new(op_type, inputs, vec![format!("{name}_out")]).named(&name));
        self.graph.nodes.push(node);
        format!("{name}_out")
    }

    fn floats(&mut self, shape: &[usize], values: Vec<f32>) -> String {
        let name = format!("constant_{}", self.graph.initializers.len());
        self.graph.initializers.push(Tensor::new(name.clone(), shape, values));
        name
    }

    fn indices(&mut self, values: Vec<i64>) -> String {
        let name = format!("constant_{}", self.graph.initializers.len());
        self.graph.initializers.push(Tensor::new(name.clone(), &[values.len()], values));
        name
    }

    fn quant(&mut self, x: String, scale: f32, zero_point: i64, bits: u32, signed: bool) -> String {
        let scale = self.floats(&[], vec![scale]);
        let zero_point = self.floats(&[], vec![zero_point as f32]);
        let bits = self.floats(&[], vec![bits as f32]);
        self.node("Quant", vec![x, scale, zero_point, bits], |node| {
            node.attr("signed", signed).attr("narrow", false).attr("rounding_mode", "ROUND")
        })
    }

    /// Quantizes the last value: 8 or 4 bits, with a sign or a zero point.
    fn quantize(&mut self, scale: f32) {
        let bits = [8, 8, 4][self.pick(0, 2)];
        let signed = self.pick(0, 1) == 1;
        let zero_point = if signed { self.values.integer(-3, 3) } else { self.values.integer(0, 7) };
        let scale = if bits == 4 { scale * 16.0 } else { scale };
        self.last = self.quant(self.last.clone(), scale, zero_point, bits, signed);
        self.scale = scale;
        self.reach = f64::from(scale) * f64::from(1 << (bits - 1));
    }

    /// A scale for sums that reach about `reach`.
    fn requantize(&mut self, reach: f64) {
        let scale = self.values.scale(reach / 200.0, false);
        self.quantize(scale);
    }

    fn frames(&self) -> usize {
        self.shape[self.axis]
    }

    fn layer(&mut self) {
        match self.values.integer(0, LAYERS - 1) {
            0 => self.residual(),
            1 => self.joined(),
            2 => self.max_pool(),
            3 if self.frames() > 14 => self.average_pool(),
            4 => self.gated(),
            kind => {
                let channels = self.shape[1];
                let (outputs, groups) = if kind == 5 { (channels, channels) } else { (self.pick(1, 4), 1) };
                let [size, dilation] = self.size();
                let stride = if self.frames() > 14 { self.pick(1, 2) } else { 1 };
                let (last, shape, reach) = self.conv(outputs, groups, size, dilation, stride);
                (self.last, self.shape) = (last, shape);
                self.requantize(reach);
            }
        }
    }

    /// Taps along the frames and their distance.
    fn size(&mut self) -> [usize; 2] {
        let size = self.pick(1, 3);
        [size, if size > 1 { self.pick(1, 3) } else { 1 }]
    }

    /// Padding before and behind the frames, of windows of `extent` frames.
    fn pads(&mut self, extent: usize) -> [usize; 2] {
        match self.padding {
            Padding::None => [0, 0],
            Padding::Before => [extent - 1, 0],
            Padding::Both => {
                // As most have it, or all on one side.
                let before = [(extent - 1) / 2, extent / 2, 0, extent - 1][self.pick(0, 3)];
                [before, extent - 1 - before]
            }
        }
    }

    /// The attribute of a window with `along` on the axis of frames, `other` on that beside it.
    fn sides(&self, along: usize, other: usize) -> Vec<i64> {
        match (self.shape.len(), self.axis) {
            (3, _) => vec![along as i64],
            (_, 2) => vec![along as i64, other as i64],
            _ => vec![other as i64, along as i64],
        }
    }

    /// A convolution of the last value: its name, its shape, and how far its sums reach.
    fn conv(
        &mut self,
        outputs: usize,
        groups: usize,
        size: usize,
        dilation: usize,
        stride: usize,
    ) -> (String, Vec<usize>, f64) {
        // Beside the frames, as many elements as before: three taps, one padded on each side.
        let (beside, pad) = if self.shape.len() == 4 && self.pick(0, 1) == 1 { (3, 1) } else { (1, 0) };
        let size_of = self.sides(size, beside);
        let extent = (size - 1) * dilation + 1;
        let [before, after] = self.pads(extent);
        let mut pads = self.sides(before, pad);
        pads.extend(self.sides(after, pad));
        let inputs = self.shape[1] / groups;
        let mut weight_shape = vec![outputs, inputs];
        weight_shape.extend(size_of.iter().map(|size| *size as usize));
        let taps: usize = weight_shape[1..].iter().product();
        let unit = self.values.scale(0.01, false);
        let weights = (0..outputs * taps).map(|_| self.values.near_code(unit, -7, 7)).collect();
        let weight = self.floats(&weight_shape, weights);
        let weight = self.quant(weight, unit, 0, 4, true);
        let bias =
            (0..outputs).map(|_| (self.values.unit() - 0.5) as f32 * self.reach as f32 * 0.1).collect();
        let bias = self.floats(&[outputs], bias);
        let (dilations, strides) = (self.sides(dilation, 1), self.sides(stride, 1));
        let last = self.node("Conv", vec![self.last.clone(), weight, bias], |node| {
            let node = node.attr("kernel_shape", size_of).attr("strides", strides).attr("pads", pads);
            node.attr("dilations", dilations).attr("group", groups as i64)
        });
        let mut shape = self.shape.clone();
        shape[1] = outputs;
        shape[self.axis] = (self.frames() + before + after - extent) / stride + 1;
        (last, shape, f64::from(unit) * 4.0 * (taps as f64).sqrt() * self.reach)
    }

    /// `x`, a value of the last shape, without its first frames: as many are left as `count`.
    fn cropped(&mut self, x: String, count: usize) -> String {
        let skipped = self.frames() - count;
        if skipped == 0 {
            return x;
        }
        let (starts, ends) = (self.indices(vec![skipped as i64]), self.indices(vec![i64::MAX]));
        let axes = self.indices(vec![self.axis as i64]);
        self.node("Slice", vec![x, starts, ends, axes], |node| node)
    }

    /// A convolution, and what it reads added.
    fn residual(&mut self) {
        let [size, dilation] = self.size();
        let (before, channels) = (self.last.clone(), self.shape[1]);
        let (last, shape, reach) = self.conv(channels, 1, size, dilation, 1);
        let count = shape[self.axis];
        let codes = self.pick(0, 1) == 1;
        let own = self.reach;
        let last = if codes {
            let scale = self.values.scale(reach / 200.0, false);
            self.quant(last, scale, 0, 8, true)
        } else {
            last
        };
        let beside = self.cropped(before, count);
        self.last = self.node("Add", vec![last, beside], |node| node);
        self.shape = shape;
        self.requantize(reach + own);
    }

    /// Two convolutions of different lengths, one channel after the other.
    fn joined(&mut self) {
        let [[a, b], [c, d]] = [self.size(), self.size()];
        let channels = [self.pick(1, 2), self.pick(1, 2)];
        let (first, first_shape, reach) = self.conv(channels[0], 1, a, b, 1);
        let (second, second_shape, _) = self.conv(channels[1], 1, c, d, 1);
        let count = first_shape[self.axis].min(second_shape[self.axis]);
        let scale = self.values.scale(reach / 100.0, false);
        let mut parts = vec![];
        for (name, shape) in [(first, first_shape), (second, second_shape)] {
            let codes = self.quant(name, scale, 1, 8, true);
            self.shape = shape;
            parts.push(self.cropped(codes, count));
        }
        self.last = self.node("Concat", parts, |node| node.attr("axis", 1i64));
        self.shape[1] = channels.iter().sum();
        self.shape[self.axis] = count;
        self.scale = scale;
        self.reach = f64::from(scale) * 128.0;
    }

    /// Products with another branch.
    fn gated(&mut self) {
        let [size, dilation] = self.size();
        let (before, channels) = (self.last.clone(), self.shape[1]);
        let (last, shape, reach) = self.conv(channels, channels, size, dilation, 1);
        let scale = self.values.scale(reach / 10.0, false);
        let gate = self.quant(last, scale, 0, 4, true);
        let beside = self.cropped(before, shape[self.axis]);
        self.last = self.node("Mul", vec![gate, beside], |node| node);
        self.shape = shape;
        let reach = f64::from(scale) * 8.0 * self.reach;
        self.requantize(reach);
    }

    fn max_pool(&mut self) {
        let size = self.pick(2, 3);
        let stride = if self.frames() > 14 { self.pick(1, 2) } else { 1 };
        let [before, after] = self.pads(size);
        let mut pads = self.sides(before, 0);
        pads.extend(self.sides(after, 0));
        let (sizes, strides) = (self.sides(size, 1), self.sides(stride, 1));
        self.last = self.node("MaxPool", vec![self.last.clone()], |node| {
            node.attr("kernel_shape", sizes).attr("strides", strides).attr("pads", pads)
        });
        let frames = (self.frames() + before + after - size) / stride + 1;
        self.shape[self.axis] = frames;
    }

    /// Averages, of the elements inside or with those of padding. Causal networks stay so: there they have no padding, and are as
    /// far apart as long.
    fn average_pool(&mut self) {
        let size = self.pick(2, 3);
        let causal = self.padding == Padding::Before;
        let stride = if causal { size } else { self.pick(1, 2) };
        let [before, after] = if causal { [0, 0] } else { self.pads(size) };
        let mut pads = self.sides(before, 0);
        pads.extend(self.sides(after, 0));
        let (sizes, strides) = (self.sides(size, 1), self.sides(stride, 1));
        let with_padding = self.pick(0, 1) as i64;
        self.last = self.node("AveragePool", vec![self.last.clone()], |node| {
            let node = node.attr("kernel_shape", sizes).attr("strides", strides).attr("pads", pads);
            node.attr("count_include_pad", with_padding)
        });
        let frames = (self.frames() + before + after - size) / stride + 1;
        self.shape[self.axis] = frames;
        let reach = self.reach;
        self.requantize(reach);
    }

    fn end(&mut self) {
        // What takes the window as a whole takes its padded ends.
        if self.padding == Padding::Both {
            return;
        }
        match self.pick(0, ENDS as i64 - 1) {
            0 => {}
            1 => {
                self.last = self.node("GlobalAveragePool", vec![self.last.clone()], |node| node);
                self.shape[2..].fill(1);
                let reach = self.reach;
                self.requantize(reach);
                self.dense();
            }
            2 => {
                self.last = self.node("GlobalMaxPool", vec![self.last.clone()], |node| node);
                self.shape[2..].fill(1);
                self.dense();
            }
            3 => self.dense(),
            _ => {
                self.last = self.cropped(self.last.clone(), 1);
                self.shape[self.axis] = 1;
                self.dense();
            }
        }
    }

    fn dense(&mut self) {
        let inputs: usize = self.shape.iter().product();
        let outputs = self.pick(1, 4);
        self.last = self.node("Flatten", vec![self.last.clone()], |node| node.attr("axis", 1i64));
        let unit = self.values.scale(0.01, false);
        let weights = (0..outputs * inputs).map(|_| self.values.near_code(unit, -7, 7)).collect();
        let weight = self.floats(&[outputs, inputs], weights);
        let weight = self.quant(weight, unit, 0, 4, true);
        self.last = self.node("Gemm", vec![self.last.clone(), weight], |node| node.attr("transB", true));
        self.shape = vec![1, outputs];
    }
}
