//! A bound on the steps that loading takes: proportional to the image, whatever it says.
//!
//! Every check states its steps before it takes them. Programs of compilers stay far below the bound, because what is
//! checked, weights, parameters, operands, lies in the image once for each time it is checked.

use crate::error::OpFault;

/// Steps for each byte of an image.
const STEPS_PER_BYTE: u64 = 32;

/// Steps that every image may take: windows over long signals need some that no byte of the image pays for.
const FREE_STEPS: u64 = 1 << 18;

/// Steps that are left.
pub(crate) struct Work {
    left: u64,
}

impl Work {
    /// Those for an image of `image_bytes`.
    pub(crate) const fn new(image_bytes: usize) -> Self {
        Self { left: (image_bytes as u64).saturating_mul(STEPS_PER_BYTE).saturating_add(FREE_STEPS) }
    }

    /// Takes `steps`.
    ///
    /// # Errors
    ///
    /// Fewer are left.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), OpFault> {
        self.left = self.left.checked_sub(steps as u64).ok_or(OpFault::Work)?;
        Ok(())
    }
}
