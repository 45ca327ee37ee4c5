//! Integer codes in the file: which real numbers they stand for, and how reals and codes become each other.

use exactum_qonnx::ElemType;
use exactum_runtime::num::{IntType, Rounding};

use super::inputs::integer_type;
use super::tensor::Tensor;
use super::{Context, Lifter, Operand};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Affine, Codes, Constant, Op, QuantAttributes, TensorType, Type, ValueId};

/// What integer codes stand for: `(code - zero_point) * scale`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coding {
    /// One scale, or one for each index along `axis`.
    pub(super) scale: Vec<f32>,
    /// As many zero points.
    pub(super) zero_point: Vec<i64>,
    /// Axis of the channels.
    pub(super) axis: Option<usize>,
    /// Integers that the codes can be.
    pub(super) int: IntType,
    /// Element type in the file.
    pub(super) elem: ElemType,
}

/// Where a node has the parameters of a coding.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    /// Operand of the scale.
    pub(super) scale: usize,
    /// Operand of the zero point.
    pub(super) zero_point: usize,
}

impl Coding {
    /// Integers of type `int` that stand for themselves, in elements of type `elem`.
    pub(super) fn plain(int: IntType, elem: ElemType) -> Self {
        Self { scale: vec![1.0], zero_point: vec![0], axis: None, int, elem }
    }

    /// The type of a tensor of these codes.
    pub(super) fn tensor(&self) -> TensorType {
        let Self { scale, zero_point, axis, elem, .. } = self.clone();
        TensorType { elem, scale, zero_point, axis, channels_last: false }
    }

    /// Scale and zero point, if all channels have the same.
    pub(super) fn single(&self) -> Option<(f32, i64)> {
        (self.scale.len() == 1).then(|| (self.scale[0], self.zero_point[0]))
    }

    /// Whether codes mean the same, whatever type holds them.
    fn means(&self, other: &Self) -> bool {
        (&self.scale, &self.zero_point, self.axis) == (&other.scale, &other.zero_point, other.axis)
    }
}

/// The coding with the parameters at `at`, for codes of shape `shape`. Codes of type `elem` if no zero point says.
pub(super) fn read(
    context: &Context<'_>,
    at: At,
    shape: &[usize],
    elem: Option<ElemType>,
) -> Result<Coding, Diagnostic> {
    read_along(context, at, shape, elem, context.node.int("axis").unwrap_or(1))
}

/// As [`read`], with channels along `axis`.
pub(super) fn read_along(
    context: &Context<'_>,
    at: At,
    shape: &[usize],
    elem: Option<ElemType>,
    axis: i64,
) -> Result<Coding, Diagnostic> {
    let scales = context.tensor(at.scale)?;
    let zero_points = context.optional_tensor(at.zero_point)?;
    let elem = match (&zero_points, elem) {
        (_, Some(elem)) => elem,
        (Some(tensor), None) => tensor.elem,
        (None, None) => ElemType::U8,
    };
    let Some(int) = integer_type(elem) else {
        let found = format!("codes of type {elem}");
        let needed = "integers of 2, 4, 8, 16 or 32 bits";
        return Err(context.form(format!("input {}", at.zero_point), found, needed));
    };
    let part = format!("input {}", at.scale);
    let mut scale = vec![];
    for wide in scales.numbers.reals() {
        let narrow = wide as f32;
        if !narrow.is_finite() || narrow <= 0.0 {
            return Err(context.problem(
                Code::BadScale,
                part,
                format!("{wide:?}"),
                "a positive finite number",
            ));
        }
        if f64::from(narrow) != wide {
            let found = format!("{wide:?}");
            return Err(context.problem(Code::BadTensor, part, found, "scales that float32 holds exactly"));
        }
        scale.push(narrow);
    }
    let zero_point = match &zero_points {
        None => vec![0; scale.len()],
        Some(tensor) => {
            let values = tensor.as_ints().map(<[i64]>::to_vec).unwrap_or_default();
            if values.len() == 1 { vec![values[0]; scale.len()] } else { values }
        }
    };
    if scale.is_empty() || zero_point.len() != scale.len() {
        let found = format!("{} scales and {} zero points", scale.len(), zero_point.len());
        return Err(context.problem(Code::BadChannels, part, found, "as many of both, one at least"));
    }
    let range = int.range();
    if let Some(bad) = zero_point.iter().find(|zero_point| !range.contains(**zero_point)) {
        let part = format!("input {}", at.zero_point);
        return Err(context.problem(Code::BadZeroPoint, part, bad.to_string(), format!("one of {range}")));
    }
    let equal = |i: &usize| (scale[*i], zero_point[*i]) == (scale[0], zero_point[0]);
    if (0..scale.len()).all(|i| equal(&i)) {
        return Ok(Coding { scale: vec![scale[0]], zero_point: vec![zero_point[0]], axis: None, int, elem });
    }
    if context.node.int("block_size").unwrap_or(0) != 0 {
        let problem = context.attribute("block_size", "scales for blocks", "0");
        return Err(problem.with_hint("quantize for the whole tensor or for each channel"));
    }
    // Of lists some files leave the axis out.
    let axis = if shape.len() == 1 { 0 } else { context.axis(axis, shape.len())? };
    if shape[axis] != scale.len() || scales.shape.len() > 1 {
        let found = format!("scales of shape {:?} for axis {axis} of {shape:?}", scales.shape);
        return Err(context.problem(
            Code::BadChannels,
            part,
            found,
            "one scale, or one for each index of the axis",
        ));
    }
    Ok(Coding { scale, zero_point, axis: Some(axis), int, elem })
}

