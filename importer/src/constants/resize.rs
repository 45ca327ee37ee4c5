//! `Resize` and `Upsample`: where each element of the result lies in the input, which `lift` asks as well, and the weighted
//! means of constants around that place.

use exactum_qonnx::ElemType;

use super::{Call, Numbers, Problem, Result, Tensor, elems, family, of_type, one};
use exactum_host::elements::strides;

family! {
    "Resize" 1..=4 ["mode" "coordinate_transformation_mode" "nearest_mode" "axes" "keep_aspect_ratio_policy"
        "antialias" "cubic_coeff_a" "exclude_outside" "extrapolation_value"] resize;
    "Upsample" 1..=2 ["mode" "scales"] resize;
}

/// What becomes of one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) scale: f64,
}

/// All axes of a value of shape `from`; `None` if sizes or scales do not fit. Sizes come before scales.
pub(crate) fn axes(
    from: &[usize],
    axes: &[usize],
    scales: Option<&[f64]>,
    sizes: Option<&[i64]>,
    policy: &str,
) -> Option<Vec<Axis>> {
    let mut all: Vec<Axis> = from.iter().map(|from| Axis { from: *from, to: *from, scale: 1.0 }).collect();
    if sizes.map(<[i64]>::len).or(scales.map(<[f64]>::len)) != Some(axes.len()) {
        return None;
    }
    let ratio = |i: usize| sizes.map(|sizes| sizes[i] as f64 / from[axes[i]] as f64);
    let ratios = (0..axes.len()).filter_map(ratio);
    let one = match policy {
        "not_larger" => ratios.reduce(f64::min),
        "not_smaller" => ratios.reduce(f64::max),
        _ => None,
    };
    for (i, axis) in axes.iter().enumerate() {
        let axis = &mut all[*axis];
        (axis.to, axis.scale) = match (one, sizes, scales) {
            (Some(scale), ..) => ((scale * axis.from as f64 + 0.5).floor() as usize, scale),
            (None, Some(sizes), _) => (usize::try_from(sizes[i]).ok()?, sizes[i] as f64 / axis.from as f64),
            // The product is one of single precision for every reader.
            (None, None, Some(scales)) => ((axis.from as f32 * scales[i] as f32).floor() as usize, scales[i]),
            (None, None, None) => return None,
        };
    }
    all.iter().all(|axis| axis.scale.is_finite() && axis.scale > 0.0).then_some(all)
}

impl Axis {
    /// The place in the input of index `index` of the result. `region` is the part of the axis that is resized.
    fn place(&self, mode: &str, index: usize, region: (f64, f64)) -> Option<f64> {
        let (index, from, to) = (index as f64, self.from as f64, self.to as f64);
        Some(match mode {
            "half_pixel" => (index + 0.5) / self.scale - 0.5,
            "half_pixel_symmetric" => {
                let adjustment = to / (self.scale * from);
                from / 2.0 * (1.0 - adjustment) + (index + 0.5) / self.scale - 0.5
            }
            "pytorch_half_pixel" if self.to > 1 => (index + 0.5) / self.scale - 0.5,
            "align_corners" if self.to > 1 => index * (from - 1.0) / (to - 1.0),
            "pytorch_half_pixel" | "align_corners" => 0.0,
            "asymmetric" => index / self.scale,
            "tf_half_pixel_for_nn" => (index + 0.5) / self.scale,
            "tf_crop_and_resize" => {
                let (start, end) = region;
                let width = from - 1.0;
                if self.to > 1 {
                    start * width + index * (end - start) * width / (to - 1.0)
                } else {
                    0.5 * (start + end) * width
                }
            }
            _ => return None,
        })
    }

    /// Whether `mode` puts elements at places on which readers do not agree, since scales make a part of an element.
    pub(crate) fn is_ambiguous(&self, mode: &str) -> bool {
        mode == "align_corners" && (self.from as f64 * self.scale - self.to as f64).abs() > 1e-3
    }

    /// The element of the input that is nearest to each of the result's; `None` for modes that are none of this.
    pub(crate) fn nearest(&self, mode: &str, rounding: &str) -> Option<Vec<usize>> {
        (0..self.to).map(|index| self.nearest_to(self.place(mode, index, (0.0, 1.0))?, rounding)).collect()
    }

