//! Ops by parts: the work of an op as lines of equal units, of which a step takes whole lines or some units of one.

/// The work of an op: `lines` of `units` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Rows of an image or of a matrix.
    pub(crate) lines: u32,
    /// Pixels or codes of a line.
    pub(crate) units: u32,
    /// What a unit takes: multiply-accumulates, or elements that are read or written.
    pub(crate) work: u64,
}

impl Grid {
    /// Work that is done at once.
    pub(crate) const fn whole(work: u64) -> Self {
        Self { lines: 1, units: 1, work }
    }

    /// Units one after the other.
    pub(crate) const fn line(units: u32, work: u64) -> Self {
        Self { lines: 1, units, work }
    }

    /// All units.
    pub(crate) fn total(self) -> u64 {
        u64::from(self.lines).wrapping_mul(self.units.into())
    }

    /// The part that begins with unit `from` and takes no more than `limit` of work, or one unit.
    pub(crate) fn part(self, from: u64, limit: u64) -> Part {
        let within = |units: u64| u32::try_from(units).unwrap_or(u32::MAX);
        let quotient = |a: u64, b: u64| within(a.checked_div(b).unwrap_or_default());
        let line = quotient(from, self.units.into());
        let unit = within(from.checked_rem(self.units.into()).unwrap_or_default());
        let affordable = quotient(limit, self.work.max(1)).max(1);
        let lines = affordable.checked_div(self.units).unwrap_or_default();
        if unit == 0 && lines > 0 {
            let last = line.saturating_add(lines).min(self.lines);
            return Part { lines: [line, last], units: [0, self.units] };
        }
        let last = unit.saturating_add(affordable).min(self.units);
        Part { lines: [line, line.saturating_add(1)], units: [unit, last] }
    }
}

/// Whole lines, or units of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The first line, and the one behind the last.
    pub(crate) lines: [u32; 2],
    /// The first unit of each line, and the one behind the last.
    pub(crate) units: [u32; 2],
}

impl Part {
    /// How many units come before it, of lines of `units`.
    pub(crate) const fn start(&self, units: u32) -> usize {
        (self.lines[0] as usize).wrapping_mul(units as usize).wrapping_add(self.units[0] as usize)
    }

    /// How many units it has.
    pub(crate) fn count(&self) -> u64 {
        let of = |[from, to]: [u32; 2]| u64::from(to.wrapping_sub(from));
        of(self.lines).wrapping_mul(of(self.units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole() {
        for (lines, units, work) in [(1, 1, 9), (1, 7, 1), (3, 5, 4), (4, 1, 100), (2, 6, 0), (5, 5, 3)] {
            let grid = Grid { lines, units, work };
            for limit in [0, 1, 3, 4, 7, 12, 20, 40, 59, 60, 100, u64::MAX] {
                let mut done = 0;
                while done < grid.total() {
                    let part = grid.part(done, limit);
                    assert_eq!(part.start(units) as u64, done, "{grid:?} {limit} {part:?}");
                    assert!(part.count() > 0 && part.lines[1] <= lines && part.units[1] <= units);
                    assert!(
                        part.count() == 1 || part.count() * work.max(1) <= limit,
                        "{grid:?} {limit} {part:?}"
                    );
                    assert!(part.units == [0, units] || part.lines[1] == part.lines[0] + 1);
                    done += part.count();
                }
                assert_eq!(done, grid.total());
            }
        }
    }
}