impl Lifter<'_> {
    /// Codes of `x`, as `QuantizeLinear` makes them.
    pub(super) fn encode(
        &mut self,
        context: &Context<'_>,
        x: ValueId,
        coding: Coding,
        clip: Option<[i64; 2]>,
    ) -> Result<Operand, Diagnostic> {
        let rank = self.shape(x).len();
        let shape = match coding.axis {
            Some(axis) => (0..rank).map(|i| if i == axis { coding.scale.len() } else { 1 }).collect(),
            None => vec![],
        };
        let attributes = QuantAttributes {
            signed: coding.int.signed,
            narrow: false,
            rounding: Rounding::HalfEven,
            zero_point_outside: true,
            clip,
        };
        // Zero points have at most 16 bits here, or are 0.
        let zero_points = coding.zero_point.iter().map(|zero_point| *zero_point as f32).collect();
        let name = |part: &str| format!("{}:{part}", context.name);
        let scale = self.floats(&name("scale"), &shape, coding.scale.clone());
        let zero_point = self.floats(&name("zero_point"), &shape, zero_points);
        let bits = self.floats(&name("bits"), &[], vec![f32::from(coding.int.width.bits())]);
        let id = self.emit(context, Op::Quant(attributes), vec![x, scale, zero_point, bits], None)?;
        Ok(Operand { id, coding: Some(coding) })
    }

    /// The reals that operand `index` stands for if its codes are read with `coding`.
    pub(super) fn decode(
        &mut self,
        context: &Context<'_>,
        index: usize,
        coding: &Coding,
    ) -> Result<ValueId, Diagnostic> {
        if let Ok(tensor) = context.tensor(index) {
            return self.decode_constant(context, index, &tensor, coding);
        }
        let operand = self.value(context, index)?;
        let Some(known) = operand.coding else {
            let problem = context.form(format!("input {index}"), "real numbers", "integer codes");
            return Err(problem.with_hint("put a QuantizeLinear before the node"));
        };
        self.reread(context, index, operand.id, &known, coding)
    }

    /// The reals that codes stand for if they are read with `coding`, where `id` are those of `known` and the codes are
    /// operand `index`.
    pub(super) fn reread(
        &mut self,
        context: &Context<'_>,
        index: usize,
        id: ValueId,
        known: &Coding,
        coding: &Coding,
    ) -> Result<ValueId, Diagnostic> {
        if known.means(coding) {
            return Ok(id);
        }
        let (Some((from, zero)), Some((to, other))) = (known.single(), coding.single()) else {
            let found = "codes read with other scales for channels than they were made with";
            return Err(context.form(format!("input {index}"), found, "the same scales, or one scale each"));
        };
        // (x / from + zero - other) * to; differences of codes times a float32 fit a double.
        let affine = Affine {
            multiply: vec![f64::from(to)],
            divide: vec![f64::from(from)],
            add: vec![(zero - other) as f64 * f64::from(to)],
            axis: 1,
        };
        self.emit(context, Op::Affine(affine), vec![id], None)
    }

    /// A constant of codes. Zero points are taken off them, so that the constant has none.
    fn decode_constant(
        &mut self,
        context: &Context<'_>,
        index: usize,
        tensor: &Tensor,
        coding: &Coding,
    ) -> Result<ValueId, Diagnostic> {
        let part = || format!("input {index}");
        let Some(values) = tensor.as_ints().filter(|values| !values.is_empty()) else {
            let found = format!("{} elements of type {}", tensor.len(), tensor.elem);
            return Err(context.problem(Code::BadTensor, part(), found, "integer codes, one at least"));
        };
        let inner: usize = coding.axis.map_or(1, |axis| tensor.shape[axis + 1..].iter().product());
        let channels = coding.zero_point.len();
        let code = |(i, value): (usize, &i64)| {
            let code = value.checked_sub(coding.zero_point[i / inner.max(1) % channels])?;
            i32::try_from(code).ok()
        };
        let Some(codes) = values.iter().enumerate().map(code).collect::<Option<Vec<i32>>>() else {
            return Err(context.problem(
                Code::BadTensor,
                part(),
                "codes beyond 32 bits",
                "codes of at most 32 bits",
            ));
        };
        let ty = Codes::of_constant(&codes, coding.scale.clone(), coding.axis);
        let name = format!("{}:{}", context.name, context.node.input(index).unwrap_or_default());
        Ok(self.constant(&name, &tensor.shape, Type::Codes(ty), Constant::Codes(codes)))
    }

    /// Shape and elements of operand `index`, which is a constant, of dequantized codes too.
    pub(super) fn numbers(
        &self,
        context: &Context<'_>,
        index: usize,
    ) -> Result<(Vec<usize>, Vec<f64>), Diagnostic> {
        let value = context.value(index).map(|operand| self.graph.value(operand.id));
        let Some((value, Type::Codes(codes), Some(Constant::Codes(elements)))) =
            value.map(|value| (value, &value.ty, &value.constant))
        else {
            let tensor = context.tensor(index)?;
            return Ok((tensor.shape.clone(), tensor.numbers.reals()));
        };
        let inner = codes.axis.map_or(1, |axis| value.shape[axis + 1..].iter().product::<usize>()).max(1);
        // Codes of at most 29 bits times a float32 are doubles.
        let real = |(index, code): (usize, &i32)| {
            f64::from(*code) * f64::from(codes.scale[index / inner % codes.scale.len()])
        };
        Ok((value.shape.clone(), elements.iter().enumerate().map(real).collect()))
    }

    /// The bias at operand `index`, which counts in units of the accumulator: codes without a scale.
    pub(super) fn bias_in_units(
        &mut self,
        context: &Context<'_>,
        index: usize,
    ) -> Result<Option<ValueId>, Diagnostic> {
        if context.optional(index).is_none() {
            return Ok(None);
        }
        let tensor = context.tensor(index)?;
        let id =
            self.decode_constant(context, index, &tensor, &Coding::plain(IntType::INT32, ElemType::I32))?;
        if let Type::Codes(codes) = &mut self.graph.value_mut(id).ty {
            codes.scale.clear();
        }
        Ok(Some(id))
    }

    /// The numbers that the codes of `operand` are.
    pub(super) fn as_numbers(
        &mut self,
        context: &Context<'_>,
        index: usize,
        coding: &Coding,
        id: ValueId,
    ) -> Result<ValueId, Diagnostic> {
        match coding.single() {
            Some((1.0, 0)) => Ok(id),
            Some((scale, zero_point)) => {
                let affine = Affine {
                    multiply: vec![1.0],
                    divide: vec![f64::from(scale)],
                    add: vec![zero_point as f64],
                    axis: 1,
                };
                self.emit(context, Op::Affine(affine), vec![id], None)
            }
            None => {
                let found = "integer codes with a scale for each channel";
                Err(context.form(format!("input {index}"), found, "one scale for the whole value"))
            }
        }
    }
}
