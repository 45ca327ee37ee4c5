//! Tensors of a program: element type, shape, place in the arena, and the codes they may hold.

use exactum_num::IntRange;
use exactum_num::codes::Element;

use crate::error::TensorFault;
use crate::id::TensorId;
use crate::record::record;

/// One to four dimensions, outermost first, of one sample: no batch dimension. No dimension is zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Zero from `rank` on.
    dims: [u32; 4],
    rank: u8,
}

impl Shape {
    /// A shape, or `None` for a rank outside 1 to 4, a zero dimension, or more than 2^31 - 1 elements.
    pub fn new(dims: &[u32]) -> Option<Self> {
        let mut shape = Self { dims: [0; 4], rank: u8::try_from(dims.len()).ok()? };
        if !(1..=shape.dims.len()).contains(&dims.len()) {
            return None;
        }
        let mut elems = 1u32;
        for (to, dim) in shape.dims.iter_mut().zip(dims) {
            elems = elems.checked_mul(*dim).filter(|elems| *elems > 0 && *elems <= i32::MAX as u32)?;
            *to = *dim;
        }
        Some(shape)
    }

    /// The dimensions.
    pub fn dims(&self) -> &[u32] {
        self.dims.get(..usize::from(self.rank)).unwrap_or_default()
    }

    /// Number of elements.
    pub fn elems(&self) -> u32 {
        // Over all four, so that no loop has to count: every op asks for this.
        self.dims.iter().fold(1, |elems: u32, dim| elems.wrapping_mul((*dim).max(1)))
    }

    /// Height, width and channels, if the rank is 3.
    pub fn image(&self) -> Option<[u32; 3]> {
        self.dims().try_into().ok()
    }
}

impl core::fmt::Display for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (axis, dim) in self.dims().iter().enumerate() {
            write!(f, "{}{dim}", if axis == 0 { "[" } else { ", " })?;
        }
        f.write_str("]")
    }
}

/// What a tensor is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Role {
    /// Ops write it and read it.
    #[default]
    Value,
    /// One op works in it; its content means nothing before and after.
    Scratch,
    /// A value that the caller gives: it lies in a buffer of his, which ops read.
    OutsideInput,
    /// A value that the caller gets: it lies in a buffer of his, which one op writes and others may read.
    OutsideOutput,
}

impl Role {
    /// The number that stands for it in a program.
    #[cfg(feature = "encode")]
    const fn code(self) -> u8 {
        match self {
            Self::Value => 0,
            Self::Scratch => 1,
            Self::OutsideInput => 2,
            Self::OutsideOutput => 3,
        }
    }

    /// The role a program's number stands for.
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Value),
            1 => Some(Self::Scratch),
            2 => Some(Self::OutsideInput),
            3 => Some(Self::OutsideOutput),
            _ => None,
        }
    }

    /// Whether it lies in a buffer that the caller gives for each run.
    pub const fn is_outside(self) -> bool {
        matches!(self, Self::OutsideInput | Self::OutsideOutput)
    }
}

/// A tensor of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Storage type of its codes.
    pub element: Element,
    /// Dimensions of one sample; images are height, width, channels except where an op says otherwise.
    pub shape: Shape,
    /// Place in the arena, a multiple of 8; of a tensor outside the number of its buffer among those of its role.
    pub offset_bytes: u32,
    /// The codes it may hold.
    pub range: IntRange,
    /// What it is for.
    pub role: Role,
}

impl Tensor {
    /// `size_bytes` bytes from `offset_bytes` on for an op to work in; `None` if they are none, or 2^31 or more.
    pub fn scratch(offset_bytes: u32, size_bytes: u32) -> Option<Self> {
        let (element, shape) = (Element::U8, Shape::new(&[size_bytes])?);
        Some(Self { element, shape, offset_bytes, range: element.range(), role: Role::Scratch })
    }

    /// Bytes of its codes.
    pub fn size_bytes(&self) -> u32 {
        self.shape.elems().saturating_mul(self.element.size_bytes())
    }

