//! Whether a frame follows the one before. [`serve`](crate::serve) asks it of each.

/// The numbers of the frames that came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequence {
    last: Option<u16>,
}

/// How a frame stands to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Arrival {
    /// It is the first, or the next.
    Next,
    /// It came before: the same number again.
    Again,
    /// So many frames are missing between them.
    Missing(u16),
}

impl Sequence {
    /// Takes the number of the next frame.
    pub fn arrives(&mut self, sequence: u16) -> Arrival {
        match self.last.replace(sequence).map(|last| sequence.wrapping_sub(last)) {
            None | Some(1) => Arrival::Next,
            Some(0) => Arrival::Again,
            Some(step) => Arrival::Missing(step.wrapping_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_repetitions_are_told() {
        let mut sequence = Sequence::default();
        let arrivals = [65534, 65535, 0, 0, 3, 2].map(|number| sequence.arrives(number));
        let expected = [
            Arrival::Next,
            Arrival::Next,
            Arrival::Next,
            Arrival::Again,
            Arrival::Missing(2),
            Arrival::Missing(65534),
        ];
        assert_eq!(arrivals, expected);
    }
}
