//! Windows of convolutions and pools, as the attributes of nodes say: sizes, strides, dilations, padding, and the rules
//! by which padding is derived.
//!
//! The one reading of these rules. The importer makes windows of its graph of it and evaluates constants by it, training
//! reads float networks with it, traces layers and writes them.

use thiserror::Error;

use crate::model::{AttributeValue, Node};

/// Windows over the axes behind the channels; one entry for each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Extent.
    pub kernel: Vec<usize>,
    /// Steps between windows.
    pub stride: Vec<usize>,
    /// Distance between elements of a window.
    pub dilation: Vec<usize>,
    /// Padding before the first element.
    pub begin: Vec<usize>,
    /// Padding behind the last element.
    pub end: Vec<usize>,
}

/// Windows of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolWindow {
    /// The windows within the padding. Padding that no window reaches is left out.
    pub window: Window,
    /// How far the last windows reach behind the padding, by `ceil_mode`; nothing counts there.
    pub beyond: Vec<usize>,
}

/// Windows of a transposed convolution, in its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransposedWindow {
    /// The windows; padding is cut off.
    pub window: Window,
    /// Elements that follow the last window.
    pub output_padding: Vec<usize>,
}

/// An attribute that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("attribute \"{attribute}\": found {found}, needed {needed}")]
pub struct AttributeMisfit {
    /// Its name.
    pub attribute: String,
    /// What it says.
    pub found: String,
    /// What would fit.
    pub needed: String,
}

impl AttributeMisfit {
    fn new(attribute: &str, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { attribute: attribute.to_owned(), found: found.into(), needed: needed.into() }
    }

    fn kind(attribute: &str, found: &AttributeValue, needed: &str) -> Self {
        Self::new(attribute, format!("a value of kind {}", found.kind()), needed)
    }
}

/// How a file asks for padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AutoPad {
    /// As the pads say.
    None,
    /// Not at all.
    Valid,
    /// So that results do not depend on the window's size; an odd element goes to the end if `upper`.
    Same { upper: bool },
}

impl AutoPad {
    fn of(node: &Node) -> Result<Self, AttributeMisfit> {
        let name = match node.attribute("auto_pad") {
            None => "NOTSET",
            Some(AttributeValue::String(name)) => name,
            Some(other) => return Err(AttributeMisfit::kind("auto_pad", other, "a text")),
        };
        Ok(match name {
            "NOTSET" | "" => Self::None,
            "VALID" => Self::Valid,
            "SAME_UPPER" => Self::Same { upper: true },
            "SAME_LOWER" => Self::Same { upper: false },
            other => {
                let needed = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
                return Err(AttributeMisfit::new("auto_pad", format!("{other:?}"), needed));
            }
        })
    }

    /// The parts of a padding of `total` elements that are before the first element and behind the last.
    fn split(self, total: usize) -> (usize, usize) {
        let (less, more) = (total / 2, total.div_ceil(2));
        if self == (Self::Same { upper: true }) { (less, more) } else { (more, less) }
    }
}

impl Node {
    /// The attribute `name` of `count` numbers from `least` to `most`, if it is there.
    ///
    /// # Errors
    /// If it is no such list.
    pub fn extents(
        &self,
        name: &str,
        count: usize,
        least: usize,
        most: usize,
    ) -> Result<Option<Vec<usize>>, AttributeMisfit> {
        let values = match self.attribute(name) {
            None => return Ok(None),
            Some(AttributeValue::Ints(values)) => values,
            Some(other) => return Err(AttributeMisfit::kind(name, other, "integers")),
        };
        let legal = |value: &i64| usize::try_from(*value).ok().filter(|value| (least..=most).contains(value));
        let extents = values.iter().map(legal).collect::<Option<Vec<usize>>>();
        let extents = extents.filter(|extents| extents.len() == count);
        extents.map(Some).ok_or_else(|| {
            AttributeMisfit::new(
                name,
                format!("{values:?}"),
                format!("{count} numbers from {least} to {most}"),
            )
        })
    }
}

