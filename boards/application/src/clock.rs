//! The time that a run takes, by a counter of the board. [`Application`](crate::Application) reads it around each run.

/// A counter that runs freely and wraps after its last tick.
pub trait Clock {
    /// Ticks since some moment, modulo 2^32.
    fn ticks(&self) -> u32;

    /// Ticks of a second; not 0.
    fn hertz(&self) -> u32;
}

/// For boards without a counter: all runs take no time.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoClock;

impl Clock for NoClock {
    fn ticks(&self) -> u32 {
        0
    }

    fn hertz(&self) -> u32 {
        1
    }
}

/// A counter that a function reads: a register of the chip, or its HAL's instant.
#[allow(missing_debug_implementations, reason = "functions have none")]
pub struct Counted<F> {
    ticks: F,
    hertz: u32,
}

impl<F: Fn() -> u32> Counted<F> {
    /// A counter of `hertz` ticks a second, not 0, that `ticks` reads.
    pub const fn new(hertz: u32, ticks: F) -> Self {
        Self { ticks, hertz }
    }
}

impl<F: Fn() -> u32> Clock for Counted<F> {
    fn ticks(&self) -> u32 {
        (self.ticks)()
    }

    fn hertz(&self) -> u32 {
        self.hertz
    }
}

/// Thousandths of `available` that `used` leaves, of ticks: negative where it takes longer.
pub(crate) fn headroom_permille(used: u32, available: u64) -> i32 {
    let available = i128::from(available.max(1));
    let left = (available - i128::from(used)) * 1000 / available;
    left.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headroom_is_what_is_left_of_the_time() {
        assert_eq!(headroom_permille(0, 100), 1000);
        assert_eq!(headroom_permille(25, 100), 750);
        assert_eq!(headroom_permille(250, 100), -1500);
        assert_eq!(headroom_permille(u32::MAX, 0), i32::MIN);
        assert_eq!(headroom_permille(1, u64::MAX), 999);
    }
}
