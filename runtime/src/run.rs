//! From ops to kernels: each op's geometry and constants, and the slices of memory that its tensors are.

mod rearrange;

use exactum_format::op::{
    Add, Concat, Conv2d, ConvTranspose2d, Dense, MaxPool2d, Mul, OpBody, Push, Rearrange, Requantize,
    SumPool2d, TopK,
};
use exactum_format::{Layer, OpKind, OpRecord, Packing, Tensor, TensorId, Tensors, Window2d, program_ops};
use exactum_kernels as kernels;
use exactum_kernels::conv2d::{Area, Conv, Image};
use exactum_kernels::elementwise::{Buffers, Operands};
use exactum_kernels::isa::Isa;
use exactum_kernels::sum_pool2d::SumPool;
use exactum_kernels::tail::{Said, Stored};
use exactum_kernels::top_k::Best;
use exactum_num::Requant;
use exactum_num::codes::{Codes, CodesMut, Element};

use crate::memory::{Memory, Space};
use crate::parts::{Grid, Part};

/// An op that is computed by a kernel.
trait Run {
    /// Computes the output, or `part` of it. Does nothing, or writes wrong codes, where loading would have refused the op; never
    /// panics.
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>);

    /// The work it is.
    fn grid(&self, input: &Tensor, output: &Tensor) -> Grid;
}

macro_rules! dispatch {
    ($($(#[doc = $about:literal])* $code:literal $ty:ident $(<$lifetime:lifetime>)? $name:literal;)*) => {
        /// Runs the op of a checked record, or `part` of it; nothing happens if its kernel is left out, which loading refuses.
        pub(crate) fn run<K: Isa>(
            isa: K,
            record: OpRecord<'_>,
            tensors: Tensors<'_>,
            space: Space<'_, '_>,
            part: Option<&Part>,
        ) {
            let input = record.input().and_then(|id| tensors.get(id));
            let (Some(input), Some(output)) = (&input, &tensors.get(record.output())) else { return };
            let memory = Memory { tensors, input, output, space };
            match record.code() {
                $($code if OpKind::$ty.is_built() => run_as::<K, $ty>(isa, record, memory, part),)*
                _ => {}
            }
        }

        /// The work of the op of a checked record.
        pub(crate) fn grid(record: OpRecord<'_>, tensors: Tensors<'_>) -> Grid {
            let input = record.input().and_then(|id| tensors.get(id));
            let (Some(input), Some(output)) = (&input, &tensors.get(record.output())) else {
                return Grid::whole(0);
            };
            match record.code() {
                $($code if OpKind::$ty.is_built() => grid_as::<$ty>(record, input, output),)*
                _ => Grid::whole(0),
            }
        }
    };
}

program_ops!(dispatch);

/// Runs it as an op of one kind. Not inlined, so that each kind has a stack frame of its own size.
#[inline(never)]
fn run_as<'p, K: Isa, B: OpBody<'p> + Run>(
    isa: K,
    record: OpRecord<'p>,
    memory: Memory<'_, '_, '_>,
    part: Option<&Part>,
) {
    // By reference: it stays where it was decoded.
    if let Ok(op) = &B::read(record) {
        op.run(isa, memory, part);
    }
}

fn grid_as<'p, B: OpBody<'p> + Run>(record: OpRecord<'p>, input: &Tensor, output: &Tensor) -> Grid {
    B::read(record).map_or(Grid::whole(0), |op| op.grid(input, output))
}

impl<'r> Memory<'_, '_, '_> {
    fn convolution(
        &self,
        window: &'r Window2d,
        groups: u16,
        layer: &'r Layer<'r>,
        part: Option<&Part>,
    ) -> Option<Conv<'r>> {
        let (input, [height, width, out_channels]) = (self.input.shape.image()?, self.output.shape.image()?);
        let Layer { input_zero_point, bias, .. } = *layer;
        let area = area(part, [height, width, out_channels]);
        Some(Conv { window, groups, input, out_channels, area, input_zero_point, bias })
    }
}

/// The positions of `image` that are `part`.
fn area(part: Option<&Part>, image: Image) -> Area {
    part.map_or(Area::of(image), |part| Area { rows: part.lines, columns: part.units })
}

/// Where the codes of `part` go in `output`, lines of `units` units of `elems` codes.
fn rest<'a>(mut output: CodesMut<'a>, part: Option<&Part>, units: u32, elems: u32) -> CodesMut<'a> {
    if let Some(part) = part {
        let _ = output.take_front(part.start(units).wrapping_mul(elems as usize));
    }
    output
}

/// The same of the pixels of an image.
fn pixels<'a>(output: CodesMut<'a>, part: Option<&Part>, [_, width, channels]: Image) -> CodesMut<'a> {
    rest(output, part, width, channels)
}

/// Codes `from * elems` to `to * elems` of `codes`.
fn rows<'a>(mut codes: Codes<'a>, [from, to]: [u32; 2], elems: u32) -> Codes<'a> {
    let elems = elems as usize;
    let _ = codes.take_front((from as usize).wrapping_mul(elems));
    codes.take_front((to.wrapping_sub(from) as usize).wrapping_mul(elems))
}

