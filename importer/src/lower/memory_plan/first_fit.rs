//! A good plan at once: each place at the lowest offset where it fits, in a few well-known orders.

use std::cmp::Reverse;

use super::Budget;
use super::places::{Place, Places};

/// Arena size and offsets of the best of the orders; the first one on a tie.
pub(super) fn best_of_orders(places: &Places, budget: &mut Budget) -> (usize, Vec<usize>) {
    let list = &places.list;
    let area = |place: &Place| place.heights.iter().sum::<usize>();
    let mut orders = vec![(0..list.len()).collect::<Vec<usize>>(); 4];
    orders[0].sort_by_key(|&i| Reverse((list[i].tallest, list[i].heights.len())));
    orders[1].sort_by_key(|&i| Reverse(area(&list[i])));
    orders[2].sort_by_key(|&i| Reverse((list[i].heights.len(), list[i].tallest)));
    orders[3].sort_by_key(|&i| list[i].first);
    let plans = orders.iter().map(|order| place_in_order(places, order, budget));
    plans.min_by_key(|(arena, _)| *arena).unwrap_or_default()
}

fn place_in_order(places: &Places, order: &[usize], budget: &mut Budget) -> (usize, Vec<usize>) {
    let mut offsets = vec![0; places.list.len()];
    let mut arena = 0;
    for (position, &index) in order.iter().enumerate() {
        let place = &places.list[index];
        let mut placed: Vec<usize> =
            order[..position].iter().copied().filter(|&other| places.list[other].meets(place)).collect();
        placed.sort_by_key(|&other| offsets[other]);
        let mut offset = 0;
        // A place once passed can only be below, except where heights change over time: repeat until all agree.
        loop {
            let before = offset;
            for &other in &placed {
                budget.spend(places.list[other].heights.len());
                offset = above(&places.list[other], offsets[other], place, offset);
            }
            if offset == before {
                break;
            }
        }
        offsets[index] = offset;
        arena = arena.max(offset + place.tallest);
    }
    (arena, offsets)
}

/// The lowest offset from `offset` on at which `place` does not overlap `other` in the slots where it does so now.
fn above(other: &Place, other_offset: usize, place: &Place, offset: usize) -> usize {
    let shared = other.life().start.max(place.first)..other.life().end.min(place.life().end);
    let overlaps = shared.filter_map(|slot| {
        let (below, height) =
            (other_offset + other.heights[slot - other.first], place.heights[slot - place.first]);
        (offset < below && other_offset < offset + height).then_some(below)
    });
    overlaps.max().unwrap_or(offset)
}
