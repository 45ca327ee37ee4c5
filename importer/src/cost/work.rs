//! What an op of a program has to do, counted: the terms that its kernel's instructions are a sum of.
//!
//! Each term counts turns of one of the kernel's loops, so that a table with one number for each predicts every shape.

use exactum_runtime::codes::Codes;
use exactum_runtime::kernels;
use exactum_runtime::kernels::add::ByteSum;
use exactum_runtime::kernels::high::HighForm;
use exactum_runtime::kernels::requantize::is_looked_up;
use exactum_runtime::num::Requant;
use exactum_runtime::program::op::{Bias, Layer, Multipliers, Rearrange};
use exactum_runtime::program::{Op, Packing, Program, Shape, TensorId, Window2d, patch_elems};

/// Elements that a kernel gathers at most before it multiplies them.
const PATCH_ELEMS: u64 = patch_elems(usize::MAX) as u64;

/// Channels that a kernel computes at once.
const BLOCK_CHANNELS: u64 = kernels::BLOCK_CHANNELS as u64;

/// The work of one op.
#[derive(Clone, Debug, PartialEq)]
pub struct Work<'p> {
    /// The kernel, with what of it depends on packing and types: `conv2d/row-major/i8`.
    pub kernel: String,
    /// How often each of its loops turns, by name.
    pub terms: Vec<(&'static str, u64)>,
    /// Elements that are requantized.
    pub requantized: u64,
    /// How they are.
    pub requant: Option<Requant<'p>>,
}

