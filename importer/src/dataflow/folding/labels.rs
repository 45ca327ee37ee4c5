//! Labels: sums of costs that partial choices have, with how they came about. Of labels for the same thing only those are
//! kept that no other one is at least as good as in everything.

/// What a partial choice costs, and the number of the choice in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label<const N: usize> {
    pub(super) cost: [u64; N],
    pub(super) choice: u32,
}

/// A choice: a candidate of a variable, and the choices that it was combined with.
#[derive(Debug)]
struct Choice {
    variable: u32,
    candidate: u32,
    before: Box<[u32]>,
}

/// All choices that labels name.
#[derive(Debug, Default)]
pub(super) struct Arena(Vec<Choice>);

/// A label that is not in the arena yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft<const N: usize> {
    pub(super) cost: [u64; N],
    pub(super) candidate: usize,
    pub(super) before: Vec<u32>,
}

impl Arena {
    /// Most choices that are kept.
    pub(super) const MOST: usize = 8_000_000;

    pub(super) fn is_full(&self) -> bool {
        self.0.len() > Self::MOST
    }

    /// Gives drafts of `variable` their places.
    pub(super) fn keep<const N: usize>(&mut self, variable: usize, drafts: Vec<Draft<N>>) -> Vec<Label<N>> {
        let keep = |draft: Draft<N>| {
            let choice = self.0.len() as u32;
            let (variable, candidate) = (variable as u32, draft.candidate as u32);
            self.0.push(Choice { variable, candidate, before: draft.before.into() });
            Label { cost: draft.cost, choice }
        };
        drafts.into_iter().map(keep).collect()
    }

    /// The candidate of each variable that `choices` come from.
    pub(super) fn read(&self, choices: &[u32], variables: usize) -> Vec<usize> {
        let mut chosen = vec![0; variables];
        let mut open = choices.to_vec();
        while let Some(next) = open.pop() {
            let choice = &self.0[next as usize];
            chosen[choice.variable as usize] = choice.candidate as usize;
            open.extend_from_slice(&choice.before);
        }
        chosen
    }
}

/// Sums of two costs.
pub(super) fn plus<const N: usize>(a: [u64; N], b: [u64; N]) -> [u64; N] {
    std::array::from_fn(|part| a[part].saturating_add(b[part]))
}

/// Leaves of `drafts` those that no other one is as good as; of equal ones the first.
pub(super) fn prune<const N: usize>(mut drafts: Vec<Draft<N>>) -> Vec<Draft<N>> {
    drafts.sort_by_key(|draft| draft.cost);
    let mut kept: Vec<Draft<N>> = vec![];
    for draft in drafts {
        // Whoever is as good in everything comes earlier in the order.
        let is_beaten = kept
            .iter()
            .rev()
            .any(|other| other.cost.iter().zip(&draft.cost).all(|(other, own)| other <= own));
        if !is_beaten {
            kept.push(draft);
        }
    }
    kept
}
