//! The samples that a run takes: the newest frames of a signal, in a queue of a fixed size. [`Application`](crate::Application)
//! has one.

use heapless::Deque;

/// How the model has the samples of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Order {
    /// All samples of a channel, then those of the next: how most models are exported.
    ChannelsFirst,
    /// All channels of a frame, then those of the next: as they come; models built with `--channels-last`.
    ChannelsLast,
}

/// Frames of `channels` samples, up to `N` samples in all.
#[derive(Clone, Debug)]
pub struct Window<const N: usize> {
    samples: Deque<i16, N>,
    channels: usize,
    frames: usize,
}

impl<const N: usize> Window<N> {
    /// An empty window of `frames` frames; `None` if a frame or the window has no samples, or more than `N`.
    pub fn new(channels: usize, frames: usize) -> Option<Self> {
        let samples = channels.checked_mul(frames)?;
        (1..=N).contains(&samples).then_some(Self { samples: Deque::new(), channels, frames })
    }

    /// Takes a frame; the oldest one makes room where all are there. A frame of another number of samples is not taken:
    /// `false`.
    pub fn push(&mut self, frame: &[i16]) -> bool {
        if frame.len() != self.channels {
            return false;
        }
        if self.is_full() {
            self.advance(1);
        }
        frame.iter().all(|sample| self.samples.push_back(*sample).is_ok())
    }

    /// Whether all frames are there.
    pub fn is_full(&self) -> bool {
        self.samples.len() >= self.channels * self.frames
    }

    /// Drops the oldest `frames`, so that the next run comes so many frames later.
    pub fn advance(&mut self, frames: usize) {
        let samples = frames.saturating_mul(self.channels).min(self.samples.len());
        for _ in 0..samples {
            self.samples.pop_front();
        }
    }

    /// Forgets everything: what comes next does not follow what came before.
    pub fn clear(&mut self) {
        self.samples.clear();
    }

    /// Writes the samples in the order of the model to `out`, all of them or none: whether it has as many places.
    pub fn copy_to(&self, order: Order, out: &mut [i16]) -> bool {
        if !self.is_full() || out.len() != self.samples.len() {
            return false;
        }
        for (index, sample) in self.samples.iter().enumerate() {
            let (frame, channel) = (index / self.channels, index % self.channels);
            let place = match order {
                Order::ChannelsFirst => channel * self.frames + frame,
                Order::ChannelsLast => index,
            };
            if let Some(place) = out.get_mut(place) {
                *place = *sample;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_windows_are_refused() {
        for (channels, frames) in [(0, 4), (3, 0), (3, 5), (usize::MAX, 2)] {
            assert!(Window::<12>::new(channels, frames).is_none(), "{channels} {frames}");
        }
        assert!(Window::<12>::new(3, 4).is_some());
    }

    #[test]
    fn frames_come_in_the_order_of_the_model() {
        let mut window = Window::<6>::new(2, 3).unwrap();
        for frame in [[1, 2], [3, 4], [5, 6], [7, 8]] {
            assert!(window.push(&frame));
        }
        let mut out = [0; 6];
        assert!(window.copy_to(Order::ChannelsLast, &mut out));
        assert_eq!(out, [3, 4, 5, 6, 7, 8]);
        assert!(window.copy_to(Order::ChannelsFirst, &mut out));
        assert_eq!(out, [3, 5, 7, 4, 6, 8]);
        assert!(!window.copy_to(Order::ChannelsFirst, &mut [0; 5]));
        window.advance(2);
        assert!(!window.is_full() && !window.copy_to(Order::ChannelsLast, &mut out));
        assert!(!window.push(&[1, 2, 3]) && window.push(&[9, 10]) && window.push(&[11, 12]));
        assert!(window.copy_to(Order::ChannelsLast, &mut out));
        assert_eq!(out, [7, 8, 9, 10, 11, 12]);
        window.clear();
        assert!(!window.is_full());
    }
}
