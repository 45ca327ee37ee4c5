//! The planner against an exhaustive search over all offsets, and on graphs of known shape.

use super::*;
use proptest::prelude::*;

fn buffer(size_bytes: usize, first: usize, last: usize) -> Buffer {
    Buffer { size_bytes, first, last, in_place_of: None }
}

/// Smallest arena by trying every aligned offset of every buffer.
fn brute_force(buffers: &[Buffer], alignment_bytes: usize) -> usize {
    let rounded = |buffer: &Buffer| buffer.size_bytes.next_multiple_of(alignment_bytes);
    let enough: usize = buffers.iter().map(rounded).sum();
    (0..=enough)
        .step_by(alignment_bytes)
        .find(|&arena| fits(buffers, alignment_bytes, arena, &mut vec![]))
        .unwrap()
}

fn fits(buffers: &[Buffer], alignment_bytes: usize, arena_bytes: usize, offsets: &mut Vec<usize>) -> bool {
    let placed = offsets.len();
    if placed > 0 {
        let so_far = Plan { offsets: offsets.clone(), arena_bytes, lower_bound_bytes: 0, optimal: false };
        // A buffer may replace a later one, so the check sees the whole list, the rest of it empty.
        let mut known = buffers.to_vec();
        known[placed..].iter_mut().for_each(|buffer| buffer.size_bytes = 0);
        let padded = Plan { offsets: padded(offsets, buffers.len()), ..so_far };
        if check(&known, alignment_bytes, &padded).is_err() {
            return false;
        }
    }
    if placed == buffers.len() {
        return true;
    }
    (0..=arena_bytes).step_by(alignment_bytes).any(|offset| {
        offsets.push(offset);
        let found = fits(buffers, alignment_bytes, arena_bytes, offsets);
        offsets.pop();
        found
    })
}

fn padded(offsets: &[usize], count: usize) -> Vec<usize> {
    let mut offsets = offsets.to_vec();
    offsets.resize(count, 0);
    offsets
}

