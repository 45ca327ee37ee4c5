//! What the integers of inputs and outputs stand for, as programs state it: lines of whole numbers in a common unit, so that a
//! device compares and rounds real numbers without a float.

use exactum_qonnx::ElemType;
use exactum_runtime::num::Unit;
use exactum_runtime::program::{After, Axes, Labels, Meaning as ProgramMeaning, PortNumbers};
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::exact::Piece;
use crate::graph::{ChannelMap, Dequantize, FileOutput, Graph, Meaning, Op, Storage, Type, Value, ValueId};

/// Most elements of a port whose channels no row and count say, so that each element is a channel of its own.
const MOST_CHANNELS: usize = 1 << 16;

/// Bits that rounded factors have.
const ROUNDED_BITS: u64 = 62;

/// What a port of a program stands for, with arrays of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PortMeaning {
    name: String,
    numbers: Option<Numbers>,
    labels: String,
    after: After,
    file_type: u8,
    channels_last: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Numbers {
    multipliers: Vec<i64>,
    offsets: Vec<i64>,
    unit: Unit,
    channels: u32,
    inner: u32,
    exact: bool,
}

impl PortMeaning {
    /// What each input of the program of a model stands for: the codes of its `quantized` graph.
    pub fn of_inputs(quantized: &Graph) -> Vec<Self> {
        let inputs = quantized.inputs.iter().zip(quantized.input_codes());
        let meaning = |(input, codes): (&ValueId, ValueId)| {
            let (input, codes) = (quantized.value(*input), quantized.value(codes));
            let elem = input.tensor.as_ref().map_or(ElemType::F32, |tensor| tensor.elem);
            let channels_last = input.tensor.as_ref().is_some_and(|tensor| tensor.channels_last);
            let own = if channels_last { Self::of_value(&turned(codes)) } else { Self::of_value(codes) };
            Self { name: input.name.clone(), file_type: data_type(elem), channels_last, ..own }
        };
        inputs.map(meaning).collect()
    }

    /// What each output stands for.
    pub fn of_outputs(quantized: &Graph) -> Vec<Self> {
        (0..quantized.outputs.len()).map(|position| Self::of_output(quantized, position)).collect()
    }

    /// The same with names of classes.
    #[must_use]
    pub fn with_labels(self, labels: &[String]) -> Self {
        Self { labels: labels.iter().flat_map(|label| [label.as_str(), "\0"]).collect(), ..self }
    }

    fn of_output(graph: &Graph, position: usize) -> Self {
        let id = graph.outputs[position];
        let FileOutput { name, tensor } = graph.result(position);
        let stored = graph.value(graph.integers(id));
        let own = Self { name, file_type: data_type(tensor.elem), ..Self::of_value(stored) };
        let producer = graph.producer(id).map(|index| &graph.nodes[index].op);
        let Some(Op::Dequantize(Dequantize { curve, channels, softmax })) = producer else { return own };
        // The first affine piece is the meaning of the integers, what follows is a function of that.
        let pieces = curve.pieces();
        let (line, rest) = match pieces {
            [Piece::Affine { gain, offset }, rest @ ..] => ((gain.clone(), offset.clone()), rest),
            rest => ((vec![BigRational::one()], vec![]), rest),
        };
        let after = match (rest, softmax) {
            ([], None) => After::Nothing,
            ([], Some(softmax)) if softmax.then.is_identity() && is_last(graph.value(id), softmax.axis) => {
                After::Softmax
            }
            ([Piece::Sigmoid], None) => After::Sigmoid,
            _ => After::Other,
        };
        let value = graph.value(id);
        let map = channels.clone().unwrap_or_else(|| ChannelMap::along(&value.shape, 1));
        let less = stored.codes().map_or(0, |codes| Storage::of(codes.int).less);
        Self { numbers: numbers(&line.0, &line.1, &map, value.elems(), less), after, ..own }
    }

    /// What the integers that a program stores for `value` stand for.
    fn of_value(value: &Value) -> Self {
        let (meaning, map, less) = match &value.ty {
            Type::Codes(codes) => {
                let map = codes.axis.map(|axis| ChannelMap::along(&value.shape, axis));
                (Meaning::of_codes(codes), map, Storage::of(codes.int).less)
            }
            Type::Accumulators { meaning: Some(meaning), .. } => {
                (meaning.clone(), meaning.channels.clone(), 0)
            }
            _ => return Self::default(),
        };
        let map = map.unwrap_or_else(|| ChannelMap::along(&value.shape, 1));
        let numbers = numbers(&meaning.gain, &meaning.offset, &map, value.elems(), less);
        Self { numbers, ..Self::default() }
    }

    /// Bytes of its arrays in an image.
    pub(super) fn size_bytes(&self) -> usize {
        let lists = self.numbers.iter().flat_map(|numbers| [&numbers.multipliers, &numbers.offsets]);
        let lists = lists.map(|list| size_of_val(list.as_slice()));
        let texts = [&self.name, &self.labels].into_iter().map(String::len);
        lists.chain(texts).map(|bytes| bytes.next_multiple_of(8)).sum()
    }