    /// Its bytes in the arena; none, at its start, of a tensor outside.
    pub fn place(&self) -> core::ops::Range<usize> {
        if self.role.is_outside() {
            return 0..0;
        }
        let start = self.offset_bytes as usize;
        start..start.saturating_add(self.size_bytes() as usize)
    }

    /// Whether the two share a byte of the arena.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.place(), other.place());
        a.start < b.end && b.start < a.end
    }

    /// Whether the two are the same bytes of the arena.
    pub fn lies_at(&self, other: &Self) -> bool {
        let inside = !self.role.is_outside() && !other.role.is_outside();
        inside && self.place() == other.place()
    }
}

impl core::fmt::Display for Tensor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.role {
            Role::Value | Role::OutsideInput | Role::OutsideOutput => {
                write!(f, "{}{} in {}", self.element, self.shape, self.range)
            }
            Role::Scratch => write!(f, "scratch of {} bytes", self.size_bytes()),
        }
    }
}

record! {
    /// One tensor in the image.
    pub(crate) struct TensorRecord {
        pub(crate) element: u8 = "Element type: 1 `i8`, 2 `u8`, 3 `i16`, 4 `i32`.",
        pub(crate) rank: u8 = "Number of dimensions, 1 to 4.",
        pub(crate) role: u8 = "0 ops write and read it, 1 one op works in it, 2 an input outside the arena, 3 an output outside.",
        pub(crate) reserved: u8 = "Zero.",
        pub(crate) offset_bytes: u32 = "Place in the arena, a multiple of 8; of a tensor outside the number of its buffer.",
        pub(crate) shape: [u32; 4] = "Dimensions, outermost first; zero from `rank` on.",
        pub(crate) lo: i32 = "Smallest code it may hold.",
        pub(crate) hi: i32 = "Largest code it may hold.",
    }
}

impl TensorRecord {
    /// The record's meaning, after all checks.
    pub(crate) fn check(&self) -> Result<Tensor, TensorFault> {
        let element = Element::from_code(self.element).ok_or(TensorFault::Element)?;
        let (dims, rest) = self.shape.split_at_checked(usize::from(self.rank)).ok_or(TensorFault::Shape)?;
        let shape = Shape::new(dims).ok_or(TensorFault::Shape)?;
        if self.reserved != 0 || rest.iter().any(|dim| *dim != 0) {
            return Err(TensorFault::Reserved);
        }
        let range = IntRange::new(self.lo.into(), self.hi.into()).ok_or(TensorFault::Range)?;
        if !element.range().contains_range(range) {
            return Err(TensorFault::Range);
        }
        let role = Role::from_code(self.role).ok_or(TensorFault::Reserved)?;
        Ok(Tensor { element, shape, offset_bytes: self.offset_bytes, range, role })
    }

    /// The meaning of a record that was checked; every run asks for it again.
    pub(crate) fn decode(&self) -> Option<Tensor> {
        Some(Tensor {
            element: Element::from_code(self.element)?,
            shape: Shape { dims: self.shape, rank: self.rank },
            offset_bytes: self.offset_bytes,
            range: IntRange { lo: self.lo.into(), hi: self.hi.into() },
            role: Role::from_code(self.role)?,
        })
    }

    /// The record of `tensor`; codes outside 32 bits are cut to them, which loading then refuses.
    #[cfg(feature = "encode")]
    pub(crate) fn encode(tensor: &Tensor) -> Self {
        let mut shape = [0; 4];
        for (to, from) in shape.iter_mut().zip(tensor.shape.dims()) {
            *to = *from;
        }
        Self {
            element: tensor.element.code(),
            rank: tensor.shape.dims().len() as u8,
            role: tensor.role.code(),
            reserved: 0,
            offset_bytes: tensor.offset_bytes,
            shape,
            lo: tensor.range.lo.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            hi: tensor.range.hi.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
        }
    }
}

/// The tensor table of an image.
#[derive(Clone, Copy, Debug)]
pub struct Tensors<'p>(pub(crate) &'p [TensorRecord]);

impl Tensors<'_> {
    /// Tensor `id`, or `None` if there is none.
    pub fn get(self, id: TensorId) -> Option<Tensor> {
        self.0.get(usize::from(id.0)).and_then(TensorRecord::decode)
    }
}
