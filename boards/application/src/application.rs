//! The application: frames of samples in, a decision for each run out, a pin that follows it.

use embedded_hal::digital::OutputPin;
use exactum_display::softmax;
use exactum_runtime::InputError;

use crate::I16F16;
use crate::clock::{Clock, headroom_permille};
use crate::decide::{Decider, Decision, Rule};
use crate::model::Model;
use crate::report::{Report, Totals};
use crate::window::{Order, Window};

/// Most classes of which probabilities are computed.
const CLASSES: usize = 32;

/// What the application has to know of the model and the sensor.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Samples of a frame.
    pub channels: usize,
    /// Frames that a run takes: those of a window, or of a step of a model built with `--stream`.
    pub frames: usize,
    /// Frames from one run to the next; as many as a run takes in a model with states.
    pub hop: usize,
    /// How the model has them.
    pub order: Order,
    /// Bits of a sample behind the point.
    pub fraction_bits: u8,
    /// Frames of a second that the model was trained for.
    pub rate_hz: u16,
    /// Runs after a reset whose output means nothing: the steps of a window but one.
    pub warm_up: u32,
    /// When a class counts as decided.
    pub rule: Rule,
    /// The class for which the pin is high.
    pub target: usize,
}

/// Why there is no application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SettingsError {
    /// A run takes this many samples, more than there is room for, or none.
    Window {
        /// Samples of a run.
        samples: usize,
        /// Room for samples.
        room: usize,
    },
    /// The input of the model is of another size.
    Model {
        /// Samples of a run.
        samples: usize,
        /// Elements of the input.
        needed: usize,
    },
    /// The hop is none, or longer than the window.
    Hop,
}

/// Why the application stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StepError {
    /// A frame has another number of samples.
    Frame,
    /// The model does not take samples.
    Input(InputError),
    /// The model does not say what its output stands for.
    Scores,
    /// The pin failed.
    Pin,
}

/// A model, the window before it and the pin behind it. `N` is room for the samples of a run.
#[derive(Debug)]
pub struct Application<M, P, C, const N: usize> {
    settings: Settings,
    model: M,
    pin: P,
    clock: C,
    window: Window<N>,
    decider: Decider,
    since_reset: u32,
    totals: Totals,
}

impl<M: Model, P: OutputPin, C: Clock, const N: usize> Application<M, P, C, N> {
    /// The application before the first frame, with the pin low.
    ///
    /// # Errors
    /// [`SettingsError`] if settings, model and room do not go together.
    pub fn new(settings: Settings, model: M, mut pin: P, clock: C) -> Result<Self, SettingsError> {
        let samples = settings.channels.saturating_mul(settings.frames);
        let window = Window::new(settings.channels, settings.frames)
            .ok_or(SettingsError::Window { samples, room: N })?;
        if model.samples() != samples {
            return Err(SettingsError::Model { samples, needed: model.samples() });
        }
        if !(1..=settings.frames).contains(&settings.hop) {
            return Err(SettingsError::Hop);
        }
        // A pin that fails is noticed when it first follows a decision.
        let _ = pin.set_low();
        let (decider, totals) = (Decider::new(settings.rule), Totals::default());
        Ok(Self { settings, model, pin, clock, window, decider, since_reset: 0, totals })
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The model, as the last run left it.
    pub const fn model(&self) -> &M {
        &self.model
    }

    /// What has happened so far.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Begins anew: the next frame does not follow the one before.
    ///
    /// # Errors
    /// [`StepError::Pin`] if the pin fails.
    pub fn reset(&mut self) -> Result<(), StepError> {
        self.window.clear();
        self.model.reset();
        self.decider.reset();
        self.since_reset = 0;
        self.totals.resets = self.totals.resets.saturating_add(1);
        self.pin.set_low().map_err(|_| StepError::Pin)
    }

    /// Takes a frame, and runs the model if it was the last one that a run needs.
    ///
    /// # Errors
    /// [`StepError`] says what does not fit or failed.
    pub fn frame(&mut self, frame: &[i16]) -> Result<Option<Report>, StepError> {
        if !self.window.push(frame) {
            return Err(StepError::Frame);
        }
        self.totals.frames = self.totals.frames.saturating_add(1);
        if !self.window.is_full() {
            return Ok(None);
        }
        let mut samples = [0; N];
        let samples = samples.get_mut(..self.model.samples()).ok_or(StepError::Frame)?;
        self.window.copy_to(self.settings.order, samples);
        self.window.advance(self.settings.hop);

        let start = self.clock.ticks();
        self.model.run(samples, self.settings.fraction_bits).map_err(StepError::Input)?;
        let ticks = self.clock.ticks().wrapping_sub(start);
        self.totals.runs = self.totals.runs.saturating_add(1);
        self.since_reset = self.since_reset.saturating_add(1);
        let (mut decision, mut probability) = (None, 0.0);
        if self.since_reset > self.settings.warm_up {
            let found = self.decider.decide(self.model.scores()).ok_or(StepError::Scores)?;
            probability = self.probability(found.class);
            self.follow(found)?;
            decision = Some(found);
        }
        let headroom_permille = headroom_permille(ticks, self.ticks_of_hop());
        let report = Report { runs: self.totals.runs, decision, probability, ticks, headroom_permille };
        crate::log::report(&report);
        Ok(Some(report))
    }

    /// Sets the pin to what a decision says.
    fn follow(&mut self, decision: Decision) -> Result<(), StepError> {
        let is_target = decision.holds && decision.class == self.settings.target;
        self.totals.held = self.totals.held.saturating_add(decision.holds.into());
        let set = if is_target { self.pin.set_high() } else { self.pin.set_low() };
        set.map_err(|_| StepError::Pin)
    }

    fn probability(&self, class: usize) -> f32 {
        let mut probabilities = [0.0; CLASSES];
        softmax(self.model.scores(), &mut probabilities);
        probabilities.get(class).copied().unwrap_or_default()
    }

    /// Ticks from one run to the next.
    fn ticks_of_hop(&self) -> u64 {
        let frames = self.settings.hop as u64 * u64::from(self.clock.hertz());
        frames.checked_div(self.settings.rate_hz.into()).unwrap_or(u64::MAX)
    }
}

impl Default for Rule {
    /// A class that leads by a unit in two runs.
    fn default() -> Self {
        Self { lead: I16F16::ONE, runs: 2 }
    }
}