impl Window {
    /// Windows of extents `kernel`, side by side at each element, without padding.
    pub fn new(kernel: &[usize]) -> Self {
        Self {
            kernel: kernel.to_vec(),
            stride: vec![1; kernel.len()],
            dilation: vec![1; kernel.len()],
            begin: vec![0; kernel.len()],
            end: vec![0; kernel.len()],
        }
    }

    /// Windows of the convolution or pool `node` over `input`, the extents behind the channels. `kernel` are those of the
    /// weight, where there is one. No number is above `most`, but for derived padding.
    ///
    /// # Errors
    /// If an attribute does not fit.
    pub fn of(
        node: &Node,
        input: &[usize],
        kernel: Option<&[usize]>,
        most: usize,
    ) -> Result<Self, AttributeMisfit> {
        let mut window = Self::unpadded(node, input.len(), kernel, most)?;
        match AutoPad::of(node)? {
            AutoPad::None => window.explicit(node, most)?,
            AutoPad::Valid => {}
            same @ AutoPad::Same { .. } => {
                for (axis, extent) in input.iter().enumerate() {
                    let covered = window.reach(axis, extent.div_ceil(window.stride[axis]));
                    (window.begin[axis], window.end[axis]) = same.split(covered.saturating_sub(*extent));
                }
            }
        }
        Ok(window)
    }

    /// All of a window but its padding.
    fn unpadded(
        node: &Node,
        axes: usize,
        weight: Option<&[usize]>,
        most: usize,
    ) -> Result<Self, AttributeMisfit> {
        let given = node.extents("kernel_shape", axes, 1, most)?;
        let kernel = match (given, weight) {
            (Some(given), Some(weight)) if given != weight => {
                let needed = format!("{weight:?}, as the weight has it");
                return Err(AttributeMisfit::new("kernel_shape", format!("{given:?}"), needed));
            }
            (Some(given), _) => given,
            (None, Some(weight)) => weight.to_vec(),
            (None, None) => return Err(AttributeMisfit::new("kernel_shape", "none", "extents of windows")),
        };
        let ones = || vec![1; axes];
        Ok(Self {
            stride: node.extents("strides", axes, 1, most)?.unwrap_or_else(ones),
            dilation: node.extents("dilations", axes, 1, most)?.unwrap_or_else(ones),
            ..Self::new(&kernel)
        })
    }

    /// Takes the padding that `node` states.
    fn explicit(&mut self, node: &Node, most: usize) -> Result<(), AttributeMisfit> {
        let axes = self.kernel.len();
        if let Some(pads) = node.extents("pads", 2 * axes, 0, most)? {
            let (begin, end) = pads.split_at(axes);
            (self.begin, self.end) = (begin.to_vec(), end.to_vec());
        }
        Ok(())
    }

    /// Elements that a window along `axis` reaches over.
    pub fn span(&self, axis: usize) -> usize {
        (self.kernel[axis].max(1) - 1).saturating_mul(self.dilation[axis]).saturating_add(1)
    }

    /// The number of windows along `axis` of an input of `extent`; `None` if none fits.
    pub fn count(&self, axis: usize, extent: usize) -> Option<usize> {
        let padded = extent.saturating_add(self.begin[axis]).saturating_add(self.end[axis]);
        Some(padded.checked_sub(self.span(axis))? / self.stride[axis].max(1) + 1)
    }

    /// Elements that `windows` windows side by side reach over along `axis`.
    pub fn reach(&self, axis: usize, windows: usize) -> usize {
        windows.saturating_sub(1).saturating_mul(self.stride[axis]).saturating_add(self.span(axis))
    }

    /// Whether no window reaches over padding.
    pub fn is_unpadded(&self) -> bool {
        self.begin.iter().chain(&self.end).all(|extent| *extent == 0)
    }

    /// Whether both ends of each axis are padded alike.
    pub fn is_symmetric(&self) -> bool {
        self.begin == self.end
    }

