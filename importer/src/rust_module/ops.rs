//! Ops: the call of a kernel with constant geometry, for each kind.

use exactum_runtime::codes::{Codes, Element};
use exactum_runtime::kernels::add::ByteSum;
use exactum_runtime::kernels::high::HighForm;
use exactum_runtime::kernels::requantize::is_looked_up;
use exactum_runtime::num::requant::{Form, at};
use exactum_runtime::program::op::{
    Add, Bias, Conv2d, ConvTranspose2d, Dense, Layer, MaxPool2d, Mul, Multipliers,
};
use exactum_runtime::program::op::{Concat, Push, Rearrange, Requantize, SumPool2d, TopK};
use exactum_runtime::program::{Op, Packing, Program, Role, Tensor, TensorId, Window2d};

use super::arrays::Statics;
use super::form::finish;

/// An op to be written.
struct Writer<'a, 'p> {
    program: &'a Program<'p>,
    /// What names of its statics start with.
    prefix: String,
    statics: &'a mut Statics,
}

/// The statements that compute op `index`; its constants go to `statics`.
pub(super) fn code(program: &Program<'_>, index: usize, op: &Op<'_>, statics: &mut Statics) -> String {
    let mut writer = Writer { program, prefix: format!("OP_{index}"), statics };
    match op {
        Op::Dense(op) => writer.dense(op),
        Op::Conv2d(op) => writer.conv2d(op),
        Op::ConvTranspose2d(op) => writer.conv_transpose2d(op),
        Op::MaxPool2d(op) => writer.max_pool2d(op),
        Op::SumPool2d(op) => writer.sum_pool2d(op),
        Op::Requantize(op) => writer.requantize(op),
        Op::Rearrange(op) => writer.rearrange(op),
        Op::Add(op) => writer.add(op),
        Op::Mul(op) => writer.mul(op),
        Op::Concat(op) => writer.concat(op),
        Op::Push(op) => writer.push(op),
        Op::TopK(op) => writer.top_k(op),
        op => panic!("{} has no code, please report this with the model", op.kind().name()),
    }
}

/// What a tensor outside the arena is called in the functions of ops.
pub(super) fn outside(tensor: &Tensor) -> Option<String> {
    match tensor.role {
        Role::Value | Role::Scratch => None,
        Role::OutsideInput => Some(format!("in_{}", tensor.offset_bytes)),
        Role::OutsideOutput => Some(format!("out_{}", tensor.offset_bytes)),
    }
}

fn image(tensor: &Tensor) -> String {
    format!("{:?}", tensor.shape.dims())
}

/// All positions of an image.
fn area(tensor: &Tensor) -> String {
    match tensor.shape.dims() {
        [height, width, _] => format!("rt::Area {{ rows: [0, {height}], columns: [0, {width}] }}"),
        dims => panic!("an image of shape {dims:?}, please report this with the model"),
    }
}

fn window(window: &Window2d) -> String {
    let Window2d { size, stride, dilation, pads } = window;
    format!("rt::Window2d {{ size: {size:?}, stride: {stride:?}, dilation: {dilation:?}, pads: {pads:?} }}")
}

fn with(views: &str, input: TensorId, output: TensorId, call: &str) -> String {
    format!(
        "    if let Some((input, output)) = arena.{views}::<T{}, T{}>() {{\n        {call};\n    }}\n",
        input.0, output.0
    )
}

impl Writer<'_, '_> {
    fn tensor(&self, id: TensorId) -> Tensor {
        self.program.tensor(id).expect("loading has found it")
    }

    /// Where a tensor outside the arena is.
    fn outside(&self, id: TensorId) -> Option<String> {
        outside(&self.tensor(id))
    }

    /// A slice of the codes of `id`.
    fn read(&self, id: TensorId) -> String {
        match self.outside(id) {
            Some(name) => format!("&{name}[..]"),
            None => format!("&T{}::codes(arena)[..]", id.0),
        }
    }

    /// The same, to be written.
    fn written(&self, id: TensorId) -> String {
        match self.outside(id) {
            Some(name) => format!("&mut {name}[..]"),
            None => format!("&mut T{}::codes_mut(arena)[..]", id.0),
        }
    }

    fn are_inside(&self, tensors: [TensorId; 2]) -> bool {
        tensors.into_iter().all(|id| self.outside(id).is_none())
    }

