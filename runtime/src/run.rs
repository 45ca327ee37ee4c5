//! From ops to kernels: each op's geometry and constants, and the slices of the arena that its tensors are.

use exactum_format::op::{
    Add, Concat, Conv2d, ConvTranspose2d, Dense, MaxPool2d, Mul, OpBody, Push, Rearrange, Requantize,
    SumPool2d, TopK,
};
use exactum_format::{Layer, OpKind, OpRecord, Tensor, TensorId, Tensors, Window2d, program_ops};
use exactum_kernels as kernels;
use exactum_kernels::conv2d::Conv;
use exactum_kernels::elementwise::{Operands, Place};
use exactum_kernels::isa::Isa;
use exactum_kernels::rearrange::Layout;
use exactum_kernels::sum_pool2d::SumPool;
use exactum_kernels::tail::{Said, Stored};
use exactum_kernels::top_k::Best;
use exactum_num::Requant;
use exactum_num::codes::{Codes, CodesMut, Element};

use crate::arena::{disjoint, disjoint_with_scratch};

/// The tensors of an op and where they lie.
struct Memory<'a, 'p> {
    tensors: Tensors<'p>,
    input: &'a Tensor,
    output: &'a Tensor,
    arena: &'a mut [u8],
}

/// An op that is computed by a kernel.
trait Run {
    /// Computes the output. Does nothing, or writes wrong codes, where loading would have refused the op; never panics.
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>);
}

macro_rules! dispatch {
    ($($(#[doc = $about:literal])* $code:literal $ty:ident $(<$lifetime:lifetime>)? $name:literal;)*) => {
        /// Runs the op of a checked record; nothing happens if its kernel is left out, which loading refuses.
        pub(crate) fn run<K: Isa>(
            isa: K,
            record: OpRecord<'_>,
            tensors: Tensors<'_>,
            arena: &mut [u8],
        ) {
            let input = record.input().and_then(|id| tensors.get(id));
            let (Some(input), Some(output)) = (&input, &tensors.get(record.output())) else { return };
            let memory = Memory { tensors, input, output, arena };
            match record.code() {
                $($code if OpKind::$ty.is_built() => run_as::<K, $ty>(isa, record, memory),)*
                _ => {}
            }
        }
    };
}

program_ops!(dispatch);

/// Runs it as an op of one kind. Not inlined, so that each kind has a stack frame of its own size.
#[inline(never)]
fn run_as<'p, K: Isa, B: OpBody<'p> + Run>(isa: K, record: OpRecord<'p>, memory: Memory<'_, '_>) {
    // By reference: it stays where it was decoded.
    if let Ok(op) = &B::read(record) {
        op.run(isa, memory);
    }
}

impl<'a> Memory<'a, '_> {
    /// The codes of the input and, to be written, of the output; `None` if they share bytes or lie outside.
    fn views(self) -> Option<(Codes<'a>, CodesMut<'a>)> {
        let (read, write) = disjoint(self.arena, self.input.place(), self.output.place())?;
        Some((
            Codes::from_bytes(self.input.element, read)?,
            CodesMut::from_bytes(self.output.element, write)?,
        ))
    }

    /// The same with scratch for 16-bit codes: that of the tensor `scratch`, or none.
    fn views_and_scratch(
        self,
        scratch: Option<TensorId>,
    ) -> Option<(Codes<'a>, CodesMut<'a>, &'a mut [i16])> {
        let Some(scratch) = scratch else {
            let (input, output) = self.views()?;
            return Some((input, output, &mut []));
        };
        let place = self.tensors.get(scratch)?.place();
        let (read, write, scratch) =
            disjoint_with_scratch(self.arena, self.input.place(), self.output.place(), place)?;
        let CodesMut::I16(scratch) = CodesMut::from_bytes(Element::I16, scratch)? else { return None };
        Some((
            Codes::from_bytes(self.input.element, read)?,
            CodesMut::from_bytes(self.output.element, write)?,
            scratch,
        ))
    }

    /// Operands of an op of two tensors, of which the arena is the buffer.
    fn operands(&self, second: TensorId, channels: u32) -> Option<Operands<Element, Element, Element>> {
        let second = self.tensors.get(second)?;
        let (first, second, output) = (place(self.input), place(&second), place(self.output));
        Some(Operands { first, second, output, channels })
    }

    fn convolution<'r>(&self, window: &'r Window2d, groups: u16, layer: &'r Layer<'r>) -> Option<Conv<'r>> {
        let (input, output) = (self.input.shape.image()?, self.output.shape.image()?);
        let Layer { input_zero_point, bias, .. } = *layer;
        Some(Conv { window, groups, input, output, input_zero_point, bias })
    }
}

/// The tail of an op that writes `output`.
fn tail<'a, K: Isa>(
    isa: K,
    requant: Option<&'a Requant<'a>>,
    output: CodesMut<'a>,
) -> Stored<Said<'a, K>, CodesMut<'a>> {
    Stored { finish: Said { isa, requant }, output }
}

