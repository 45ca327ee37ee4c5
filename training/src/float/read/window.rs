//! Windows of convolutions and pools, from their attributes.

use exactum_qonnx::Node;

use crate::float::error::form;
use crate::float::{FloatGraphError, Window};

/// Windows of `node` over an input of spatial extents `input`; `kernel` is that of the weight, if there is one.
///
/// # Errors
///
/// If the attributes are not of the input's rank, or padding is negative.
pub(super) fn read(
    node: &Node,
    input: &[usize],
    kernel: Option<&[usize]>,
) -> Result<Window, FloatGraphError> {
    let spatial = input.len();
    let given = extents(node, "kernel_shape", spatial)?;
    let kernel = match (given, kernel) {
        (Some(given), Some(kernel)) if given != kernel => {
            return Err(form(
                &node.label(),
                format!("kernel_shape {given:?} with a weight of {kernel:?}"),
                "one kernel",
            ));
        }
        (Some(given), _) => given,
        (None, Some(kernel)) => kernel.to_vec(),
        (None, None) => return Err(form(&node.label(), "no kernel_shape", "a kernel_shape")),
    };
    let mut window = Window::new(&kernel);
    if let Some(stride) = extents(node, "strides", spatial)? {
        window.stride = stride;
    }
    if let Some(dilation) = extents(node, "dilations", spatial)? {
        window.dilation = dilation;
    }
    if let Some(pads) = extents(node, "pads", 2 * spatial)? {
        let (begin, end) = pads.split_at(spatial);
        (window.begin, window.end) = (begin.to_vec(), end.to_vec());
    }
    match node.string("auto_pad").unwrap_or("NOTSET") {
        "" | "NOTSET" | "VALID" => {}
        "SAME_UPPER" => same(&mut window, input, false),
        "SAME_LOWER" => same(&mut window, input, true),
        other => {
            return Err(form(&node.label(), format!("auto_pad {other:?}"), "NOTSET, VALID or SAME_UPPER"));
        }
    }
    Ok(window)
}

/// As many windows as the stride fits into the input; odd padding is at the end unless `lower`.
fn same(window: &mut Window, input: &[usize], lower: bool) {
    for (axis, extent) in input.iter().enumerate() {
        let stride = window.stride[axis].max(1);
        let covered = (extent.div_ceil(stride).max(1) - 1) * stride + window.span(axis);
        let total = covered.saturating_sub(*extent);
        let (small, large) = (total / 2, total - total / 2);
        (window.begin[axis], window.end[axis]) = if lower { (large, small) } else { (small, large) };
    }
}

/// An attribute of `len` extents.
pub(super) fn extents(node: &Node, name: &str, len: usize) -> Result<Option<Vec<usize>>, FloatGraphError> {
    let Some(values) = node.ints(name) else { return Ok(None) };
    let extents: Option<Vec<usize>> = values.iter().map(|value| usize::try_from(*value).ok()).collect();
    match extents {
        Some(extents) if extents.len() == len => Ok(Some(extents)),
        _ => Err(form(&node.label(), format!("{name} {values:?}"), format!("{len} extents, none negative"))),
    }
}