    /// The same windows over an image; those over a line are windows over an image of height 1.
    pub fn two_dimensional(&self) -> Self {
        if self.kernel.len() != 1 {
            return self.clone();
        }
        let behind = |first: usize, values: &[usize]| [&[first], values].concat();
        Self {
            kernel: behind(1, &self.kernel),
            stride: behind(1, &self.stride),
            dilation: behind(1, &self.dilation),
            begin: behind(0, &self.begin),
            end: behind(0, &self.end),
        }
    }
}

impl PoolWindow {
    /// Windows of the pool `node` over `input`, the extents behind the channels. No number is above `most`, but for
    /// derived padding.
    ///
    /// # Errors
    /// If an attribute does not fit.
    pub fn of(node: &Node, input: &[usize], most: usize) -> Result<Self, AttributeMisfit> {
        let mut window = Window::of(node, input, None, most)?;
        let mut beyond = vec![0; input.len()];
        if node.int("ceil_mode").unwrap_or(0) == 0 || AutoPad::of(node)? != AutoPad::None {
            return Ok(Self { window, beyond });
        }
        for (axis, extent) in input.iter().enumerate() {
            let (span, stride) = (window.span(axis), window.stride[axis]);
            let before = extent.saturating_add(window.begin[axis]);
            let Some(room) = before.saturating_add(window.end[axis]).checked_sub(span) else { continue };
            let mut last = room.div_ceil(stride).saturating_mul(stride);
            // The last window begins inside the input or the padding before it.
            if last >= before {
                last = last.saturating_sub(stride);
            }
            let reached = last.saturating_add(span).saturating_sub(before);
            window.end[axis] = window.end[axis].min(reached);
            beyond[axis] = reached - window.end[axis];
        }
        Ok(Self { window, beyond })
    }

    /// The windows with what they reach behind the padding as padding.
    pub fn padded(&self) -> Window {
        let mut window = self.window.clone();
        window.end.iter_mut().zip(&self.beyond).for_each(|(end, beyond)| *end += beyond);
        window
    }
}

