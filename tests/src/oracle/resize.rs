//! Nearest neighbours and rearranged pixels: `Resize`, `Upsample`, `DepthToSpace`, `SpaceToDepth`.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

use super::applied::Applied;
use super::exact::{index, position};
use super::round::Mode;
use super::{Exact, Result};

fn fraction(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

/// The scale along each axis and the extents of the result.
fn scales(applied: &Applied<'_>) -> Result<(Vec<BigRational>, Vec<usize>)> {
    let x = applied.real(0)?;
    let rank = x.shape.len();
    // `Resize` has had a region of interest before the scales since version 11; `Upsample` had an attribute.
    let at = if applied.operands.len() > 2 { 2 } else { 1 };
    let listed = match applied.node.attribute("scales") {
        Some(exactum_qonnx::AttributeValue::Floats(values)) => {
            Some(Exact::from_f32(vec![values.len()], values)?.rationals())
        }
        _ => applied.optional_real(at)?.map(Exact::rationals).filter(|scales| !scales.is_empty()),
    };
    let axes: Vec<usize> = match applied.ints("axes")? {
        Some(axes) => axes.iter().map(|axis| applied.axis(*axis, rank)).collect::<Result<_>>()?,
        None => (0..rank).collect(),
    };
    let (mut scales, mut extents) = (vec![BigRational::one(); rank], x.shape.clone());
    if let Some(listed) = listed {
        if listed.len() != axes.len() {
            return applied.fail(format!("{} scales for {} axes", listed.len(), axes.len()));
        }
        for (axis, scale) in axes.iter().zip(listed) {
            let extent = (&scale * BigInt::from(x.shape[*axis])).floor().to_integer().to_usize();
            extents[*axis] = extent.unwrap_or_default();
            scales[*axis] = scale;
        }
    } else if applied.has(3) {
        let sizes = applied.whole(3)?;
        if sizes.len() != axes.len() {
            return applied.fail(format!("{} sizes for {} axes", sizes.len(), axes.len()));
        }
        for (axis, size) in axes.iter().zip(sizes) {
            extents[*axis] = usize::try_from(size).unwrap_or_default();
            scales[*axis] = fraction(size, x.shape[*axis] as i64);
        }
    } else {
        return applied.fail("neither scales nor sizes");
    }
    if extents.contains(&0) || x.is_empty() {
        return applied.fail(format!("from {:?} to {extents:?}", x.shape));
    }
    // The batch of the file may be another.
    if scales[0].is_one() {
        extents[0] = x.shape[0]
    }
    Ok((scales, extents))
}

/// `Resize` and `Upsample` to the nearest pixel.
pub(super) fn resize(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    if applied.string("mode", "nearest")? != "nearest" {
        return applied.fail(format!("mode {}", applied.string("mode", "nearest")?));
    }
    if applied.string("keep_aspect_ratio_policy", "stretch")? != "stretch" {
        return applied.fail("a kept aspect ratio");
    }
    let (scales, extents) = scales(applied)?;
    // The first versions had no attributes for it and repeated pixels.
    let first = applied.operands.len() < 3;
    let place =
        applied.string("coordinate_transformation_mode", if first { "asymmetric" } else { "half_pixel" })?;
    let nearest = applied.string("nearest_mode", if first { "floor" } else { "round_prefer_floor" })?;
    let half = fraction(1, 2);
    let mut sources: Vec<Vec<usize>> = vec![];
    for (axis, extent) in extents.iter().enumerate() {
        let image = x.shape[axis];
        let mut along = vec![];
        for at in 0..*extent {
            let here = fraction(at as i64, 1);
            let real = match place.as_ref() {
                _ if scales[axis].is_one() => here,
                "asymmetric" => here / &scales[axis],
                "pytorch_half_pixel" if *extent == 1 => BigRational::zero(),
                "half_pixel" | "pytorch_half_pixel" => (here + &half) / &scales[axis] - &half,
                // Of TensorFlow: the middles of pixels, which the floor takes to whole ones.
                "tf_half_pixel_for_nn" => (here + &half) / &scales[axis],
                "align_corners" if *extent == 1 => BigRational::zero(),
                "align_corners" => here * fraction(image as i64 - 1, *extent as i64 - 1),
                other => return applied.fail(format!("coordinates {other}")),
            };
            let round = |mode: Mode, number: BigRational| {
                let (numerator, denominator) = (number.numer().clone(), number.denom().clone());
                mode.round(&numerator.into(), &denominator.into())
            };
            let pixel = match nearest.as_ref() {
                "floor" => round(Mode::Floor, real),
                "ceil" => round(Mode::Ceil, real),
                "round_prefer_floor" => round(Mode::Ceil, real - &half),
                "round_prefer_ceil" => round(Mode::Floor, real + &half),
                other => return applied.fail(format!("nearest {other}")),
            };
            along.push(pixel.to_i64().unwrap_or(0).clamp(0, image as i64 - 1) as usize);
        }
        sources.push(along);
    }
    Ok(x.pick(extents.clone(), |at| {
        let place: Vec<usize> =
            position(&extents, at).iter().zip(&sources).map(|(at, along)| along[*at]).collect();
        index(&x.shape, &place)
    }))
}

/// `DepthToSpace` and its inverse.
pub(super) fn rearrange(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    let ([batch, channels, height, width], Ok(block @ 1..)) =
        (&x.shape[..], usize::try_from(applied.int("blocksize", 0)?))
    else {
        return applied.fail(format!("shape {:?}", x.shape));
    };
    let mode = applied.string("mode", "DCR")?;
    if mode != "DCR" && mode != "CRD" {
        return applied.fail(format!("mode {mode}"));
    }
    // The part of the block is the slower index of the deep channel, or the faster one.
    let deep = |part: usize, channel: usize, channels: usize| {
        if mode == "DCR" { part * channels + channel } else { channel * block * block + part }
    };
    if applied.node.op_type == "SpaceToDepth" {
        if height % block != 0 || width % block != 0 {
            return applied.fail(format!("blocks of {block} in {height} times {width}"));
        }
        let mut sources = vec![0; x.len()];
        let shape = vec![*batch, channels * block * block, height / block, width / block];
        for place in (0..x.len()).map(|at| position(&x.shape, at)) {
            let part = place[2] % block * block + place[3] % block;
            let to = [place[0], deep(part, place[1], *channels), place[2] / block, place[3] / block];
            sources[index(&shape, &to)] = index(&x.shape, &place);
        }
        return Ok(x.pick(shape, |at| sources[at]));
    }
    let outputs = channels / (block * block);
    if outputs * block * block != *channels {
        return applied.fail(format!("blocks of {block} from {channels} channels"));
    }
    let shape = vec![*batch, outputs, height * block, width * block];
    Ok(x.pick(shape.clone(), |at| {
        let place = position(&shape, at);
        let part = place[2] % block * block + place[3] % block;
        index(&x.shape, &[place[0], deep(part, place[1], outputs), place[2] / block, place[3] / block])
    }))
}