    fn nearest_to(&self, place: f64, rounding: &str) -> Option<usize> {
        let rounded = match rounding {
            "round_prefer_floor" => (place - 0.5).ceil(),
            "round_prefer_ceil" => (place + 0.5).floor(),
            "floor" => place.floor(),
            "ceil" => place.ceil(),
            _ => return None,
        };
        Some(rounded.clamp(0.0, self.from.saturating_sub(1) as f64) as usize)
    }
}

/// How elements around a place are weighted.
enum Kernel {
    Nearest { rounding: String },
    Linear,
    Cubic { a: f64 },
}

impl Kernel {
    /// How far elements count.
    const fn reach(&self) -> f64 {
        match self {
            Self::Cubic { .. } => 2.0,
            Self::Nearest { .. } | Self::Linear => 1.0,
        }
    }

    fn weight(&self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Self::Cubic { a } if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            Self::Cubic { a } if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
            Self::Cubic { .. } => 0.0,
            Self::Nearest { .. } | Self::Linear => (1.0 - x).max(0.0),
        }
    }
}

/// What the attributes say of the weights.
struct Filter {
    kernel: Kernel,
    /// Whether the kernel is stretched where the result is smaller than the input.
    smooth: bool,
    /// Whether what is outside has no weight; else it is the outermost element.
    inside: bool,
}

impl Filter {
    fn of(call: &Call<'_>, default_rounding: &str) -> Result<Self> {
        let kernel = match call.text("mode", "nearest")? {
            "nearest" => {
                Kernel::Nearest { rounding: call.text("nearest_mode", default_rounding)?.to_owned() }
            }
            "linear" | "bilinear" => Kernel::Linear,
            "cubic" => Kernel::Cubic { a: call.float("cubic_coeff_a", -0.75)? },
            other => return Err(call.no_form(format!("mode {other:?}"), "nearest, linear or cubic")),
        };
        let nearest = matches!(kernel, Kernel::Nearest { .. });
        let (smooth, inside) = (call.int("antialias", 0)? != 0, call.int("exclude_outside", 0)? != 0);
        if nearest && (smooth || inside) {
            return Err(call.no_form("antialias or exclude_outside of nearest elements", "neither"));
        }
        if call.operand(0)?.as_reals().is_none() && !nearest {
            return Err(of_type(call.operand(0)?, "floats, or mode nearest"));
        }
        Ok(Self { kernel, smooth, inside })
    }

    /// The elements that count at `place`, and how much.
    fn taps(&self, axis: &Axis, place: f64) -> Option<Vec<(usize, f64)>> {
        if let Kernel::Nearest { rounding } = &self.kernel {
            return Some(vec![(axis.nearest_to(place, rounding)?, 1.0)]);
        }
        let stretch = if self.smooth { axis.scale.min(1.0) } else { 1.0 };
        let reach = self.kernel.reach() / stretch;
        let last = axis.from.saturating_sub(1) as i64;
        let all = ((place - reach).ceil() as i64)..=((place + reach).floor() as i64);
        let weighted = all.map(|index| (index, self.kernel.weight((index as f64 - place) * stretch)));
        let kept: Vec<(i64, f64)> =
            weighted.filter(|(index, _)| !self.inside || (0..=last).contains(index)).collect();
        let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
        let total = if total == 0.0 { 1.0 } else { total };
        Some(kept.iter().map(|(index, weight)| ((*index).clamp(0, last) as usize, weight / total)).collect())
    }
}