fn place(tensor: &Tensor) -> Place<Element> {
    Place {
        element: tensor.element,
        offset_bytes: tensor.offset_bytes as usize,
        elems: tensor.shape.elems() as usize,
    }
}

impl Run for Dense<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let Some((input, output, scratch)) = memory.views_and_scratch(self.scratch) else { return };
        let Layer { input_zero_point, weights, bias, ref requant, wide } = self.layer;
        let [in_features, out_features] = [self.in_features, self.out_features].map(|codes| codes as usize);
        let dense = kernels::dense::Dense { in_features, out_features, input_zero_point, bias };
        let tail = tail(isa, requant.as_ref(), output);
        kernels::dense::dense(&dense, weights, wide, input, scratch, tail);
    }
}

impl Run for Conv2d<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let Some(conv) = memory.convolution(&self.window, self.groups, &self.layer) else { return };
        if let Some((input, output, scratch)) = memory.views_and_scratch(self.scratch) {
            let (layer, tail) = (&self.layer, tail(isa, self.layer.requant.as_ref(), output));
            kernels::conv2d::conv2d(&conv, layer.weights, layer.wide, input, scratch, tail);
        }
    }
}

impl Run for ConvTranspose2d<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let Some(conv) = memory.convolution(&self.window, self.groups, &self.layer) else { return };
        if let Some((input, output, scratch)) = memory.views_and_scratch(self.scratch) {
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
}

impl Run for MaxPool2d {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let (Some(from), Some(to)) = (memory.input.shape.image(), memory.output.shape.image()) else {
            return;
        };
        if let Some((input, output)) = memory.views() {
            kernels::max_pool2d::max_pool2d(isa, &self.window, from, to, input, output);
        }
    }
}

impl Run for SumPool2d<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let (Some(from), Some(to)) = (memory.input.shape.image(), memory.output.shape.image()) else {
            return;
        };
        let pool = SumPool { window: &self.window, input_zero_point: self.input_zero_point, unit: self.unit };
        if let Some((input, output)) = memory.views() {
            let tail = tail(isa, self.requant.as_ref(), output);
            kernels::sum_pool2d::sum_pool2d(&pool, from, to, input, tail);
        }
    }
}

impl Run for Requantize<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let channels = self.channels as usize;
        if memory.input.place() == memory.output.place() {
            let types = (memory.input.element, memory.output.element);
            let Some(bytes) = memory.arena.get_mut(memory.input.place()) else { return };
            let said = Said { isa, requant: Some(&self.requant) };
            kernels::requantize::in_place(isa, channels, types, &said, bytes);
        } else if let Some((input, output)) = memory.views() {
            kernels::requantize::requantize(isa, channels, input, tail(isa, Some(&self.requant), output));
        }
    }
}

impl Run for Rearrange {
    fn run<K: Isa>(&self, _: K, memory: Memory<'_, '_>) {
        let layout = Layout {
            dims: &self.dims,
            strides: &self.strides,
            before: &self.before,
            sizes: &self.sizes,
            first: self.first,
            fill: self.fill,
        };
        if let Some((input, output)) = memory.views() {
            kernels::rearrange::rearrange(&layout, input, output);
        }
    }
}

impl Run for Add<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        if let Some(operands) = memory.operands(self.second, self.channels) {
            let said = Said { isa, requant: self.requant.as_ref() };
            kernels::add::add(isa, &operands, self.multipliers, &said, memory.arena);
        }
    }
}

impl Run for Mul<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let Some(operands) = memory.operands(self.second, self.channels) else { return };
        let said = Said { isa, requant: self.requant.as_ref() };
        if self.wide {
            kernels::mul::wide(isa, &operands, self.zero_points, &said, memory.arena);
        } else {
            kernels::mul::mul(isa, &operands, self.zero_points, &said, memory.arena);
        }
    }
}

impl Run for Concat<'_> {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        let (rows, output) = (self.rows as usize, memory.output.place());
        let mut put = |input: &Tensor, first_byte: usize| {
            disjoint(memory.arena, input.place(), output.clone())
                .map_or(first_byte, |(from, to)| kernels::concat::put(isa, from, to, rows, first_byte))
        };
        let mut first_byte = put(memory.input, 0);
        for id in self.rest {
            let Some(input) = memory.tensors.get(TensorId(*id)) else { return };
            first_byte = put(&input, first_byte);
        }
    }
}

impl Run for Push {
    fn run<K: Isa>(&self, isa: K, memory: Memory<'_, '_>) {
        if let Some((rows, state)) = disjoint(memory.arena, memory.input.place(), memory.output.place()) {
            kernels::push::push(isa, rows, state);
        }
    }
}

impl Run for TopK<'_> {
    fn run<K: Isa>(&self, _: K, memory: Memory<'_, '_>) {
        let best = Best {
            elems: self.elems as usize,
            k: self.k,
            largest: self.largest,
            values: self.values,
            multipliers: self.multipliers,
            offsets: self.offsets,
        };
        if let Some((input, output)) = memory.views() {
            kernels::top_k::top_k(&best, input, output);
        }
    }
}
