//! Which channel an element of a value belongs to, once elements have been moved.
//!
//! Scales, biases and whatever else differs between channels belong to the indices along one axis until reshapes,
//! transposes and slices follow. What they make of it is said here, for meanings of integers in the graph and for
//! callers in the interface.

use std::collections::BTreeMap;

use num_integer::Integer;
use serde::{Deserialize, Serialize};

/// The channel of each element of a value: a number of several digits, each a digit of the element's index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelMap {
    /// Stride and count of each digit, the most significant first: of element `e` it is `e / stride % count`.
    pub digits: Vec<[usize; 2]>,
    /// Channel of each number; empty if the number is the channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<u32>,
}

impl ChannelMap {
    /// Channels that are the indices along `axis` of `shape`.
    pub fn along(shape: &[usize], axis: usize) -> Self {
        let inner = shape.iter().skip(axis + 1).product::<usize>().max(1);
        Self { digits: vec![[inner, shape.get(axis).copied().unwrap_or(1).max(1)]], order: vec![] }
    }

    /// The map that gives `channels`, one for each element. Digits are looked for between `strides`.
    pub fn of_elements(channels: &[u32], strides: &[usize]) -> Self {
        let mut map = Self { digits: digits(channels, 1, strides), order: vec![] };
        if channels.is_empty() {
            return map;
        }
        let order: Vec<u32> = (0..map.numbers()).map(|number| channels[map.element(number)]).collect();
        if !order.iter().copied().eq(0..order.len() as u32) {
            map.order = order;
        }
        map
    }

    /// How many numbers the digits make.
    pub fn numbers(&self) -> usize {
        self.digits.iter().map(|[_, count]| count).product()
    }

    /// The channel of element `element`.
    pub fn channel(&self, element: usize) -> usize {
        let number =
            self.digits.iter().fold(0, |number, [stride, count]| number * count + element / stride % count);
        self.order.get(number).map_or(number, |channel| *channel as usize)
    }

    /// The channels of the first `count` elements.
    pub fn elements(&self, count: usize) -> Vec<u32> {
        (0..count).map(|element| self.channel(element) as u32).collect()
    }

    /// The axis of `shape` whose indices the channels are.
    pub fn axis(&self, shape: &[usize]) -> Option<usize> {
        (0..shape.len()).find(|axis| *self == Self::along(shape, *axis))
    }

    /// The channel of each index along `axis` of `shape`, if it depends on nothing else.
    pub fn indices(&self, shape: &[usize], axis: usize) -> Option<Vec<u32>> {
        let size = *shape.get(axis)?;
        let inner: usize = shape[axis + 1..].iter().product();
        let first: Vec<u32> = (0..size).map(|index| self.channel(index * inner) as u32).collect();
        let elems = shape.iter().product::<usize>();
        let alone = (0..elems).all(|element| self.channel(element) as u32 == first[element / inner % size]);
        alone.then_some(first)
    }

    /// The first element with the number `number`.
    fn element(&self, number: usize) -> usize {
        let mut rest = number;
        let mut element = 0;
        for [stride, count] in self.digits.iter().rev() {
            element += rest % count * stride;
            rest /= count;
        }
        element
    }
}

/// The digits, in units of `unit` elements, that `list` depends on.
fn digits(list: &[u32], unit: usize, strides: &[usize]) -> Vec<[usize; 2]> {
    // What stays the same from one entry to the next, and what comes again, are digits that do not matter.
    let run = run_length(list);
    let list: Vec<u32> = list.iter().step_by(run.max(1)).copied().collect();
    let unit = unit * run.max(1);
    let list = &list[..period(&list)];
    if list.len() < 2 {
        return vec![];
    }
    for stride in strides.iter().copied() {
        let count = stride / unit;
        let between = stride.is_multiple_of(unit)
            && count > 1
            && count < list.len()
            && list.len().is_multiple_of(count);
        if !between {
            continue;
        }
        // Rows as numbers of their own.
        let mut known: BTreeMap<&[u32], u32> = BTreeMap::new();
        let rows = list.chunks(count).map(|row| {
            let next = known.len() as u32;
            *known.entry(row).or_insert(next)
        });
        let rows: Vec<u32> = rows.collect();
        if run_length(&rows) > 1 {
            let mut found = digits(&rows, unit * count, strides);
            found.push([unit, count]);
            return found;
        }
    }
    vec![[unit, list.len()]]
}

/// The largest number of which all lengths of runs of equal entries are multiples.
fn run_length(list: &[u32]) -> usize {
    let changes = (1..list.len()).filter(|index| list[*index] != list[index - 1]);
    changes.fold(list.len(), |length, change| length.gcd(&change))
}

/// The least number of entries, a divisor of all, after which `list` repeats.
fn period(list: &[u32]) -> usize {
    let repeats = |length: &usize| {
        list.len().is_multiple_of(*length)
            && list[*length..].iter().zip(list).all(|(entry, before)| entry == before)
    };
    (1..=list.len()).find(repeats).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The map of the channels along axis 1 of `shape`, moved by `moves`; equal to what they are for each element.
    fn moved(shape: &[usize], perm: &[usize], strides: &[usize]) -> ChannelMap {
        let elems: usize = shape.iter().product();
        let channels = ChannelMap::along(shape, 1).elements(elems);
        let channels = exactum_host::elements::permuted(&channels, shape, perm);
        let map = ChannelMap::of_elements(&channels, strides);
        assert_eq!(map.elements(elems), channels);
        map
    }

    #[test]
    fn channels_of_moved_elements() {
        assert_eq!(moved(&[1, 4, 3, 5], &[0, 1, 2, 3], &[]).digits, [[15, 4]]);
        assert_eq!(moved(&[1, 4, 3, 5], &[0, 2, 3, 1], &[]).digits, [[1, 4]]);
        // Three anchors of seven numbers for each of ten places, as detectors give them.
        let map = {
            let channels: Vec<u32> = (0..210).map(|at| at / 70 * 7 + at % 7).collect();
            let map = ChannelMap::of_elements(&channels, &[1, 7, 70]);
            assert_eq!(map.elements(210), channels);
            map
        };
        assert_eq!((map.digits, map.order), (vec![[70, 3], [1, 7]], vec![]));
    }

    #[test]
    fn channels_without_order() {
        let channels = [2, 2, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1];
        let map = ChannelMap::of_elements(&channels, &[]);
        assert_eq!((map.digits.as_slice(), map.order.as_slice()), (&[[2, 3]][..], &[2, 0, 1][..]));
        assert_eq!(map.elements(12), channels);
        assert_eq!(map.indices(&[2, 6], 1), Some(vec![2, 2, 0, 0, 1, 1]));
        assert_eq!(map.indices(&[4, 3], 1), None);
        let map = ChannelMap::of_elements(&[5, 5, 5, 5], &[]);
        assert_eq!((map.digits.len(), map.order.as_slice()), (0, &[5][..]));
    }

    #[test]
    fn an_axis_is_found_again() {
        let shape = [1, 3, 4, 5];
        for axis in 1..4 {
            assert_eq!(ChannelMap::along(&shape, axis).axis(&shape), Some(axis));
        }
        assert_eq!(ChannelMap::along(&shape, 2).axis(&[60]), None);
    }
}