impl<'p> Work<'p> {
    /// The work of `op` in `program`; `None` for ops of a later runtime.
    pub fn of(program: &Program<'p>, op: &Op<'p>) -> Option<Self> {
        let shape = |id: TensorId| program.tensor(id).map(|tensor| tensor.shape);
        let (input, output) = (shape(op.operand(0)?)?, shape(op.output())?);
        let elems = u64::from(output.elems());
        let work = |kernel: &str, terms: Vec<(&'static str, u64)>, requant: Option<Requant<'p>>| Work {
            kernel: format!("{}{kernel}", op.kind().name()),
            terms: [vec![("op", 1)], terms].concat(),
            requantized: if requant.is_some() { elems } else { 0 },
            requant,
        };
        Some(match op {
            Op::Dense(dense) => {
                let (inputs, outputs) = (u64::from(dense.in_features), u64::from(dense.out_features));
                let rows = elems / outputs.max(1);
                if let Some(together) = Together::of(&dense.layer) {
                    let high = is_high(&dense.layer, program, dense.output, outputs);
                    let mut terms = vec![("position", rows), ("gathered", rows * inputs)];
                    terms.extend(together.blocks(rows, outputs, inputs, high));
                    return Some(high_work(work(&products(&dense.layer), terms, dense.layer.requant), high));
                }
                let blocks = rows * outputs.div_ceil(BLOCK_CHANNELS);
                let mut terms = vec![("block", blocks), ("gathered", blocks * inputs)];
                terms.extend(multiplied(rows, outputs, inputs));
                terms.extend([("bias", started(&dense.layer, elems)), ("output", elems)]);
                work(&products(&dense.layer), terms, dense.layer.requant)
            }
            Op::Conv2d(conv) => {
                let ([height, width, inputs], [rows, columns, outputs]) = (image(input)?, image(output)?);
                let taps = Taps::new(&conv.window, [height, width], [rows, columns]);
                let bias = started(&conv.layer, elems);
                let high = is_high(&conv.layer, program, conv.output, outputs);
                if let Some(together) = Together::of(&conv.layer) {
                    let filter = u64::from(conv.window.taps()) * inputs;
                    let pieces = taps.pieces(&conv.window, true);
                    let mut terms = vec![
                        ("position", rows * columns),
                        ("row", pieces.rows),
                        ("outside", rows * columns * filter - taps.inside() * inputs),
                        ("gathered", taps.inside() * inputs),
                    ];
                    terms.extend(together.blocks(rows * columns, outputs, filter, high));
                    return Some(high_work(work(&products(&conv.layer), terms, conv.layer.requant), high));
                }
                if conv.layer.weights.packing == Packing::Winograd {
                    let terms = tiles([rows, columns], inputs.div_ceil(4), outputs.div_ceil(4), high);
                    return Some(high_work(work(&products(&conv.layer), terms, conv.layer.requant), high));
                }
                if conv.layer.weights.packing == Packing::TapBlocks {
                    let (quads, last) = (outputs / 4, outputs % 4);
                    let pieces = taps.pieces(&conv.window, true);
                    let centered = if conv.layer.input_zero_point == 0 { "" } else { "/centered" };
                    let terms = vec![
                        ("position", rows * columns),
                        ("quad", rows * columns * quads),
                        ("row", pieces.rows * quads),
                        ("tap", taps.inside() * quads),
                        ("last", if last > 0 { rows * columns } else { 0 }),
                        ("last-tap", if last > 0 { taps.inside() } else { 0 }),
                    ];
                    let kernel = format!("{}{centered}", products(&conv.layer));
                    return Some(high_work(work(&kernel, terms, conv.layer.requant), high));
                }
                if conv.layer.weights.packing == Packing::TapMajor {
                    let blocks = outputs.div_ceil(BLOCK_CHANNELS);
                    let terms = vec![
                        ("position", rows * columns),
                        ("block", rows * columns * blocks),
                        ("tap", taps.inside() * blocks),
                        ("mac", taps.inside() * outputs),
                        ("bias", bias),
                        ("output", elems),
                    ];
                    return Some(work(&products(&conv.layer), terms, conv.layer.requant));
                }
                let groups = u64::from(conv.groups);
                let (of_group, own) = (inputs / groups.max(1), outputs / groups.max(1));
                let filter = u64::from(conv.window.taps()) * of_group;
                let blocks = groups * own.div_ceil(BLOCK_CHANNELS);
                let pieces = taps.pieces(&conv.window, groups == 1);
                let mut terms = vec![
                    ("position", rows * columns),
                    ("block", rows * columns * blocks),
                    ("run", blocks * pieces.runs),
                    ("tap", blocks * pieces.taps),
                    ("outside", blocks * pieces.outside),
                    ("gathered", rows * columns * blocks * filter),
                ];
                terms.extend(multiplied(rows * columns * groups, own, filter));
                terms.extend([("bias", bias), ("output", elems)]);
                work(&products(&conv.layer), terms, conv.layer.requant)
            }
            Op::ConvTranspose2d(conv) => {
                let ([height, width, inputs], [rows, columns, outputs]) = (image(input)?, image(output)?);
                let groups = u64::from(conv.groups);
                let (of_group, own) = (inputs / groups.max(1), outputs / groups.max(1));
                let blocks = groups * own.div_ceil(BLOCK_CHANNELS);
                let taps = u64::from(conv.window.taps());
                // Each element of the input meets every tap at one output, but for those that padding cuts off.
                let met = height * width * taps;
                let mut terms = vec![
                    ("block", rows * columns * blocks),
                    ("tap", rows * columns * blocks * taps),
                    ("piece", met * blocks),
                    ("gathered", met * blocks * of_group),
                ];
                terms.extend(multiplied(met * groups, own, of_group));
                terms.push(("output", elems));
                work(&products(&conv.layer), terms, conv.layer.requant)
            }
            Op::MaxPool2d(pool) => {
                let ([height, width, channels], [rows, columns, _]) = (image(input)?, image(output)?);
                let taps = Taps::new(&pool.window, [height, width], [rows, columns]);
                let terms = vec![
                    ("position", rows * columns),
                    ("tap", taps.inside()),
                    ("code", taps.inside() * channels),
                    ("output", elems),
                ];
                work("", terms, None)
            }
            Op::SumPool2d(pool) => {
                let ([height, width, channels], [rows, columns, _]) = (image(input)?, image(output)?);
                let taps = Taps::new(&pool.window, [height, width], [rows, columns]);
                let blocks = channels.div_ceil(BLOCK_CHANNELS);
                let terms = vec![
                    ("position", rows * columns),
                    ("block", rows * columns * blocks),
                    ("tap", taps.inside() * blocks),
                    ("code", taps.inside() * channels),
                    ("output", elems),
                ];
                work("", terms, pool.requant)
            }
            Op::Requantize(requantize) => {
                let channels = u64::from(requantize.channels).max(1);
                let row = if channels == 1 { elems } else { channels };
                let blocks = elems / row.max(1) * row.div_ceil(BLOCK_CHANNELS);
                let place = |id: TensorId| program.tensor(id).map(|tensor| tensor.offset_bytes);
                let in_place = op.operand(0).and_then(place) == place(op.output());
                let element = |id: TensorId| program.tensor(id).map(|tensor| tensor.element);
                let types = op.operand(0).and_then(element).zip(element(op.output()));
                if types.is_some_and(|types| is_looked_up(channels as usize, types, elems as usize)) {
                    // The codes of all bytes are made once.
                    let kind = if in_place { "/looked-up-in-place" } else { "/looked-up" };
                    let work = work(kind, vec![("output", elems)], Some(requantize.requant));
                    return Some(Work { requantized: 256, ..work });
                }
                work(
                    if in_place { "/in-place" } else { "" },
                    vec![("block", blocks), ("output", elems)],
                    Some(requantize.requant),
                )
            }
            Op::Add(add) => {
                let element = |id: TensorId| program.tensor(id).map(|tensor| tensor.element);
                let elements = [element(add.input)?, element(add.second)?, element(add.output)?];
                let bytes = ByteSum::of(add.multipliers, add.requant.as_ref(), elements);
                if bytes.is_some() && u64::from(shape(add.second)?.elems()) == elems {
                    return Some(work("/bytes", vec![("output", elems)], None));
                }
                let terms =
                    vec![("block", pair_blocks(add.channels, elems, shape(add.second)?)), ("output", elems)];
                let width = match add.multipliers {
                    Multipliers::I32([_]) => "",
                    Multipliers::I32(_) => "/channels",
                    Multipliers::I64(_) => "/wide",
                };
                work(width, terms, add.requant)
            }
            Op::Mul(mul) => {
                let terms =
                    vec![("block", pair_blocks(mul.channels, elems, shape(mul.second)?)), ("output", elems)];
                work(if mul.wide { "/wide" } else { "" }, terms, mul.requant)
            }
            Op::Concat(concat) => {
                let parts = 1 + concat.rest.len() as u64;
                let rows = u64::from(concat.rows) * parts;
                work("", vec![("part", parts), ("row", rows), ("output", elems)], None)
            }
            Op::Rearrange(move_) => {
                let Lines { planes, lines, contiguous } = lines(move_, elems);
                let kind = if contiguous { "/runs" } else { "/strided" };
                let read: u64 = move_.sizes.iter().map(|size| u64::from(*size)).product();
                let filled = ("filled", elems.saturating_sub(read));
                work(kind, vec![("plane", planes), ("line", lines), filled, ("output", elems)], None)
            }
            Op::TopK(top) => {
                let rows = u64::from(input.elems()) / u64::from(top.elems).max(1);
                let found = rows * u64::from(top.k);
                work("", vec![("found", found), ("compared", found * u64::from(top.elems))], None)
            }
            _ => return None,
        })
    }

    /// Codes that the requantization can give.
    pub fn codes(&self) -> u64 {
        self.requant.map_or(0, |requant| requant.range().hi.abs_diff(requant.range().lo) + 1)
    }
}

/// What of a kernel for products depends on the packing and the widths of its weights.
fn products(layer: &Layer<'_>) -> String {
    let element = match layer.weights.elements {
        Codes::I8(_) => "i8",
        Codes::U8(_) => "u8",
        Codes::I16(_) => "i16",
        Codes::I32(_) => "i32",
    };
    let wide = if layer.wide { "/wide" } else { "" };
    format!("/{}/{element}{wide}", layer.weights.packing.name())
}

/// What the names of kernels end with that make codes of sums in registers.
pub(super) const HIGH: &str = "/high";

/// Whether a layer has the tail that makes codes of sums in registers.
fn is_high(layer: &Layer<'_>, program: &Program<'_>, output: TensorId, channels: u64) -> bool {
    let element = program.tensor(output).map(|tensor| tensor.element);
    element.is_some_and(|element| {
        HighForm::of(layer.requant.as_ref(), layer.bias, channels as usize, element).is_some()
    })
}

/// The work of a kernel of its own where the tail is `high`, which makes codes as part of its loops.
fn high_work(work: Work<'_>, high: bool) -> Work<'_> {
    if !high {
        return work;
    }
    Work { kernel: format!("{}{HIGH}", work.kernel), requantized: 0, ..work }
}

/// How filters are multiplied together with codes that are gathered once.
enum Together {
    Pairs,
    Quads,
}

impl Together {
    fn of(layer: &Layer<'_>) -> Option<Self> {
        match layer.weights.packing {
            Packing::FilterPairs => Some(Self::Pairs),
            Packing::FilterQuads => Some(Self::Quads),
            _ => None,
        }
    }

    /// Blocks of filters at `positions`: pairs with a `high` tail four at two positions, else eight at one; quads four at one.
    fn blocks(&self, positions: u64, outputs: u64, elems: u64, high: bool) -> Vec<(&'static str, u64)> {
        let (two, one) = if high { (positions / 2, positions % 2) } else { (0, positions) };
        let (quads, octets) = match self {
            Self::Pairs => (two * outputs.div_ceil(4), one * outputs.div_ceil(8)),
            Self::Quads => (positions * outputs.div_ceil(4), 0),
        };
        let steps = elems.div_ceil(4);
        let quads = vec![("quads", quads), ("quad-step", quads * steps)];
        match self {
            Self::Pairs => [quads, vec![("octets", octets), ("octet-step", octets * steps)]].concat(),
            Self::Quads => quads,
        }
    }
}

/// Filters of 3 by 3 taps in tiles, of blocks of four input and four output channels: with a `high` tail two tiles of 2 by 2
/// outputs at a time, else an output.
fn tiles([rows, columns]: [u64; 2], inputs: u64, quads: u64, high: bool) -> Vec<(&'static str, u64)> {
    let tiles = if high { rows.div_ceil(2) * columns.div_ceil(4) } else { rows * columns };
    vec![
        ("tiles", tiles),
        ("transformed", tiles * inputs),
        ("quad", tiles * quads),
        ("quad-step", tiles * quads * inputs),
    ]
}

/// Blocks of an elementwise op with two operands: they end with the channels and with the second operand.
fn pair_blocks(channels: u32, elems: u64, second: Shape) -> u64 {
    let ends = [u64::from(channels), u64::from(second.elems())].into_iter().filter(|end| *end > 1);
    let row = ends.min().unwrap_or(elems).max(1);
    elems / row * row.div_ceil(BLOCK_CHANNELS)
}

/// What a change of layout copies.
struct Lines {
    /// Turns of the outer loops.
    planes: u64,
    /// Lines of elements.
    lines: u64,
    /// Whether the elements of a line lie side by side.
    contiguous: bool,
}

/// The lines of a change of layout of `elems` elements: axes that step evenly are one.
fn lines(op: &Rearrange, elems: u64) -> Lines {
    let axis = |axis: usize| {
        let [dim, size] = [op.dims[axis], op.sizes[axis]].map(u64::from);
        (dim, i64::from(op.strides[axis]), size == dim)
    };
    let mut merged: Vec<(u64, i64, bool)> = vec![];
    for (dim, stride, whole) in (0..6).rev().map(axis).filter(|(dim, _, whole)| *dim != 1 || !whole) {
        match merged.last_mut() {
            Some(inner) if inner.2 && stride == inner.1 * inner.0 as i64 => {
                *inner = (inner.0 * dim, inner.1, whole);
            }
            _ => merged.push((dim, stride, whole)),
        }
    }
    merged.resize(merged.len().max(2), (1, 0, true));
    let ((row, stride, whole), (rows, _, all)) = (merged[0], merged[1]);
    let planes = elems / (row * rows).max(1);
    // Of a whole plane the longer axis makes the lines.
    let plane = whole && all && stride != 1;
    let lines = planes * if plane { row.min(rows) } else { rows };
    Lines { planes, lines, contiguous: stride == 1 }
}

/// Height, width, channels.
fn image(shape: Shape) -> Option<[u64; 3]> {
    let [height, width, channels] = shape.dims() else { return None };
    Some([height, width, channels].map(|dim| u64::from(*dim)))
}

/// The products of `times` groups of `outputs` filters, each with `elems` gathered elements: filters are multiplied four at a
/// time and the rest of a block one by one, elements four at a time as well.
const fn multiplied(times: u64, outputs: u64, elems: u64) -> [(&'static str, u64); 5] {
    let (quads, singles) = (outputs / 4, outputs % BLOCK_CHANNELS % 4);
    let (patches, whole) = (elems.div_ceil(PATCH_ELEMS), elems / 4 * 4);
    [
        ("quads", times * quads * patches),
        ("singles", times * singles * patches),
        ("mac", times * 4 * quads * whole),
        ("single-mac", times * singles * whole),
        ("last-mac", times * outputs * (elems - whole)),
    ]
}

/// Elements of `elems` accumulators that start with a bias.
fn started(layer: &Layer<'_>, elems: u64) -> u64 {
    if layer.bias == Bias::None { 0 } else { elems }
}

/// For each row and each column of the output, how many taps of the window lie inside the input.
struct Taps([Vec<u64>; 2]);

impl Taps {
    fn new(window: &Window2d, input: [u64; 2], output: [u64; 2]) -> Self {
        let axes = window.axes();
        let along = |axis: usize| {
            let inside = |at: u64| axes[axis].inside(at as u32, input[axis] as u32).taps;
            (0..output[axis]).map(|at| inside(at).into()).collect()
        };
        Self([along(0), along(1)])
    }

    /// Taps inside, of all positions.
    fn inside(&self) -> u64 {
        let [rows, columns] = &self.0;
        rows.iter().sum::<u64>() * columns.iter().sum::<u64>()
    }

    /// What is gathered of all positions. A row of a window that lies inside is one run if `whole`: all channels are read.
    fn pieces(&self, window: &Window2d, whole: bool) -> Pieces {
        let [rows, columns] = &self.0;
        let [height, width] = window.size.map(u64::from);
        let inside: u64 = rows.iter().sum();
        let is_run = |inside: &u64| whole && window.dilation[1] == 1 && *inside == width;
        let runs = columns.iter().filter(|inside| is_run(inside)).count() as u64;
        Pieces {
            rows: inside * columns.len() as u64,
            runs: inside * runs,
            taps: inside * (columns.len() as u64 - runs) * width,
            outside: (rows.len() as u64 * height - inside) * columns.len() as u64,
        }
    }
}

/// Pieces of memory that windows consist of.
struct Pieces {
    /// Rows of windows, or what is inside of them.
    rows: u64,
    /// Whole rows of windows.
    runs: u64,
    /// Single taps.
    taps: u64,
    /// Rows that lie outside the input.
    outside: u64,
}
