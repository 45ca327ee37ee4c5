//! The loop of an accelerometer on the board: a sample when there is one, a frame for the application.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

use crate::accelerometer::{Accelerometer, SensorError};
use crate::application::{Application, StepError};
use crate::clock::Clock;
use crate::model::Model;
use crate::report::Report;

/// Why the loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SampledError<E> {
    /// The sensor failed.
    Sensor(SensorError<E>),
    /// The application failed.
    Step(StepError),
}

/// Waits for the next sample and gives it to the application; what a run made of it. The sensor is asked eight times for each
/// sample. Samples that were lost begin the signal anew.
///
/// # Errors
/// [`SampledError`] if the sensor or the application fails.
pub fn next<S, M, P, C, D, const N: usize>(
    sensor: &mut S,
    application: &mut Application<M, P, C, N>,
    delay: &mut D,
) -> Result<Option<Report>, SampledError<S::Bus>>
where
    S: Accelerometer,
    M: Model,
    P: OutputPin,
    C: Clock,
    D: DelayNs,
{
    let pause_us = 125_000 / u32::from(application.settings().rate_hz.max(1));
    loop {
        if let Some(sample) = sensor.sample().map_err(SampledError::Sensor)? {
            if sensor.overrun() {
                crate::log::overrun();
                application.reset().map_err(SampledError::Step)?;
            }
            return application.frame(&sample).map_err(SampledError::Step);
        }
        delay.delay_us(pause_us);
    }
}

/// The same for ever.
///
/// # Errors
/// As [`next`].
pub fn run<S, M, P, C, D, const N: usize>(
    sensor: &mut S,
    application: &mut Application<M, P, C, N>,
    delay: &mut D,
) -> Result<core::convert::Infallible, SampledError<S::Bus>>
where
    S: Accelerometer,
    M: Model,
    P: OutputPin,
    C: Clock,
    D: DelayNs,
{
    loop {
        next(sensor, application, delay)?;
    }
}