/// The tail of an op that writes `output`.
fn tail<'a, K: Isa>(
    isa: K,
    requant: Option<&'a Requant<'a>>,
    output: CodesMut<'a>,
) -> Stored<Said<'a, K>, CodesMut<'a>> {
    Stored { finish: Said { isa, requant }, output }
}

/// The work of a layer of images.
fn image_grid(output: &Tensor, window: &Window2d, channels: u32) -> Grid {
    let [lines, units, out_channels] = output.shape.image().unwrap_or_default();
    let work = u64::from(window.taps()).wrapping_mul(channels.into()).wrapping_mul(out_channels.into());
    Grid { lines, units, work }
}

/// Input channels of a group.
fn group_channels(input: &Tensor, groups: u16) -> u32 {
    let [.., channels] = input.shape.image().unwrap_or_default();
    channels.checked_div(groups.into()).unwrap_or_default()
}

/// Units of a row of the output of `dense`: its codes or, where filters are multiplied together, the row.
fn dense_units(dense: &Dense<'_>) -> u32 {
    match dense.layer.weights.packing {
        Packing::FilterPairs | Packing::FilterQuads => 1,
        _ => dense.out_features,
    }
}

impl Run for Dense<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let Some((mut input, output, scratch)) = memory.views_and_scratch(self.scratch) else { return };
        let units = dense_units(self);
        let codes = self.out_features.checked_div(units).unwrap_or_default();
        let output = rest(output, part, units, codes);
        let Layer { input_zero_point, weights, bias, ref requant, wide } = self.layer;
        let mut out_features = [0, self.out_features];
        if let Some(part) = part {
            input = rows(input, part.lines, self.in_features);
            out_features = part.units.map(|unit| unit.wrapping_mul(codes));
        }
        let out_features = out_features.map(|features| features as usize);
        let in_features = self.in_features as usize;
        let dense = kernels::dense::Dense { in_features, out_features, input_zero_point, bias };
        let tail = tail(isa, requant.as_ref(), output);
        kernels::dense::dense(&dense, weights, wide, input, scratch, tail);
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        let lines = output.shape.elems().checked_div(self.out_features).unwrap_or_default();
        let units = dense_units(self);
        let codes = self.out_features.checked_div(units).unwrap_or_default();
        Grid { lines, units, work: u64::from(self.in_features).saturating_mul(codes.into()) }
    }
}

impl Run for Conv2d<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let Some(conv) = memory.convolution(&self.window, self.groups, &self.layer, part) else { return };
        let image = memory.output.shape.image().unwrap_or_default();
        if let Some((input, output, scratch)) = memory.views_and_scratch(self.scratch) {
            let output = pixels(output, part, image);
            let (layer, tail) = (&self.layer, tail(isa, self.layer.requant.as_ref(), output));
            kernels::conv2d::conv2d(&conv, layer.weights, layer.wide, input, scratch, tail);
        }
    }

    fn grid(&self, input: &Tensor, output: &Tensor) -> Grid {
        image_grid(output, &self.window, group_channels(input, self.groups))
    }
}

impl Run for ConvTranspose2d<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let Some(conv) = memory.convolution(&self.window, self.groups, &self.layer, part) else { return };
        let image = memory.output.shape.image().unwrap_or_default();
        if let Some((input, output, scratch)) = memory.views_and_scratch(self.scratch) {
            let output = pixels(output, part, image);
            let (layer, tail) = (&self.layer, tail(isa, self.layer.requant.as_ref(), output));
            kernels::conv_transpose2d::conv_transpose2d(
                &conv,
                layer.weights,
                layer.wide,
                input,
                scratch,
                tail,
            );
        }
    }

    fn grid(&self, input: &Tensor, output: &Tensor) -> Grid {
        image_grid(output, &self.window, group_channels(input, self.groups))
    }
}

impl Run for MaxPool2d {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let (Some(from), Some(to)) = (memory.input.shape.image(), memory.output.shape.image()) else {
            return;
        };
        if let Some((input, output)) = memory.views() {
            let output = pixels(output, part, to);
            kernels::max_pool2d::max_pool2d(isa, &self.window, from, area(part, to), input, output);
        }
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        image_grid(output, &self.window, 1)
    }
}

impl Run for SumPool2d<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let (Some(from), Some(to)) = (memory.input.shape.image(), memory.output.shape.image()) else {
            return;
        };
        let pool = SumPool { window: &self.window, input_zero_point: self.input_zero_point, unit: self.unit };
        if let Some((input, output)) = memory.views() {
            let tail = tail(isa, self.requant.as_ref(), pixels(output, part, to));
            kernels::sum_pool2d::sum_pool2d(&pool, from, area(part, to), input, tail);
        }
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        image_grid(output, &self.window, 1)
    }
}

