//! From ticks of the board's timer to executed instructions, exactly or not at all.
//!
//! QEMU runs with `-icount shift=7`: each instruction takes 128 ns of virtual time. A timer of 25 MHz ticks
//! every 40 ns, so n instructions lie between two reads that differ by the integers next to 3.2 n; no two n
//! share a difference, and the rounding is undone without loss.

/// The `shift` of QEMU's `-icount`: an instruction takes `2^shift` nanoseconds. From 6 on, a tick is shorter
/// than an instruction; only from 7 on is every difference of ticks unique.
pub(crate) const ICOUNT_SHIFT: u32 = 7;

const NANOSECONDS_PER_INSTRUCTION: u64 = 1 << ICOUNT_SHIFT;
const NANOSECONDS_PER_TICK: u64 = 40;

/// Ticks that no number of instructions explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{ticks} ticks are no whole number of instructions; was QEMU started with -icount shift={ICOUNT_SHIFT}, and the \
     timer read at 25 MHz?"
)]
pub struct CountError {
    /// The difference of two reads.
    pub ticks: u32,
}

/// The instructions executed from one read of the timer to the next, the later read included, given the
/// difference of the two.
///
/// # Errors
/// [`CountError`] if no number of instructions gives this difference: the timer follows another clock.
pub fn instructions_between(ticks: u32) -> Result<u64, CountError> {
    let nanoseconds = u64::from(ticks) * NANOSECONDS_PER_TICK;
    let instructions = (nanoseconds + NANOSECONDS_PER_INSTRUCTION / 2) / NANOSECONDS_PER_INSTRUCTION;
    let error = (instructions * NANOSECONDS_PER_INSTRUCTION).abs_diff(nanoseconds);
    // A difference of two floors is off by less than one tick.
    if error < NANOSECONDS_PER_TICK { Ok(instructions) } else { Err(CountError { ticks }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every phase of the two clocks against each other repeats after 5 ticks, 200 ns, and 16 ticks are 5
    /// instructions: these starts and lengths are all there is.
    #[test]
    fn every_count_is_recovered_at_every_phase() {
        for start_ns in (0..640).chain(1_000_000_000..1_000_000_640) {
            for instructions in (0..200).chain(1_342_177_000..1_342_177_200) {
                let end_ns = start_ns + instructions * NANOSECONDS_PER_INSTRUCTION;
                let ticks = end_ns / NANOSECONDS_PER_TICK - start_ns / NANOSECONDS_PER_TICK;
                assert_eq!(instructions_between(u32::try_from(ticks).unwrap()), Ok(instructions));
            }
        }
    }

    #[test]
    fn ticks_of_another_clock_are_refused() {
        // 2 ticks are 80 ns: neither 0 nor 1 instruction gives them.
        assert_eq!(instructions_between(2), Err(CountError { ticks: 2 }));
    }
}