    /// Statements in which `call` has the codes of `input` and `output`.
    fn with_views(&self, input: TensorId, output: TensorId, call: &str) -> String {
        if self.are_inside([input, output]) {
            return with("views", input, output, call);
        }
        let (read, written) = (self.read(input), self.written(output));
        format!("    {{\n        let (input, output) = ({read}, {written});\n        {call};\n    }}\n")
    }

    /// Statements in which `call` has the bytes of `input` and `output`.
    fn with_bytes(&self, input: TensorId, output: TensorId, call: &str) -> String {
        if self.are_inside([input, output]) {
            return with("byte_views", input, output, call);
        }
        let (read, written) = (self.read(input), self.written(output));
        format!(
            "    {{\n        let (input, output) = (rt::bytes({read}), rt::bytes_mut({written}));\n        \
             {call};\n    }}\n"
        )
    }

    fn name(&self, of: &str) -> String {
        format!("{}_{of}", self.prefix)
    }

    /// The tail of an op that writes `output`. Through a pointer: one copy of a kernel serves all tails.
    fn tail(&mut self, requant: Option<&exactum_runtime::num::Requant<'_>>) -> String {
        format!("&mut rt::Stored {{ finish: {}, output }}", finish(requant, &self.prefix, self.statics))
    }

    fn bias(&mut self, bias: Bias<'_>) -> String {
        let name = self.name("BIAS");
        match bias {
            Bias::None => "rt::Bias::None".to_owned(),
            Bias::I16(values) => format!("rt::Bias::I16({})", self.statics.array(&name, "i16", values)),
            Bias::I32(values) => format!("rt::Bias::I32({})", self.statics.array(&name, "i32", values)),
        }
    }

    /// The weights of a layer as the kernels multiply them, and the type of its sums.
    fn weights(&mut self, layer: &Layer<'_>) -> (String, &'static str) {
        let name = self.name("WEIGHTS");
        let weights = layer.weights;
        match (weights.packing, weights.elements) {
            (Packing::RowMajor | Packing::TapMajor, Codes::I8(values)) if !layer.wide => (
                format!("rt::Rows::new(rt::Native::default(), {})", self.statics.array(&name, "i8", values)),
                "i32",
            ),
            (Packing::FilterPairs, Codes::I16(values)) => (
                format!(
                    "rt::FilterPairs::new(rt::Native::default(), {})",
                    self.statics.array(&name, "i16", values)
                ),
                "i32",
            ),
            (Packing::FilterQuads, Codes::U8(values)) => (
                format!(
                    "rt::FilterQuads::new(rt::Native::default(), {})",
                    self.statics.array(&name, "u8", values)
                ),
                "i32",
            ),
            (Packing::Winograd, Codes::I16(values)) => (
                format!(
                    "rt::Winograd::new(rt::Native::default(), {})",
                    self.statics.array(&name, "i16", values)
                ),
                "i32",
            ),
            (Packing::TapBlocks, Codes::I16(values)) => (
                format!(
                    "rt::TapBlocks::new(rt::Native::default(), {})",
                    self.statics.array(&name, "i16", values)
                ),
                "i32",
            ),
            (Packing::Nibbles, Codes::U8(values)) if !layer.wide => (
                format!(
                    "rt::Nibbles::new(rt::Native::default(), {})",
                    self.statics.array(&name, "u8", values)
                ),
                "i32",
            ),
            (packing, elements) => {
                let elements = self.statics.codes(&name, elements);
                let weights = format!(
                    "rt::Weights {{ packing: rt::Packing::{packing:?}, elements: rt::Codes::{elements} }}"
                );
                (format!("rt::General::new(rt::Native::default(), {weights}, {})", layer.wide), "i64")
            }
        }
    }