impl Run for Requantize<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let channels = self.channels as usize;
        let types = (memory.input.element, memory.output.element);
        if memory.input.lies_at(memory.output) {
            let mut place = memory.input.place();
            if let Some(part) = part {
                let row_bytes = self.channels.wrapping_mul(types.0.size_bytes());
                let at = |row: u32| place.start.wrapping_add(row.wrapping_mul(row_bytes) as usize);
                place = at(part.units[0])..at(part.units[1]);
            }
            let Some(bytes) = memory.space.arena.get_mut(place) else { return };
            let said = Said { isa, requant: Some(&self.requant) };
            if kernels::requantize::is_looked_up(channels, types, bytes.len()) {
                kernels::requantize::looked_up(isa, types, &said, None, bytes);
            } else {
                kernels::requantize::in_place(isa, channels, types, &said, bytes);
            }
        } else if let Some((mut input, output)) = memory.views() {
            let mut output = rest(output, part, 0, self.channels);
            if let Some(part) = part {
                input = rows(input, part.units, self.channels);
            }
            if kernels::requantize::is_looked_up(channels, types, input.len()) {
                let said = Said { isa, requant: Some(&self.requant) };
                let (input, output) = (input.as_bytes(), output.as_bytes_mut());
                kernels::requantize::looked_up(isa, types, &said, Some(input), output);
                return;
            }
            kernels::requantize::requantize(isa, channels, input, tail(isa, Some(&self.requant), output));
        }
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        let rows = output.shape.elems().checked_div(self.channels).unwrap_or_default();
        Grid::line(rows, self.channels.into())
    }
}

impl Run for Add<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let Some((operands, buffers)) = operands(memory, self.second, self.channels, part) else { return };
        let said = Said { isa, requant: self.requant.as_ref() };
        kernels::add::add(isa, &operands, self.multipliers, &said, buffers);
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        Grid::line(output.shape.elems(), 1)
    }
}

impl Run for Mul<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let Some((operands, buffers)) = operands(memory, self.second, self.channels, part) else { return };
        let said = Said { isa, requant: self.requant.as_ref() };
        if self.wide {
            kernels::mul::wide(isa, &operands, self.zero_points, &said, buffers);
        } else {
            kernels::mul::mul(isa, &operands, self.zero_points, &said, buffers);
        }
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        Grid::line(output.shape.elems(), 1)
    }
}

/// The tensors of an op of two operands, of which `part` is computed.
fn operands<'a>(
    memory: Memory<'a, '_, '_>,
    second: TensorId,
    channels: u32,
    part: Option<&Part>,
) -> Option<(Operands<Element, Element, Element>, Buffers<'a>)> {
    let second = memory.tensors.get(second)?;
    let elems = part.map_or([0, memory.output.shape.elems()], |part| part.units);
    let operands = Operands {
        first: memory.input.element,
        second: second.element,
        output: memory.output.element,
        period: second.shape.elems() as usize,
        channels,
        elems: elems.map(|elems| elems as usize),
    };
    Some((operands, memory.buffers(&second)?))
}

impl Run for Concat<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let (tensors, first, rows) = (memory.tensors, memory.input, self.rows as usize);
        let Some((reads, output)) = memory.written() else { return };
        let of_rows = |bytes: usize| {
            let row_bytes = bytes.checked_div(rows).unwrap_or_default();
            part.map_or(0..bytes, |part| {
                let [from, to] = part.units.map(|row| (row as usize).wrapping_mul(row_bytes));
                from..to
            })
        };
        let rows = part.map_or(rows, |part| part.count() as usize);
        let Some(output) = output.get_mut(of_rows(output.len())) else { return };
        let mut put = |input: &Tensor, first_byte: usize| {
            let bytes = reads.bytes(input).unwrap_or_default();
            let bytes = bytes.get(of_rows(bytes.len())).unwrap_or_default();
            kernels::concat::put(isa, bytes, output, rows, first_byte)
        };
        let mut first_byte = put(first, 0);
        for id in self.rest {
            let Some(input) = tensors.get(TensorId(*id)) else { return };
            first_byte = put(&input, first_byte);
        }
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        let work = output.shape.elems().checked_div(self.rows).unwrap_or_default();
        Grid::line(self.rows, work.into())
    }
}

/// At once, so that no state is half pushed.
impl Run for Push {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_, '_>, _: Option<&Part>) {
        if let Some((rows, state)) = memory.bytes() {
            kernels::push::push(isa, rows, state);
        }
    }

    fn grid(&self, _: &Tensor, output: &Tensor) -> Grid {
        Grid::whole(output.shape.elems().into())
    }
}

impl Run for TopK<'_> {
    fn run<K: Isa>(&self, _: K, memory: Memory<'_, '_, '_>, part: Option<&Part>) {
        let best = Best {
            elems: self.elems as usize,
            k: self.k,
            largest: self.largest,
            values: self.values,
            multipliers: self.multipliers,
            offsets: self.offsets,
        };
        if let Some((mut input, output)) = memory.views() {
            if let Some(part) = part {
                input = rows(input, part.units, self.elems);
            }
            kernels::top_k::top_k(&best, input, rest(output, part, 0, self.k));
        }
    }

    fn grid(&self, input: &Tensor, _: &Tensor) -> Grid {
        let rows = input.shape.elems().checked_div(self.elems).unwrap_or_default();
        Grid::line(rows, u64::from(self.elems).wrapping_mul(self.k.into()))
    }
}
