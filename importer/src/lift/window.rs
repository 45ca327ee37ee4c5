//! The sliding window of `Conv` and `MaxPool`: sizes, strides, dilations and padding from their attributes.

use exactum_qonnx::Node;

use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::Window;

/// Largest size, stride, dilation or padding; the program format keeps them in 16 bits.
const MAX: i64 = u16::MAX as i64;

/// Reads the window of `node` on an input with height and width `input`; `size` is used where the file has none.
pub(super) fn read(
    at: &Location,
    node: &Node,
    input: [usize; 2],
    size: [usize; 2],
) -> Result<Window, Diagnostic> {
    let size = attribute(at, node, "kernel_shape", size, 1)?;
    if size.contains(&0) {
        return Err(Diagnostic::new(
            Code::ShapeMismatch,
            at.clone(),
            format!("a window of {size:?}"),
            "1 tap or more",
        ));
    }
    let stride = attribute(at, node, "strides", [1, 1], 1)?;
    let dilation = attribute(at, node, "dilations", [1, 1], 1)?;
    let padding = node.string("auto_pad").unwrap_or("NOTSET");
    let pads = match padding {
        "NOTSET" => attribute(at, node, "pads", [0; 4], 0)?,
        "VALID" => [0; 4],
        "SAME_UPPER" | "SAME_LOWER" => {
            let total = [0, 1].map(|axis| {
                let outputs = input[axis].div_ceil(stride[axis]);
                let extent = (size[axis] - 1) * dilation[axis] + 1;
                ((outputs - 1) * stride[axis] + extent).saturating_sub(input[axis])
            });
            let before =
                total.map(|total| if padding == "SAME_UPPER" { total / 2 } else { total.div_ceil(2) });
            [before[0], before[1], total[0] - before[0], total[1] - before[1]]
        }
        other => {
            let at = at.clone().at_part("attribute \"auto_pad\"");
            let needed = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
            return Err(Diagnostic::new(Code::UnsupportedForm, at, format!("{other:?}"), needed));
        }
    };
    Ok(Window { size, stride, pads, dilation })
}

fn attribute<const N: usize>(
    at: &Location,
    node: &Node,
    name: &str,
    default: [usize; N],
    least: i64,
) -> Result<[usize; N], Diagnostic> {
    let Some(values) = node.ints(name) else { return Ok(default) };
    let legal = values.iter().all(|value| (least..=MAX).contains(value));
    let values: Vec<usize> = values.iter().map(|value| usize::try_from(*value).unwrap_or(0)).collect();
    values.try_into().ok().filter(|_| legal).ok_or_else(|| {
        let at = at.clone().at_part(format!("attribute {name:?}"));
        let found = format!("{:?}", node.ints(name).unwrap_or_default());
        Diagnostic::new(Code::UnsupportedForm, at, found, format!("{N} numbers from {least} to {MAX}"))
    })
}