    /// The statements of a layer whose geometry is the static `layer`, computed by `kernel`.
    fn layer(
        &mut self,
        [input, output]: [TensorId; 2],
        scratch: Option<TensorId>,
        kernel: &str,
        geometry: &str,
        layer: &Layer<'_>,
    ) -> String {
        let (weights, acc) = self.weights(layer);
        let high = self.high(output, layer);
        let tail = match &high {
            Some(tail) => format!("let tail = {tail}"),
            None => format!("let tail: &mut dyn rt::Tail<{acc}> = {}", self.tail(layer.requant.as_ref())),
        };
        let kernel = if high.is_some() { format!("{kernel}_high") } else { kernel.to_owned() };
        let work = if scratch.is_some() { "scratch, " } else { "" };
        let call = format!(
            "{tail};\n        \
             {kernel}({geometry}, {weights}, input, {work}tail)"
        );
        let Some(TensorId(scratch)) = scratch else { return self.with_views(input, output, &call) };
        let (read, written) = (self.read(input), self.written(output));
        let ([TensorId(from), TensorId(to)], is_inside) =
            ([input, output], [input, output].map(|id| self.outside(id).is_none()));
        let views = match is_inside {
            [true, true] => format!(
                "if let Some((input, output, scratch)) = arena.views_and_scratch::<T{from}, T{to}, T{scratch}>() {{\n"
            ),
            [true, false] => format!(
                "if let Some((input, scratch)) = arena.views::<T{from}, T{scratch}>() {{\n        \
                 let output = {written};\n"
            ),
            [false, true] => format!(
                "if let Some((output, scratch)) = arena.views_mut::<T{to}, T{scratch}>() {{\n        \
                 let input = {read};\n"
            ),
            [false, false] => format!(
                "{{\n        let (input, output) = ({read}, {written});\n        \
                 let scratch = &mut T{scratch}::codes_mut(arena)[..];\n"
            ),
        };
        format!("    {views}        {call};\n    }}\n")
    }

    /// The tail of a layer that makes codes of sums in registers, where its packing and form have one.
    fn high(&mut self, output: TensorId, layer: &Layer<'_>) -> Option<String> {
        if !matches!(
            layer.weights.packing,
            Packing::FilterPairs | Packing::FilterQuads | Packing::TapBlocks | Packing::Winograd
        ) {
            return None;
        }
        let output = self.tensor(output);
        let channels = *output.shape.dims().last()? as usize;
        HighForm::of(layer.requant.as_ref(), layer.bias, channels, output.element)?;
        let Form::MultiplyHigh { lines, offsets, shifts } = layer.requant?.form else { return None };
        let lines = self.statics.array(&self.name("LINES"), "[i32; 2]", lines);
        let offsets = self.statics.array(&self.name("OFFSETS"), "i32", offsets);
        Some(format!(
            "rt::High {{ isa: rt::Native::default(), lines: {lines}, offsets: {offsets}, shift: {}, output }}",
            at(shifts, 0)
        ))
    }

    fn dense(&mut self, op: &Dense<'_>) -> String {
        let bias = self.bias(op.layer.bias);
        let value = format!(
            "rt::Dense {{ in_features: {}, out_features: [0, {}], input_zero_point: {}, bias: {bias} }}",
            op.in_features, op.out_features, op.layer.input_zero_point
        );
        let geometry = self.statics.item(&self.prefix, "rt::Dense<'static>", &value);
        let kernel = match op.layer.weights.packing {
            Packing::FilterPairs => "rt::pairs::dense",
            Packing::FilterQuads => "rt::quads::dense",
            Packing::RowMajor
            | Packing::TapMajor
            | Packing::Nibbles
            | Packing::TapBlocks
            | Packing::Winograd => "rt::dense::rows",
        };
        self.layer([op.input, op.output], op.scratch, kernel, &geometry, &op.layer)
    }

    fn conv(
        &mut self,
        [input, output]: [TensorId; 2],
        shape: &Window2d,
        groups: u16,
        layer: &Layer<'_>,
    ) -> String {
        let bias = self.bias(layer.bias);
        let value = format!(
            "rt::Conv {{\n    window: &{},\n    groups: {groups},\n    input: {},\n    out_channels: {},\n    \
             area: {},\n    input_zero_point: {},\n    bias: {bias},\n}}",
            window(shape),
            image(&self.tensor(input)),
            self.tensor(output).shape.dims().last().copied().unwrap_or_default(),
            area(&self.tensor(output)),
            layer.input_zero_point
        );
        self.statics.item(&self.prefix, "rt::Conv<'static>", &value)
    }

    fn conv2d(&mut self, op: &Conv2d<'_>) -> String {
        let geometry = self.conv([op.input, op.output], &op.window, op.groups, &op.layer);
        let kernel = match op.layer.weights.packing {
            Packing::RowMajor | Packing::Nibbles => "rt::conv2d::windows",
            Packing::TapMajor => "rt::conv2d::depthwise",
            Packing::FilterPairs => "rt::pairs::conv2d",
            Packing::FilterQuads => "rt::quads::conv2d",
            Packing::TapBlocks => "rt::taps::depthwise",
            Packing::Winograd => "rt::winograd::conv2d",
        };
        self.layer([op.input, op.output], op.scratch, kernel, &geometry, &op.layer)
    }

