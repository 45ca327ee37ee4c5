//! The exact search for the smallest arena of one choice of sharing.
//!
//! Any plan can be pushed down until each place lies at the lowest offset where it fits, without growing the arena.
//! Reading such a plan in order of offsets, each place lies on the skyline of those before it, so it is enough to
//! try orders. An order is given up as soon as it cannot come from a plan pushed down, or cannot beat the best plan.

use super::Budget;
use super::places::Places;

/// Arena size and offsets of the smallest plan below `limit_units`, if one was found; and whether the search was
/// exhausted.
pub(super) fn smaller_than(
    limit_units: usize,
    places: &Places,
    budget: &mut Budget,
) -> (Option<(usize, Vec<usize>)>, bool) {
    let mut to_come = vec![0; places.slots];
    for (slot, height) in places.list.iter().flat_map(super::places::Place::profile) {
        to_come[slot] += height;
    }
    let mut search = Search {
        places,
        budget,
        skyline: vec![0; places.slots],
        to_come,
        offsets: vec![None; places.list.len()],
        best_units: limit_units,
        enough_units: places.most_live_units(),
        best: None,
        exhausted: true,
    };
    search.descend(0);
    (search.best.map(|offsets| (search.best_units, offsets)), search.exhausted)
}

struct Search<'a, 'b> {
    places: &'a Places,
    budget: &'b mut Budget,
    /// Top of what is placed, in each slot.
    skyline: Vec<usize>,
    /// Units still to be placed, in each slot.
    to_come: Vec<usize>,
    offsets: Vec<Option<usize>>,
    best_units: usize,
    enough_units: usize,
    best: Option<Vec<usize>>,
    exhausted: bool,
}

impl Search<'_, '_> {
    /// Tries all orders of the places that have no offset yet. All of them end up at `floor` or above.
    fn descend(&mut self, floor: usize) {
        if self.best_units <= self.enough_units {
            return;
        }
        let in_use = self.skyline.iter().zip(&self.to_come);
        // A slot with nothing to come keeps its skyline; elsewhere all that comes lies above the floor as well.
        let bound = in_use
            .map(|(top, more)| if *more > 0 { (*top).max(floor) + more } else { *top })
            .max()
            .unwrap_or(0);
        if bound >= self.best_units {
            return;
        }
        if !self.budget.spend(self.skyline.len()) {
            self.exhausted = false;
            return;
        }
        let Some(candidates) = self.candidates(floor) else { return };
        if candidates.is_empty() {
            self.best_units = bound;
            self.best = Some(self.offsets.iter().map(|offset| offset.unwrap_or(0)).collect());
            return;
        }
        for (offset, index) in candidates {
            let place = &self.places.list[index];
            let under = self.skyline[place.life()].to_vec();
            for (slot, height) in place.profile() {
                self.skyline[slot] = offset + height;
                self.to_come[slot] -= height;
            }
            self.offsets[index] = Some(offset);
            self.descend(offset);
            self.offsets[index] = None;
            for ((slot, height), top) in place.profile().zip(under) {
                self.skyline[slot] = top;
                self.to_come[slot] += height;
            }
        }
    }

    /// Places that can be next in a plan pushed down, with their offsets, lowest and tallest first. Empty if nothing
    /// is left; `None` if something left would fit below `floor`.
    fn candidates(&mut self, floor: usize) -> Option<Vec<(usize, usize)>> {
        let list = &self.places.list;
        let mut open: Vec<(usize, usize)> = vec![];
        for index in (0..list.len()).filter(|&index| self.offsets[index].is_none()) {
            self.budget.spend(list[index].heights.len());
            let offset = self.skyline[list[index].life()].iter().copied().max().unwrap_or(0);
            open.push((offset, index));
        }
        open.sort_unstable();
        if open.first().is_some_and(|(offset, _)| *offset < floor) {
            return None;
        }
        // Whatever could lie lower than a candidate must be pushed up by it, otherwise it would come first.
        let mut candidates = vec![];
        for (position, &(offset, index)) in open.iter().enumerate() {
            let pushes = |&(lower, other): &(usize, usize)| {
                list[other].meets(&list[index]) && lower + list[other].tallest > offset
            };
            self.budget.spend(position);
            if open[..position].iter().all(pushes) {
                candidates.push((offset, index));
            }
        }
        candidates.sort_by_key(|&(offset, index)| (offset, std::cmp::Reverse(list[index].tallest)));
        Some(candidates)
    }
}
