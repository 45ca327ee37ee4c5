//! From ticks of a board's timer to executed instructions, exactly or not at all.
//!
//! QEMU runs with `-icount shift=7`: each instruction takes 128 ns of virtual time. A timer of 25 MHz ticks
//! every 40 ns, so n instructions lie between two reads that differ by the integers next to 3.2 n; no two n
//! share a difference, and the rounding is undone without loss. So it is with every timer that ticks at least twice while an
//! instruction lasts.

/// The `shift` of QEMU's `-icount`: an instruction takes `2^shift` nanoseconds.
pub const ICOUNT_SHIFT: u32 = 7;

const PICOSECONDS_PER_INSTRUCTION: u128 = 1000 << ICOUNT_SHIFT;
const PICOSECONDS_PER_SECOND: u128 = 1_000_000_000_000;

/// Ticks that no number of instructions explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{ticks} ticks are no whole number of instructions; was QEMU started with -icount shift={ICOUNT_SHIFT}, and the \
     timer read at {timer_hz} Hz?"
)]
pub struct CountError {
    /// The difference of two reads.
    pub ticks: u32,
    /// Ticks a second.
    pub timer_hz: u32,
}

/// Whether counts by a timer of `timer_hz` are exact.
#[cfg(test)]
pub(crate) fn is_exact(timer_hz: u32) -> bool {
    u128::from(timer_hz) * PICOSECONDS_PER_INSTRUCTION >= 2 * PICOSECONDS_PER_SECOND
}

/// The instructions between two reads of a timer of `timer_hz` that differ by `ticks`.
pub(crate) fn between(ticks: u32, timer_hz: u32) -> Result<u64, CountError> {
    // Both sides of `ticks / timer_hz = instructions * 2^shift ns`, times the timer and a picosecond.
    let (ticks_time, hz) = (u128::from(ticks) * PICOSECONDS_PER_SECOND, u128::from(timer_hz));
    let instruction = PICOSECONDS_PER_INSTRUCTION * hz;
    let error = CountError { ticks, timer_hz };
    let instructions = (ticks_time + instruction / 2).checked_div(instruction).ok_or(error)?;
    // A difference of two floors is off by less than one tick.
    let off = (instructions * instruction).abs_diff(ticks_time);
    if off < PICOSECONDS_PER_SECOND { u64::try_from(instructions).map_err(|_| error) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole picoseconds a tick. Starts at every phase of the two clocks that the hertz of boards can have.
    #[test]
    fn every_count_is_recovered_at_every_phase() {
        for timer_hz in [16_000_000u32, 20_000_000, 25_000_000, 32_000_000, 50_000_000, 1_000_000_000] {
            assert!(is_exact(timer_hz));
            let tick = u64::try_from(PICOSECONDS_PER_SECOND).unwrap() / u64::from(timer_hz);
            let lasts = 1000u64 << ICOUNT_SHIFT;
            for start in (0..640_000).step_by(500).chain((0..640).map(|ns| 1_000_000_000_000 + 1000 * ns)) {
                for instructions in (0..60).chain(30_000_000..30_000_060) {
                    let ticks = (start + instructions * lasts) / tick - start / tick;
                    assert_eq!(between(u32::try_from(ticks).unwrap(), timer_hz), Ok(instructions));
                }
            }
        }
    }

    #[test]
    fn ticks_of_another_clock_are_refused() {
        // 2 ticks are 80 ns: neither 0 nor 1 instruction gives them.
        let timer_hz = 25_000_000;
        assert_eq!(between(2, timer_hz), Err(CountError { ticks: 2, timer_hz }));
        assert!(between(5, 0).is_err());
    }
}
