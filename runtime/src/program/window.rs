//! Geometry of a sliding window over height and width, shared by convolution and pooling.

use super::record::record;

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

    /// Whether every window holds an element of an image of `input` height and width.
    ///
    /// Costs time proportional to the output's height plus width, times the window's.
    pub(crate) fn always_meets(&self, input: [u32; 2], output: [u32; 2]) -> bool {
        let axis = |input: u32, output: u32, size: u16, stride: u16, dilation: u16, pad: u16| {
            (0..u64::from(output)).all(|position| {
                (0..u64::from(size)).any(|tap| {
                    let at = position.saturating_mul(stride.into());
                    let at = at.saturating_add(tap.saturating_mul(dilation.into()));
                    at >= u64::from(pad) && at.saturating_sub(pad.into()) < u64::from(input)
                })
            })
        };
        axis(input[0], output[0], self.size[0], self.stride[0], self.dilation[0], self.pads[0])
            && axis(input[1], output[1], self.size[1], self.stride[1], self.dilation[1], self.pads[1])
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
