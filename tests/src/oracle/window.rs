//! Where the windows of convolutions and pools lie, from the attributes and their defaults in ONNX.

use super::applied::Applied;
use super::exact::{index, position};
use super::{Result, fail};

/// A window that slides over a channels-first image of any number of axes.
pub(super) struct Window {
    pub(super) size: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) dilations: Vec<usize>,
    /// Padding before the image along each axis.
    pub(super) before: Vec<usize>,
    image: Vec<usize>,
    /// Image and padding.
    padded: Vec<usize>,
    /// Extents of the result.
    pub(super) output: Vec<usize>,
}

/// Windows of a position: index of the tap in the window and of the pixel in the image.
pub(super) type Taps = Vec<(usize, usize)>;

impl Window {
    /// Reads the window of a node on an image of extents `image`.
    pub(super) fn read(applied: &Applied<'_>, image: &[usize], size: &[usize]) -> Result<Self> {
        let rank = image.len();
        let strides = applied.sizes("strides", rank, 1)?;
        let dilations = applied.sizes("dilations", rank, 1)?;
        let explicit = applied.sizes("pads", 2 * rank, 0)?;
        let auto_pad = applied.string("auto_pad", "NOTSET")?;
        let ceil = applied.int("ceil_mode", 0)? != 0;
        if size.len() != rank || [size, &strides, &dilations, image].concat().contains(&0) {
            return applied.fail(format!("a window of {size:?} on an image of {image:?}"));
        }
        let (mut before, mut padded, mut output) = (vec![], vec![], vec![]);
        for axis in 0..rank {
            let reach = (size[axis] - 1) * dilations[axis] + 1;
            let (first, last) = match auto_pad.as_ref() {
                "NOTSET" => (explicit[axis], explicit[axis + rank]),
                "VALID" => (0, 0),
                same @ ("SAME_UPPER" | "SAME_LOWER") => {
                    let last_start = (image[axis].div_ceil(strides[axis]) - 1) * strides[axis];
                    let total = (last_start + reach).saturating_sub(image[axis]);
                    // The odd one goes after the image for UPPER, before it for LOWER.
                    let small = total / 2;
                    if same == "SAME_UPPER" { (small, total - small) } else { (total - small, small) }
                }
                other => return applied.fail(format!("auto_pad {other}")),
            };
            let extent = first + image[axis] + last;
            let Some(room) = extent.checked_sub(reach) else {
                return applied.fail("a window larger than the padded image");
            };
            let mut steps = room / strides[axis] + 1;
            // A window that is not full counts, unless it starts in the padding behind the image.
            if ceil && auto_pad == "NOTSET" && !room.is_multiple_of(strides[axis]) {
                steps += usize::from(steps * strides[axis] < first + image[axis]);
            }
            before.push(first);
            padded.push(extent);
            output.push(steps);
        }
        let (size, image) = (size.to_vec(), image.to_vec());
        Ok(Self { size, strides, dilations, before, image, padded, output })
    }

    /// The window of a pool, whose size is an attribute.
    pub(super) fn of_pool(applied: &Applied<'_>, image: &[usize]) -> Result<Self> {
        match applied.ints("kernel_shape")? {
            Some(_) => Self::read(applied, image, &applied.sizes("kernel_shape", image.len(), 1)?),
            None => fail(applied.node.label(), "no kernel_shape"),
        }
    }

    /// Number of positions of the window.
    pub(super) fn positions(&self) -> usize {
        self.output.iter().product()
    }

    /// For each axis the taps at result position `at`, as `(tap, place from the start of the padding)`.
    fn places(&self, at: usize) -> Vec<Vec<(usize, usize)>> {
        let along = |(axis, start): (usize, usize)| {
            let place = |tap| (tap, start * self.strides[axis] + tap * self.dilations[axis]);
            (0..self.size[axis]).map(place).collect()
        };
        position(&self.output, at).into_iter().enumerate().map(along).collect()
    }

    /// The taps at result position `at` that lie on the image.
    pub(super) fn taps(&self, at: usize) -> Taps {
        let mut taps = vec![(0, 0)];
        for (axis, places) in self.places(at).iter().enumerate() {
            let on_image = |(tap, place): &(usize, usize)| {
                let pixel = place.checked_sub(self.before[axis])?;
                (pixel < self.image[axis]).then_some((*tap, pixel))
            };
            let here: Taps = places.iter().filter_map(on_image).collect();
            let (size, image) = (self.size[axis], self.image[axis]);
            let deeper = |(tap, pixel): (usize, usize)| {
                here.iter().map(move |(t, p)| (tap * size + t, pixel * image + p)).collect::<Taps>()
            };
            taps = taps.into_iter().flat_map(deeper).collect();
        }
        taps
    }

    /// Number of taps at result position `at` that lie on the image or its padding.
    pub(super) fn cells(&self, at: usize) -> usize {
        let inside = |(axis, places): (usize, Vec<(usize, usize)>)| {
            places.iter().filter(|(_, place)| *place < self.padded[axis]).count()
        };
        self.places(at).into_iter().enumerate().map(inside).product()
    }
}

/// The taps of a transposed convolution: for each result position, the index of the tap and of the pixel whose
/// product is added there.
pub(super) fn transposed_taps(
    image: &[usize],
    size: &[usize],
    [strides, dilations, before, output]: [&[usize]; 4],
) -> Vec<Taps> {
    let count = |extents: &[usize]| extents.iter().product::<usize>();
    let mut taps = vec![vec![]; count(output)];
    for pixel in 0..count(image) {
        for tap in 0..count(size) {
            let (from, through) = (position(image, pixel), position(size, tap));
            let place = |axis: usize| {
                let padded = from[axis] * strides[axis] + through[axis] * dilations[axis];
                padded.checked_sub(before[axis]).filter(|place| *place < output[axis])
            };
            let places: Option<Vec<usize>> = (0..image.len()).map(place).collect();
            if let Some(places) = places {
                taps[index(output, &places)].push((tap, pixel));
            }
        }
    }
    taps
}
