//! The loop of samples that come over a serial port: frames in, an answer for every run out.
//!
//! Answers are [`frames`](crate::frames) themselves, with the number of the frame that caused them. Their payload begins with a
//! byte: [`RUN`] and behind it a byte of the class, 255 while the model warms up, a byte that is 1 if the decision holds, and the
//! codes of the output; [`NOTICE`] and a notice of five bytes; [`END`] alone.

use embedded_hal::digital::OutputPin;
use embedded_io::{Read, ReadExactError, Write};
use heapless::Vec;

use crate::application::{Application, StepError};
use crate::clock::Clock;
use crate::frames::{Arrival, Decoder, Event, FRAME_BYTES, Frame, Sequence};
use crate::model::Model;
use crate::report::{Notice, Report, Totals};

/// First byte of an answer: the output of a run.
pub const RUN: u8 = 1;
/// First byte of an answer: something about the signal.
pub const NOTICE: u8 = 2;
/// First byte of the last answer.
pub const END: u8 = 3;

/// Most bytes of a payload, of samples and of answers.
pub const PAYLOAD_BYTES: usize = 256;
const BYTES: usize = PAYLOAD_BYTES + FRAME_BYTES;

/// Why the loop ends before the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServeError<R, W> {
    /// Nothing can be read, or the port was closed: `None`.
    Read(Option<R>),
    /// Nothing can be written.
    Write(W),
    /// An answer has more bytes than [`PAYLOAD_BYTES`].
    Answer,
    /// The application failed.
    Step(StepError),
}

/// Gives the frames that `reader` brings to `application` and writes the answers to `writer`, until the signal ends.
///
/// # Errors
/// [`ServeError`] if a port or the application fails. Damaged frames are no error: they are logged, counted, and what comes next
/// begins the signal anew.
pub fn serve<R, W, M, P, C, const N: usize>(
    application: &mut Application<M, P, C, N>,
    reader: &mut R,
    writer: &mut W,
) -> Result<Totals, ServeError<R::Error, W::Error>>
where
    R: Read,
    W: Write,
    M: Model,
    P: OutputPin,
    C: Clock,
{
    let mut decoder = Decoder::<BYTES>::new();
    let mut server = Server { application, writer, sequence: Sequence::default(), number: 0 };
    loop {
        let mut byte = [0];
        reader.read_exact(&mut byte).map_err(|error| match error {
            ReadExactError::UnexpectedEof => ServeError::Read(None),
            ReadExactError::Other(error) => ServeError::Read(Some(error)),
        })?;
        decoder.push(byte[0]);
        let mut ended = false;
        while let Some(event) = decoder.next() {
            match event {
                Event::Fault(fault) => crate::log::fault(fault),
                Event::Frame(frame) => ended |= server.frame(&frame)?,
            }
        }
        if ended {
            let totals = server.application.totals();
            crate::log::end(totals, decoder.counts());
            return Ok(totals);
        }
    }
}

struct Server<'s, W, M, P, C, const N: usize> {
    application: &'s mut Application<M, P, C, N>,
    writer: &'s mut W,
    sequence: Sequence,
    /// Of the frame that is answered.
    number: u16,
}

impl<W: Write, M: Model, P: OutputPin, C: Clock, const N: usize> Server<'_, W, M, P, C, N> {
    /// Takes a frame; whether it ended the signal.
    fn frame<E>(&mut self, frame: &Frame<'_>) -> Result<bool, ServeError<E, W::Error>> {
        self.number = frame.sequence;
        match self.sequence.arrives(frame.sequence) {
            Arrival::Next => {}
            Arrival::Again => {
                self.notice(Notice::Again(frame.sequence))?;
                return Ok(false);
            }
            Arrival::Missing(frames) => {
                self.notice(Notice::Missing(frames))?;
                self.reset()?;
            }
        }
        if frame.payload.is_empty() {
            self.answer(&[END])?;
            return Ok(true);
        }
        let settings = *self.application.settings();
        if frame.rate_hz != settings.rate_hz {
            self.notice(Notice::Rate(frame.rate_hz, settings.rate_hz))?;
            self.reset()?;
            return Ok(false);
        }
        let frame_bytes = settings.channels.saturating_mul(2);
        if !frame.payload.len().is_multiple_of(frame_bytes) {
            self.notice(Notice::Length(frame.payload.len() as u16, frame_bytes as u16))?;
            self.reset()?;
            return Ok(false);
        }
        for samples in frame.payload.chunks_exact(frame_bytes) {
            let (words, _) = samples.as_chunks::<2>();
            let frame: Vec<i16, { PAYLOAD_BYTES / 2 }> =
                words.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
            if let Some(report) = self.application.frame(&frame).map_err(ServeError::Step)? {
                self.report(&report)?;
            }
        }
        Ok(false)
    }

    fn reset<E>(&mut self) -> Result<(), ServeError<E, W::Error>> {
        self.application.reset().map_err(ServeError::Step)
    }

    fn report<E>(&mut self, report: &Report) -> Result<(), ServeError<E, W::Error>> {
        let mut payload = Vec::<u8, PAYLOAD_BYTES>::new();
        let class = report.decision.map_or(u8::MAX, |decision| decision.class.min(254) as u8);
        let holds = report.decision.is_some_and(|decision| decision.holds);
        let codes = self.application.model().codes();
        payload
            .extend_from_slice(&[RUN, class, holds.into()])
            .and_then(|()| payload.extend_from_slice(codes.as_bytes()))
            .map_err(|_| ServeError::Answer)?;
        self.answer(&payload)
    }

    fn notice<E>(&mut self, notice: Notice) -> Result<(), ServeError<E, W::Error>> {
        crate::log::notice(notice);
        let [a, b, c, d, e] = notice.bytes();
        self.answer(&[NOTICE, a, b, c, d, e])
    }

    fn answer<E>(&mut self, payload: &[u8]) -> Result<(), ServeError<E, W::Error>> {
        let rate_hz = self.application.settings().rate_hz;
        let mut bytes = [0; BYTES];
        let frame = Frame { sequence: self.number, rate_hz, payload };
        let frame = frame.encode(&mut bytes).and_then(|length| bytes.get(..length));
        self.writer.write_all(frame.ok_or(ServeError::Answer)?).map_err(ServeError::Write)?;
        self.writer.flush().map_err(ServeError::Write)
    }
}
