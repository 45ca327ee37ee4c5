//! What the application tells: of a run, of the signal, of all that has happened. It logs these and answers with them.

use crate::decide::Decision;

/// What a run gave.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report {
    /// Runs so far, this one included, and those before the last reset.
    pub runs: u32,
    /// What it says; `None` as long as the model warms up.
    pub decision: Option<Decision>,
    /// The probability of the class, an approximation for people.
    pub probability: f32,
    /// Ticks of the clock that the run took.
    pub ticks: u32,
    /// Thousandths of the time from run to run that it left.
    pub headroom_permille: i32,
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Totals {
    /// Frames of samples.
    pub frames: u32,
    /// Runs of the model.
    pub runs: u32,
    /// Runs whose decision held.
    pub held: u32,
    /// Times that the signal broke off and the model began anew.
    pub resets: u32,
}

/// What is wrong with the signal. Each begins it anew, but for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Notice {
    /// Frames come at this rate, for which the model was not trained; the second is the one it needs. They are not taken.
    Rate(u16, u16),
    /// The payload has this many bytes, no multiple of the second, the bytes of a frame of samples. It is not taken.
    Length(u16, u16),
    /// So many frames are missing.
    Missing(u16),
    /// The number of the frame before: it is not taken again.
    Again(u16),
}

impl Notice {
    /// The notice as it goes over a port: its kind, and two numbers, little endian.
    pub fn bytes(self) -> [u8; 5] {
        let (kind, a, b) = match self {
            Self::Rate(found, needed) => (0, found, needed),
            Self::Length(found, unit) => (1, found, unit),
            Self::Missing(frames) => (2, frames, 0),
            Self::Again(number) => (3, number, 0),
        };
        let ([a0, a1], [b0, b1]) = (a.to_le_bytes(), b.to_le_bytes());
        [kind, a0, a1, b0, b1]
    }
}
