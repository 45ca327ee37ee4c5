//! Handwritten digits, 8 by 8 pixels of 17 grey levels: small enough to be part of this crate.
//!
//! Source: "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, by E. Alpaydin and C. Kaynak
//! (1998), licensed CC BY 4.0; the 1797 samples of its test part. Examples, tests and benches load them.

use std::io::Read;

use flate2::read::GzDecoder;
use thiserror::Error;

use super::{Dataset, Split};

/// Height and width of an image, in pixels.
pub const SIDE: usize = 8;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Digits 0 to 9.
pub const CLASSES: usize = 10;
/// The brightest grey level; the darkest is 0.
pub const MAX_LEVEL: u8 = 16;

/// One sample of this many in file order is for testing.
const TEST_EVERY: usize = 5;

static ARCHIVE: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// The digits cannot be read.
#[derive(Debug, Error)]
pub enum DigitsError {
    /// The archive is damaged.
    #[error("digits: the compressed table is damaged")]
    Archive(#[from] std::io::Error),
    /// A line is not 64 grey levels and a digit.
    #[error(
        "digits line {line}: found {found:?}, needed {PIXELS} grey levels of 0 to {MAX_LEVEL} and a digit"
    )]
    Line {
        /// From 1.
        line: usize,
        /// The text.
        found: String,
    },
}

/// All digits: grey levels divided by 16, which is exact. Samples 4, 9, 14, ... of the file are the test set.
///
/// # Errors
///
/// If the table inside this crate was damaged.
pub fn load() -> Result<Split, DigitsError> {
    let mut text = String::new();
    GzDecoder::new(ARCHIVE).read_to_string(&mut text)?;
    parse(&text)
}

fn parse(text: &str) -> Result<Split, DigitsError> {
    let mut split = Split { train: Dataset::empty(PIXELS, CLASSES), test: Dataset::empty(PIXELS, CLASSES) };
    for (index, line) in text.lines().enumerate() {
        let (levels, label) =
            sample(line).ok_or_else(|| DigitsError::Line { line: index + 1, found: line.to_owned() })?;
        let set = if index % TEST_EVERY == TEST_EVERY - 1 { &mut split.test } else { &mut split.train };
        set.push(levels.into_iter().map(|level| f32::from(level) / f32::from(MAX_LEVEL)), label);
    }
    Ok(split)
}

fn sample(line: &str) -> Option<(Vec<u8>, usize)> {
    let mut numbers =
        line.split(',').map(|text| text.trim().parse::<u8>().ok()).collect::<Option<Vec<_>>>()?;
    let label = usize::from(numbers.pop()?);
    let fits = numbers.len() == PIXELS && label < CLASSES && numbers.iter().all(|level| *level <= MAX_LEVEL);
    fits.then_some((numbers, label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_digits_are_there() {
        let split = load().unwrap();
        assert_eq!((split.train.len_samples(), split.test.len_samples()), (1438, 359));
        let mut counts = [0; CLASSES];
        for label in split.train.labels.iter().chain(&split.test.labels) {
            counts[*label] += 1;
        }
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert_eq!(&split.train.input(0)[..8], &[0.0, 0.0, 0.3125, 0.8125, 0.5625, 0.0625, 0.0, 0.0]);
    }

    #[test]
    fn damaged_lines_are_named() {
        let good = ["0"; PIXELS + 1].join(",");
        let bright = good.replacen('0', "17", 1);
        for bad in [&good[2..], bright.as_str(), "a,b"] {
            let error = parse(&format!("{good}\n{bad}")).unwrap_err();
            assert!(error.to_string().starts_with("digits line 2: found"), "{error}");
        }
    }
}