    /// As a program's writer takes it.
    pub fn view(&self) -> ProgramMeaning<'_> {
        ProgramMeaning {
            name: &self.name,
            labels: Labels(&self.labels),
            after: self.after,
            axes: if self.channels_last { Axes::ChannelsLast } else { Axes::OfFile },
            file_type: self.file_type,
            numbers: self.numbers.as_ref().map(|numbers| PortNumbers {
                multipliers: &numbers.multipliers,
                offsets: &numbers.offsets,
                unit: numbers.unit,
                channels: numbers.channels,
                inner: numbers.inner,
                exact: numbers.exact,
            }),
        }
    }
}

/// `codes` with the channels, axis 1, last.
fn turned(codes: &Value) -> Value {
    let mut turned = codes.clone();
    let channels = turned.shape.remove(1);
    turned.shape.push(channels);
    if let Type::Codes(codes) = &mut turned.ty {
        codes.axis = codes.axis.map(|axis| match axis {
            0 => 0,
            1 => turned.shape.len() - 1,
            axis => axis - 1,
        });
    }
    turned
}

/// The number of an element type in ONNX.
fn data_type(elem: ElemType) -> u8 {
    u8::try_from(elem.code()).unwrap_or(0)
}

/// Whether `axis` of `value` is the last that has more than one index.
fn is_last(value: &Value, axis: usize) -> bool {
    value.shape.iter().skip(axis + 1).all(|dim| *dim == 1)
}

/// The lines `gain * (q + less) + offset` of the channels in a common unit.
fn numbers(
    gain: &[BigRational],
    offset: &[BigRational],
    map: &ChannelMap,
    elems: usize,
    less: i64,
) -> Option<Numbers> {
    let shared = gain.len() <= 1 && offset.len() <= 1;
    let at = |values: &[BigRational], channel: usize| {
        values.get(channel).or(values.first()).cloned().unwrap_or_else(BigRational::zero)
    };
    // Channels of which rows are a stride and a count, or each element by itself.
    let (channels, inner, of_channel): (usize, usize, Vec<usize>) = match map.digits.as_slice() {
        _ if shared => (1, 1, vec![0]),
        [[stride, count]] if map.order.is_empty() && elems.is_multiple_of(stride * count) => {
            (*count, *stride, (0..*count).collect())
        }
        _ if elems <= MOST_CHANNELS => (elems, 1, (0..elems).map(|element| map.channel(element)).collect()),
        _ => return None,
    };
    let less = BigRational::from_integer(less.into());
    let lines: Vec<[BigRational; 2]> = of_channel
        .into_iter()
        .map(|channel| {
            let gain = at(gain, channel);
            [gain.clone(), at(offset, channel) + gain * &less]
        })
        .collect();
    let unit = common_unit(lines.iter().flatten())?;
    let whole = |unit: &BigRational| -> Option<Vec<[i64; 2]>> {
        let count = |real: &BigRational| (real / unit).round().to_integer().to_i64();
        lines.iter().map(|[gain, offset]| Some([count(gain)?, count(offset)?])).collect()
    };
    let (counts, unit, exact) = match whole(&unit) {
        Some(counts) => (counts, unit, true),
        None => {
            let largest = lines.iter().flatten().map(Signed::abs).max()?;
            let unit = largest / BigRational::from_integer(BigInt::one() << ROUNDED_BITS);
            (whole(&unit)?, unit, false)
        }
    };
    let column = |which: usize| -> Vec<i64> {
        let all: Vec<i64> = counts.iter().map(|line| line[which]).collect();
        if all.iter().all(|count| *count == all[0]) { vec![all[0]] } else { all }
    };
    let (multipliers, mut offsets) = (column(0), column(1));
    if offsets == [0] {
        offsets.clear();
    }
    Some(Numbers {
        multipliers,
        offsets,
        unit: nearest_unit(&unit)?,
        channels: channels.try_into().ok()?,
        inner: inner.try_into().ok()?,
        exact,
    })
}

/// The largest real number of which all of `reals` are whole multiples; `None` if all are zero.
fn common_unit<'a>(reals: impl Iterator<Item = &'a BigRational>) -> Option<BigRational> {
    let join = |unit: Option<BigRational>, real: &BigRational| match unit {
        _ if real.is_zero() => unit,
        None => Some(real.abs()),
        Some(unit) => Some(BigRational::new(unit.numer().gcd(real.numer()), unit.denom().lcm(real.denom()))),
    };
    reals.fold(None, join)
}

/// `real`, which is positive, as a mantissa of 64 bits and a power of two, rounded down if it has more; without zeros at its
/// end. `None` if the power does not fit.
fn nearest_unit(real: &BigRational) -> Option<Unit> {
    let (numer, denom) = (real.numer().magnitude(), real.denom().magnitude());
    let shift = 64 + denom.bits() as i64 - numer.bits() as i64;
    let scaled: BigUint =
        if shift >= 0 { (numer << shift as u64) / denom } else { numer / (denom << -shift as u64) };
    // 64 or 65 bits.
    let extra = scaled.bits().saturating_sub(64);
    let mantissa = (&scaled >> extra).to_u64()?;
    let zeros = mantissa.trailing_zeros();
    let exponent = i16::try_from(extra as i64 + i64::from(zeros) - shift).ok()?;
    Some(Unit { mantissa: mantissa >> zeros, exponent })
}