impl TransposedWindow {
    /// Windows of the transposed convolution `node` of `input`, the extents behind the channels, with a weight of extents
    /// `kernel`. No number is above `most`, but for what is derived of the wanted extents of the result.
    ///
    /// # Errors
    /// If an attribute does not fit.
    pub fn of(node: &Node, input: &[usize], kernel: &[usize], most: usize) -> Result<Self, AttributeMisfit> {
        let axes = input.len();
        let mut window = Window::unpadded(node, axes, Some(kernel), most)?;
        let mut output_padding =
            node.extents("output_padding", axes, 0, most)?.unwrap_or_else(|| vec![0; axes]);
        let auto_pad = AutoPad::of(node)?;
        let wanted = match (node.extents("output_shape", axes, 1, most)?, auto_pad) {
            (Some(wanted), _) => Some(wanted),
            (None, AutoPad::Same { .. }) => {
                Some((0..axes).map(|axis| input[axis].saturating_mul(window.stride[axis])).collect())
            }
            (None, _) => None,
        };
        match (wanted, auto_pad) {
            (Some(wanted), _) => {
                for axis in 0..axes {
                    let full = window.reach(axis, input[axis]).saturating_add(output_padding[axis]);
                    (window.begin[axis], window.end[axis]) =
                        auto_pad.split(full.saturating_sub(wanted[axis]));
                    output_padding[axis] += wanted[axis].saturating_sub(full);
                }
            }
            (None, AutoPad::None) => window.explicit(node, most)?,
            (None, _) => {}
        }
        Ok(Self { window, output_padding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100;

    fn pool(size: i64, stride: i64) -> Node {
        Node::new("MaxPool", ["x"], ["y"]).attr("kernel_shape", [size]).attr("strides", [stride])
    }

    /// Padding before and behind the only axis, and what is beyond.
    fn ends(node: &Node, input: usize) -> [usize; 3] {
        let pool = PoolWindow::of(node, &[input], MOST).unwrap();
        [pool.window.begin[0], pool.window.end[0], pool.beyond[0]]
    }

    #[test]
    fn padding_is_stated_or_derived() {
        assert_eq!(ends(&pool(3, 2).attr("pads", [1, 2]), 5), [1, 2, 0]);
        assert_eq!(ends(&pool(3, 2).attr("auto_pad", "VALID").attr("pads", [1, 2]), 6), [0, 0, 0]);
        assert_eq!(ends(&pool(2, 1).attr("auto_pad", "SAME_UPPER"), 5), [0, 1, 0]);
        assert_eq!(ends(&pool(2, 1).attr("auto_pad", "SAME_LOWER"), 5), [1, 0, 0]);
        assert_eq!(ends(&pool(1, 3).attr("auto_pad", "SAME_LOWER"), 5), [0, 0, 0]);
    }

    #[test]
    fn last_windows_reach_beyond_or_are_dropped() {
        let ceil = |size, stride, pads: [i64; 2]| pool(size, stride).attr("pads", pads).attr("ceil_mode", 1);
        assert_eq!(ends(&ceil(2, 2, [0, 0]), 5), [0, 0, 1]);
        assert_eq!(ends(&ceil(2, 2, [0, 0]), 4), [0, 0, 0]);
        // A window that would begin behind the input is none, whether it fills the padding or not.
        assert_eq!(ends(&ceil(2, 3, [0, 2]), 3), [0, 0, 0]);
        assert_eq!(ends(&ceil(1, 2, [0, 1]), 4), [0, 0, 0]);
        assert_eq!(ends(&ceil(3, 2, [1, 1]), 6), [1, 1, 1]);
        assert_eq!(ends(&ceil(2, 2, [0, 0]).attr("auto_pad", "VALID"), 5), [0, 0, 0]);
        let reaching = PoolWindow::of(&ceil(2, 2, [0, 0]), &[5], MOST).unwrap();
        assert_eq!((reaching.window.count(0, 5), reaching.padded().count(0, 5)), (Some(2), Some(3)));
    }

    #[test]
    fn results_of_transposed_windows_are_as_wanted() {
        let node = |name: &str| {
            Node::new("ConvTranspose", ["x", "w"], ["y"]).attr("auto_pad", name).attr("strides", [2])
        };
        let of = |node: Node| {
            let found = TransposedWindow::of(&node, &[3], &[3], MOST).unwrap();
            [found.window.begin[0], found.window.end[0], found.output_padding[0]]
        };
        assert_eq!(of(node("NOTSET").attr("pads", [1, 0]).attr("output_padding", [1])), [1, 0, 1]);
        assert_eq!(of(node("VALID").attr("pads", [1, 0])), [0, 0, 0]);
        assert_eq!(of(node("SAME_UPPER")), [0, 1, 0]);
        assert_eq!(of(node("SAME_LOWER")), [1, 0, 0]);
        assert_eq!(of(node("NOTSET").attr("output_shape", [9])), [0, 0, 2]);
        assert_eq!(of(node("NOTSET").attr("output_shape", [4])), [2, 1, 0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let told = |node: Node, kernel: Option<&[usize]>| {
            Window::of(&node, &[5], kernel, MOST).unwrap_err().to_string()
        };
        let conv = || Node::new("Conv", ["x", "w"], ["y"]);
        assert_eq!(
            told(conv().attr("strides", [0]), Some(&[3])),
            "attribute \"strides\": found [0], needed 1 numbers from 1 to 100"
        );
        assert!(
            told(conv().attr("kernel_shape", [2]), Some(&[3])).contains("needed [3], as the weight has it")
        );
        assert!(told(conv(), None).contains("\"kernel_shape\": found none"));
        assert!(told(conv().attr("pads", [-1, 0]), Some(&[3])).contains("2 numbers from 0"));
        assert!(told(conv().attr("pads", 1), Some(&[3])).contains("kind int"));
        assert!(told(conv().attr("auto_pad", "LEFT"), Some(&[3])).contains("\"LEFT\""));
    }
}