    fn conv_transpose2d(&mut self, op: &ConvTranspose2d<'_>) -> String {
        let geometry = self.conv([op.input, op.output], &op.window, op.groups, &op.layer);
        self.layer([op.input, op.output], op.scratch, "rt::conv_transpose2d::positions", &geometry, &op.layer)
    }

    fn max_pool2d(&mut self, op: &MaxPool2d) -> String {
        let call = format!(
            "rt::max_pool2d::positions(rt::Native::default(), &{}, {}, {}, input, output)",
            window(&op.window),
            image(&self.tensor(op.input)),
            area(&self.tensor(op.output))
        );
        self.with_views(op.input, op.output, &call)
    }

    fn sum_pool2d(&mut self, op: &SumPool2d<'_>) -> String {
        let (image, area) = (image(&self.tensor(op.input)), area(&self.tensor(op.output)));
        let tail = self.tail(op.requant.as_ref());
        let value = format!(
            "rt::SumPool {{ window: &{}, input_zero_point: {}, unit: {} }}",
            window(&op.window),
            op.input_zero_point,
            op.unit
        );
        let pool = self.statics.item(&self.prefix, "rt::SumPool<'static>", &value);
        let call = format!(
            "let tail: &mut dyn rt::Tail<i32> = {tail};\n        \
             rt::sum_pool2d::positions(rt::Native::default(), {pool}, {image}, {area}, input, tail)"
        );
        self.with_views(op.input, op.output, &call)
    }

    fn requantize(&mut self, op: &Requantize<'_>) -> String {
        let [input, output] = [op.input, op.output].map(|id| self.tensor(id));
        let (channels, elems) = (op.channels as usize, input.shape.elems() as usize);
        let looked_up = is_looked_up(channels, (input.element, output.element), elems);
        let types = format!(
            "let types = (rt::Of::<{}>::TYPE, rt::Of::<{}>::TYPE);",
            input.element.name(),
            output.element.name()
        );
        if input.lies_at(&output) {
            let finish = finish(Some(&op.requant), &self.prefix, self.statics);
            let bytes = format!("arena.bytes::<T{}>()", op.input.0);
            let call = if looked_up {
                format!("looked_up(rt::Native::default(), types, {finish}, None, {bytes})")
            } else {
                format!("in_place(rt::Native::default(), {channels}, types, {finish}, {bytes})")
            };
            return format!("    {types}\n    rt::requantize::{call};\n");
        }
        if looked_up {
            let finish = finish(Some(&op.requant), &self.prefix, self.statics);
            let call = format!(
                "{types}\n        \
                 rt::requantize::looked_up(rt::Native::default(), types, {finish}, Some(input), output)"
            );
            return self.with_bytes(op.input, op.output, &call);
        }
        let tail = self.tail(Some(&op.requant));
        let call = format!(
            "let tail: &mut dyn rt::Tail<i32> = {tail};\n        \
             rt::requantize::requantize(rt::Native::default(), {}, input, tail)",
            op.channels
        );
        self.with_views(op.input, op.output, &call)
    }

    fn rearrange(&mut self, op: &Rearrange) -> String {
        let value = format!(
            "rt::Layout {{\n    dims: &{:?},\n    strides: &{:?},\n    before: &{:?},\n    sizes: &{:?},\n    \
             first: {},\n    fill: {},\n}}",
            op.dims, op.strides, op.before, op.sizes, op.first, op.fill
        );
        let layout = self.statics.item(&self.prefix, "rt::Layout<'static>", &value);
        // Bytes are bytes: one loop for both types.
        let call = format!("rt::rearrange::axes({layout}, input, output)");
        match self.tensor(op.input).element {
            Element::I8 => self.with_bytes(op.input, op.output, &call),
            _ => self.with_views(op.input, op.output, &call),
        }
    }