fn resize(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let rank = x.shape.len();
    let modern = call.node.op_type == "Resize" && call.version >= 11;
    let (default_mode, default_rounding) =
        if modern { ("half_pixel", "round_prefer_floor") } else { ("asymmetric", "floor") };
    let mode = call.text("coordinate_transformation_mode", default_mode)?;
    let filter = Filter::of(call, default_rounding)?;
    let chosen = match call.ints("axes")? {
        Some(axes) => axes.iter().map(|axis| call.axis(*axis, rank)).collect::<Result<Vec<_>>>()?,
        None => (0..rank).collect(),
    };
    let scales = scales(call, if modern { 2 } else { 1 })?;
    let sizes = call.optional(3).map(|_| call.whole(3)).transpose()?.filter(|sizes| !sizes.is_empty());
    let policy = call.text("keep_aspect_ratio_policy", "stretch")?;
    let Some(all) = axes(&x.shape, &chosen, scales.as_deref(), sizes, policy).filter(|_| x.len() > 0) else {
        return Err(
            call.shapes(format!("{:?} by these scales or sizes", x.shape), "one above 0 for each axis")
        );
    };
    let mut regions = vec![(0.0, 1.0); rank];
    if mode == "tf_crop_and_resize" {
        let region = call.reals(1)?;
        if region.len() != 2 * chosen.len() || sizes.is_none() {
            return Err(
                call.no_form("a region without sizes, or of other axes", "a start and an end for each axis")
            );
        }
        for (i, axis) in chosen.iter().enumerate() {
            regions[*axis] = (region[i], region[chosen.len() + i]);
        }
    }
    if let Some(axis) = all.iter().find(|axis| axis.is_ambiguous(mode)) {
        let found = format!("{} elements scaled by {} with align_corners", axis.from, axis.scale);
        return Err(call.no_form(found, "scales that leave whole elements, or sizes"));
    }
    let shape = call.sized(all.iter().map(|axis| axis.to).collect())?;
    let outside = call.float("extrapolation_value", 0.0)?;
    let mut is_outside = vec![false];
    let mut result = x.clone();
    for (at, axis) in all.iter().enumerate() {
        let mut taps = vec![];
        let mut beyond = vec![];
        for index in 0..axis.to {
            let place = axis.place(mode, index, regions[at]);
            let found = place.and_then(|place| filter.taps(axis, place));
            let (Some(place), Some(found)) = (place, found) else {
                return Err(call.no_form(format!("coordinates {mode:?}"), "modes of the definition"));
            };
            beyond.push(mode == "tf_crop_and_resize" && !(0.0..=(axis.from - 1) as f64).contains(&place));
            taps.push(found);
        }
        is_outside =
            is_outside.iter().flat_map(|one| beyond.iter().map(move |other| *one || *other)).collect();
        result = along(call, &result, at, &taps)?;
    }
    if is_outside.contains(&true)
        && let Numbers::Real(values) = &mut result.numbers
    {
        values.iter_mut().zip(&is_outside).filter(|(_, is)| **is).for_each(|(value, _)| *value = outside);
    }
    one(match result.numbers {
        Numbers::Real(values) => Tensor::real(x.elem, shape, values),
        numbers => Tensor { elem: x.elem, shape, numbers },
    })
}

/// `x` with the weighted sums of `taps` along `axis`; nothing is rounded.
fn along(call: &Call<'_>, x: &Tensor, axis: usize, taps: &[Vec<(usize, f64)>]) -> Result<Tensor> {
    let inner = strides(&x.shape)[axis];
    let mut shape = x.shape.clone();
    shape[axis] = taps.len();
    let shape = call.sized(shape)?;
    call.steps(&[elems(&shape), taps.iter().map(Vec::len).max().unwrap_or(0)])?;
    let rows = x.len() / (x.shape[axis] * inner).max(1);
    let places = (0..rows).flat_map(|row| taps.iter().map(move |taps| (row * x.shape[axis] * inner, taps)));
    let places = places.flat_map(|(row, taps)| (row..row + inner).map(move |at| (at, taps)));
    let numbers = match &x.numbers {
        Numbers::Int(values) => {
            Numbers::Int(places.map(|(at, taps)| values[at + taps[0].0 * inner]).collect())
        }
        Numbers::Real(values) => Numbers::Real(
            places
                .map(|(at, taps)| super::number::sum(taps.iter().map(|(i, w)| w * values[at + i * inner])))
                .collect(),
        ),
    };
    Ok(Tensor { elem: ElemType::Undefined, shape, numbers })
}

fn scales(call: &Call<'_>, index: usize) -> std::result::Result<Option<Vec<f64>>, Problem> {
    use exactum_qonnx::AttributeValue::Floats;
    if let Some(Floats(scales)) = call.node.attribute("scales") {
        return Ok(Some(scales.iter().map(|scale| f64::from(*scale)).collect()));
    }
    // Files that give sizes have an empty list of scales.
    let scales = call.optional(index).map(|_| call.reals(index)).transpose()?;
    Ok(scales.filter(|scales| !scales.is_empty()).map(<[f64]>::to_vec))
}
