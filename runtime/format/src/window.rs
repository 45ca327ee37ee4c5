//! Geometry of a sliding window over height and width, shared by convolution and pooling.

use crate::record::record;

record! {
    /// A window that slides over an image. Pairs are height, width.
    #[derive(PartialEq, Eq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub struct Window2d {
        pub size: [u16; 2] = "Height and width of the window, at least 1.",
        pub stride: [u16; 2] = "Steps down and to the right, at least 1.",
        pub dilation: [u16; 2] = "Distance of neighbouring taps, at least 1.",
        pub pads: [u16; 4] = "Padded rows and columns: top, left, bottom, right.",
    }
}

impl Window2d {
    /// A window of `size` with stride 1, dilation 1 and no padding.
    pub const fn new(size: [u16; 2]) -> Self {
        Self { size, stride: [1; 2], dilation: [1; 2], pads: [0; 4] }
    }

    /// Height and width of the output for an input of `input` height and width.
    ///
    /// `None` if a field that must be at least 1 is 0, or if the window does not fit the padded input.
    pub fn output(&self, input: [u32; 2]) -> Option<[u32; 2]> {
        let [top, left, bottom, right] = self.pads;
        let axis = |input: u32, size: u16, stride: u16, dilation: u16, pads: [u16; 2]| {
            if dilation == 0 {
                return None;
            }
            let extent = u32::from(size.checked_sub(1)?).checked_mul(dilation.into())?;
            let padded = input.checked_add(pads[0].into())?.checked_add(pads[1].into())?;
            let room = padded.checked_sub(extent)?.checked_sub(1)?;
            room.checked_div(stride.into())?.checked_add(1)
        };
        Some([
            axis(input[0], self.size[0], self.stride[0], self.dilation[0], [top, bottom])?,
            axis(input[1], self.size[1], self.stride[1], self.dilation[1], [left, right])?,
        ])
    }

    /// Taps of one window.
    pub fn taps(&self) -> u32 {
        u32::from(self.size[0]).saturating_mul(self.size[1].into())
    }

    /// Whether any window may reach outside the image.
    pub fn is_padded(&self) -> bool {
        self.pads != [0; 4]
    }

    /// The window along height and along width.
    pub const fn axes(&self) -> [Axis; 2] {
        let ([rows, columns], [down, right], [dilation_y, dilation_x]) =
            (self.size, self.stride, self.dilation);
        let [top, left, bottom, right_pad] = self.pads;
        [
            Axis::new(rows, down, dilation_y, [top, bottom]),
            Axis::new(columns, right, dilation_x, [left, right_pad]),
        ]
    }

    /// Whether every window holds an element of an image of `input` height and width.
    pub(crate) fn always_meets(&self, input: [u32; 2], output: [u32; 2]) -> bool {
        let meets = |axis: Axis, positions: u32, limit: u32| {
            (0..positions).all(|position| axis.inside(position, limit).taps > 0)
        };
        let ([down, right], [in_height, in_width], [out_height, out_width]) = (self.axes(), input, output);
        meets(down, out_height, in_height) && meets(right, out_width, in_width)
    }
}

/// A window along one axis.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    size: u32,
    stride: u32,
    dilation: u32,
    before: u32,
    after: u32,
}

/// The taps of a window at one position that lie inside the axis, which are consecutive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inside {
    /// The first tap inside.
    pub first_tap: u32,
    /// Its element.
    pub first_element: u32,
    /// Taps inside.
    pub taps: u32,
    /// Elements from one tap to the next.
    pub dilation: u32,
}

impl Inside {
    /// The elements of the taps.
    pub fn elements(self) -> impl Iterator<Item = u32> {
        (0..self.taps).map(move |tap| self.first_element.wrapping_add(tap.wrapping_mul(self.dilation)))
    }
}

impl Axis {
    const fn new(size: u16, stride: u16, dilation: u16, [before, after]: [u16; 2]) -> Self {
        Self {
            size: size as u32,
            stride: stride as u32,
            dilation: dilation as u32,
            before: before as u32,
            after: after as u32,
        }
    }

    /// The taps inside an axis of `limit` elements at output position `position`.
    ///
    /// Right for positions of [`Window2d::output`], whose windows start inside the padded axis.
    pub fn inside(self, position: u32, limit: u32) -> Inside {
        let start = position.wrapping_mul(self.stride);
        // Taps before element `padded` of the padded axis.
        let taps_below = |padded: u32| {
            let room = padded.saturating_sub(start);
            room.wrapping_add(self.dilation).wrapping_sub(1).checked_div(self.dilation).unwrap_or_default()
        };
        let first = taps_below(self.before);
        let end = taps_below(self.before.wrapping_add(limit)).min(self.size);
        let element = first.wrapping_mul(self.dilation).wrapping_add(start).wrapping_sub(self.before);
        Inside {
            first_tap: first,
            first_element: element,
            taps: end.saturating_sub(first),
            dilation: self.dilation,
        }
    }

    /// Where the window stands at output position `position`: the element of its first tap, negative inside the padding.
    pub const fn start(self, position: u32) -> i32 {
        position.wrapping_mul(self.stride).wrapping_sub(self.before) as i32
    }

    /// The element of tap `tap` of a window that stands at `start`, of `limit` elements; `None` in the padding.
    pub fn element(self, start: i32, tap: u32, limit: u32) -> Option<u32> {
        let element = start.wrapping_add_unsigned(tap.wrapping_mul(self.dilation));
        u32::try_from(element).ok().filter(|element| *element < limit)
    }

    /// Whether the taps are neighbours.
    pub const fn is_dense(self) -> bool {
        self.dilation == 1
    }

    /// Whether the transposed convolution of `input` elements may have `output` elements: all that windows reach but the
    /// padding, and any number behind them; `None` if a field that must be at least 1 is 0.
    pub(crate) fn transposes(self, input: u32, output: u32) -> Option<bool> {
        if self.stride == 0 || self.dilation == 0 {
            return None;
        }
        let apart = |count: u32, distance: u32| u64::from(count).saturating_mul(distance.into());
        let spread = apart(input.saturating_sub(1), self.stride);
        let extent = apart(self.size.checked_sub(1)?, self.dilation);
        let padded = spread.saturating_add(extent).saturating_add(1);
        let kept = u64::from(output).saturating_add(self.before.into()).saturating_add(self.after.into());
        Some(kept >= padded)
    }

    /// The element of the input that tap `tap` of a transposed convolution multiplies at output position `position`,
    /// of `limit` elements; `None` if there is none.
    pub fn transposed_element(self, position: u32, tap: u32, limit: u32) -> Option<u32> {
        let spread = position.wrapping_add(self.before).checked_sub(tap.wrapping_mul(self.dilation))?;
        let element = spread.checked_div(self.stride)?;
        (element < limit && element.wrapping_mul(self.stride) == spread).then_some(element)
    }
}

impl core::fmt::Display for Window2d {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let ([h, w], [sh, sw], [dh, dw]) = (self.size, self.stride, self.dilation);
        write!(f, "window {h}x{w}")?;
        if self.stride != [1; 2] {
            write!(f, " stride {sh}x{sw}")?;
        }
        if self.dilation != [1; 2] {
            write!(f, " dilation {dh}x{dw}")?;
        }
        if self.is_padded() {
            let [top, left, bottom, right] = self.pads;
            write!(f, " pads {top},{left},{bottom},{right}")?;
        }
        Ok(())
    }
}
