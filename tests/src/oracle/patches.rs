//! What lowered graphs of QONNX and FINN have for images with their channels last: windows as rows, and a maximum.

use super::applied::Applied;
use super::exact::{index, position};
use super::int::Int;
use super::{Exact, Result, Value, pool, shape};
use exactum_qonnx::ElemType;

/// `Im2Col`: for each place of the window its taps in a row, height before width before channels.
pub(super) fn im2col(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    let &[batch, height, width, channels] = x.shape.as_slice() else {
        return applied.fail(format!("shape {:?}", x.shape));
    };
    let (size, strides) = (applied.sizes("kernel_size", 2, 1)?, applied.sizes("stride", 2, 1)?);
    let (pads, dilations) = (applied.sizes("pad_amount", 4, 0)?, applied.sizes("dilations", 2, 1)?);
    let padding = Int::from(applied.int("pad_value", 0)?);
    if padding != Int::ZERO && pads != [0; 4] {
        return applied.fail("padding with another number than zero");
    }
    let places = |extent: usize, axis: usize| {
        let reach = dilations[axis] * (size[axis] - 1) + 1;
        (extent + pads[axis] + pads[axis + 2]).checked_sub(reach).map(|room| room / strides[axis] + 1)
    };
    let (Some(rows), Some(columns)) = (places(height, 0), places(width, 1)) else {
        return applied.fail("a window larger than the padded image");
    };
    let split = [batch, rows, columns, size[0], size[1], channels];
    let element = |number: usize| {
        let at = position(&split, number);
        let row = at[1] * strides[0] + at[3] * dilations[0];
        let column = at[2] * strides[1] + at[4] * dilations[1];
        let inside =
            (pads[0]..pads[0] + height).contains(&row) && (pads[1]..pads[1] + width).contains(&column);
        match inside {
            true => x.integers[index(&x.shape, &[at[0], row - pads[0], column - pads[1], at[5]])].clone(),
            false => Int::ZERO,
        }
    };
    let integers = (0..split.iter().product()).map(element).collect();
    Ok(Exact {
        shape: vec![batch, rows, columns, size[0] * size[1] * channels],
        integers,
        unit: x.unit.clone(),
    })
}

/// `MaxPoolNHWC`.
pub(super) fn max_pool(applied: &Applied<'_>) -> Result<Exact> {
    let image = Value::Real(shape::channels_first(applied.real(0)?)?, ElemType::F32);
    let turned = Applied { operands: vec![Some(&image)], ..*applied };
    shape::channels_last(&pool::max(&turned, turned.real(0)?)?)
}