fn arbitrary_buffer(count: usize) -> impl Strategy<Value = Buffer> {
    let place = prop::option::weighted(0.5, 0..count);
    (0usize..=7, 0usize..6, 0usize..4, place).prop_map(|(size_bytes, first, more, in_place_of)| Buffer {
        size_bytes,
        first,
        last: first + more,
        in_place_of,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn small_plans_are_optimal(
        buffers in (1usize..=6).prop_flat_map(|count| prop::collection::vec(arbitrary_buffer(count), count)),
        alignment_bytes in 1usize..4,
    ) {
        let plan = plan(&buffers, alignment_bytes);
        prop_assert_eq!(check(&buffers, alignment_bytes, &plan), Ok(()));
        prop_assert!(plan.optimal);
        prop_assert_eq!(plan.arena_bytes, brute_force(&buffers, alignment_bytes));
    }

    #[test]
    fn any_plan_is_sound_and_its_bound_below_any_other(
        buffers in prop::collection::vec(arbitrary_buffer(40), 40), budget_slots in 0u64..3000,
    ) {
        let hasty = plan_within(&buffers, 4, budget_slots);
        prop_assert_eq!(check(&buffers, 4, &hasty), Ok(()));
        let patient = plan(&buffers, 4);
        prop_assert!(patient.arena_bytes <= hasty.arena_bytes && hasty.lower_bound_bytes <= patient.arena_bytes);
        prop_assert!(!hasty.optimal || hasty.arena_bytes == patient.arena_bytes);
    }
}

#[test]
fn the_search_beats_first_fit() {
    // An instance where first fit gives 13 in all its orders, and the optimum is above the lower bound.
    let fragmented = [(2, 3, 4), (3, 0, 0), (5, 1, 3), (4, 2, 2), (5, 0, 1), (3, 0, 0)];
    let buffers: Vec<Buffer> =
        fragmented.iter().map(|&(size, first, last)| buffer(size, first, last)).collect();
    let places = Places::new(&buffers, &vec![None; buffers.len()], 1);
    let (start, _) = first_fit::best_of_orders(&places, &mut Budget { left_slots: u64::MAX });
    let plan = plan(&buffers, 1);
    assert_eq!((start, plan.arena_bytes, plan.lower_bound_bytes, plan.optimal), (13, 12, 11, true));
}

#[test]
fn a_chain_of_layers_alternates() {
    let sizes = [1024, 4096, 2048, 2048, 512, 64, 10];
    let buffers: Vec<Buffer> = sizes.iter().enumerate().map(|(i, &size)| buffer(size, i, i + 1)).collect();
    let plan = plan(&buffers, 16);
    assert_eq!((plan.arena_bytes, plan.lower_bound_bytes, plan.optimal), (4096 + 2048, 4096 + 2048, true));
    assert_eq!(check(&buffers, 16, &plan), Ok(()));
}

#[test]
fn in_place_halves_the_arena_and_competitors_do_not_collide() {
    let in_place = |first, last, old| Buffer { in_place_of: Some(old), ..buffer(100, first, last) };
    let chain = [buffer(100, 0, 1), in_place(1, 2, 0), in_place(2, 3, 1)];
    assert_eq!(plan(&chain, 4).arena_bytes, 100);
    let competitors = [buffer(100, 0, 1), in_place(1, 2, 0), in_place(1, 2, 0)];
    let shared = plan(&competitors, 4);
    assert_eq!((shared.arena_bytes, shared.optimal), (200, true));
    assert_eq!(check(&competitors, 4, &shared), Ok(()));
    // Still in use later: the place must not be taken.
    let busy = [buffer(100, 0, 2), in_place(1, 2, 0)];
    assert_eq!(plan(&busy, 4).arena_bytes, 200);
}

#[test]
fn hundreds_of_buffers_end_within_the_budget() {
    // Deterministic scatter of sizes and lifetimes, as of a deep graph with long skips.
    let buffers: Vec<Buffer> = (0..600)
        .map(|i| {
            let old = (i > 0 && i % 3 == 0).then(|| i - 1);
            Buffer {
                in_place_of: old,
                ..buffer(1 + i * 7919 % 5000, i, i + 1 + i * i % 13 * usize::from(i % 3 != 2))
            }
        })
        .collect();
    let plan = plan(&buffers, 8);
    assert_eq!(check(&buffers, 8, &plan), Ok(()));
    assert!(
        plan.arena_bytes * 5 <= plan.lower_bound_bytes * 6,
        "{} {}",
        plan.arena_bytes,
        plan.lower_bound_bytes
    );
}

#[test]
fn nothing_and_empty_buffers() {
    let none = Plan { offsets: vec![], arena_bytes: 0, lower_bound_bytes: 0, optimal: true };
    assert_eq!(plan(&[], 4), none);
    assert_eq!(plan(&[buffer(0, 0, 3)], 4), Plan { offsets: vec![0], ..none });
}

#[test]
fn the_check_finds_what_is_wrong() {
    let buffers = [buffer(8, 0, 1), buffer(8, 1, 2)];
    let good = plan(&buffers, 4);
    let with = |offsets: Vec<usize>| check(&buffers, 4, &Plan { offsets, ..good.clone() });
    assert_eq!(with(vec![0, 8]), Ok(()));
    assert_eq!(with(vec![0, 4]), Err(PlanError::Overlap { first: 0, second: 1 }));
    assert_eq!(with(vec![0, 9]), Err(PlanError::Unaligned { buffer: 1, offset: 9 }));
    assert_eq!(with(vec![0, 12]), Err(PlanError::Outside { buffer: 1 }));
    assert_eq!(with(vec![0]), Err(PlanError::Count { offsets: 1, buffers: 2 }));
    assert_eq!(check(&buffers, 4, &Plan { arena_bytes: 12, ..good }), Err(PlanError::BelowBound));
}