    /// Statements in which `call` has the operands of an op of two tensors and their buffers.
    fn with_operands(&self, [first, second, output]: [TensorId; 3], channels: u32, call: &str) -> String {
        let written = self.tensor(output);
        let buffer = |id: TensorId| match self.outside(id) {
            Some(name) => format!("Some(rt::bytes(&{name}[..]))"),
            // At the very bytes of the output.
            None if self.tensor(id).lies_at(&written) => "None".to_owned(),
            None => format!("rest.bytes::<T{}>()", id.0),
        };
        let [first_buffer, second_buffer] = [first, second].map(buffer);
        let reads = [&first_buffer, &second_buffer].iter().any(|buffer| buffer.starts_with("rest"));
        let rest = if reads { "rest" } else { "_" };
        let begin = match self.outside(output) {
            None => format!("if let Some(({rest}, output)) = arena.split::<T{}>() {{\n", output.0),
            Some(name) => {
                let reads = if reads { "        let rest = arena.reads();\n" } else { "" };
                format!("{{\n{reads}        let output = rt::bytes_mut(&mut {name}[..]);\n")
            }
        };
        format!(
            "    let operands = rt::Operands {{ first: T{}::TYPE, second: T{}::TYPE, output: T{}::TYPE, \
             period: {}, channels: {channels}, elems: [0, {}] }};\n    {begin}        \
             let buffers = rt::Buffers {{ first: {first_buffer}, second: {second_buffer}, output }};\n        \
             {call};\n    }}\n",
            first.0,
            second.0,
            output.0,
            self.tensor(second).shape.elems(),
            written.shape.elems()
        )
    }

    fn add(&mut self, op: &Add<'_>) -> String {
        let tensors = [op.input, op.second, op.output];
        let [first, second, output] = tensors.map(|id| self.tensor(id));
        let elements = [first.element, second.element, output.element];
        let bytes = ByteSum::of(op.multipliers, op.requant.as_ref(), elements);
        if let Some(sum) = bytes.filter(|_| second.shape.elems() == output.shape.elems()) {
            let sum = format!("rt::{sum:?}");
            let ty = if output.element == Element::U8 { "u8" } else { "i8" };
            let call = format!(
                "rt::add::bytes::<_, {ty}, _, _, _>(rt::Native::default(), &operands, &{sum}, buffers)"
            );
            return self.with_operands(tensors, op.channels, &call);
        }
        let finish = finish(op.requant.as_ref(), &self.prefix, self.statics);
        let name = self.name("PAIRS");
        let (kernel, factors) = match op.multipliers {
            Multipliers::I32([pair]) => ("shared", format!("{pair:?}")),
            Multipliers::I32(pairs) => ("each", self.statics.array(&name, "[i32; 2]", pairs)),
            Multipliers::I64(pairs) => ("wide", self.statics.array(&name, "[i64; 2]", pairs)),
        };
        let call =
            format!("rt::add::{kernel}(rt::Native::default(), &operands, {factors}, {finish}, buffers)");
        self.with_operands(tensors, op.channels, &call)
    }

    fn mul(&mut self, op: &Mul<'_>) -> String {
        let finish = finish(op.requant.as_ref(), &self.prefix, self.statics);
        let kernel = if op.wide { "wide" } else { "mul" };
        let call = format!(
            "rt::mul::{kernel}(rt::Native::default(), &operands, {:?}, {finish}, buffers)",
            op.zero_points
        );
        self.with_operands([op.input, op.second, op.output], op.channels, &call)
    }

    fn concat(&self, op: &Concat<'_>) -> String {
        let inputs = [op.input].into_iter().chain(op.rest.iter().map(|id| TensorId(*id)));
        let (mut text, mut first_byte) = (String::new(), 0);
        for input in inputs {
            let call =
                format!("rt::concat::put(rt::Native::default(), input, output, {}, {first_byte})", op.rows);
            text.push_str(&self.with_bytes(input, op.output, &call));
            first_byte += self.tensor(input).size_bytes() / op.rows;
        }
        text
    }

    fn push(&self, op: &Push) -> String {
        self.with_bytes(op.input, op.output, "rt::push::push(rt::Native::default(), input, output)")
    }

    fn top_k(&mut self, op: &TopK<'_>) -> String {
        let [multipliers, offsets] = [("MULTIPLIERS", op.multipliers), ("OFFSETS", op.offsets)]
            .map(|(name, values)| self.statics.array(&self.name(name), "i64", values));
        let value = format!(
            "rt::Best {{ elems: {}, k: {}, largest: {}, values: {}, multipliers: {multipliers}, offsets: {offsets} }}",
            op.elems, op.k, op.largest, op.values
        );
        let best = self.statics.item(&self.prefix, "rt::Best<'static>", &value);
        let [from, to] = [op.input, op.output].map(|id| format!("{:?}", self.tensor(id).element));
        let call = format!("rt::top_k::top_k({best}, rt::Codes::{from}(input), rt::CodesMut::{to}(output))");
        self.with_views(op.input, op.output, &call)
    }
}
