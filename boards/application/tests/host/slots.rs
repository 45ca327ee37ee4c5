//! Two slots: bits that flip anywhere, updates that are cut off anywhere, and slots that are not what they say.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_write,
};
use exactum_application::slots::{
    Chosen, HEADER_BYTES, Header, SlotError, Update, UpdateError, choose, load,
};
use exactum_runtime::Program;
use exactum_runtime::program::{Limits, Model, words_as_bytes, words_as_bytes_mut};

use crate::model::image_of;

const SLOT: usize = 2048;
const ERASE: usize = 256;
const WORD: usize = 8;

/// Flash that counts what it does and stops at a limit, as when power fails.
struct Flash {
    words: Vec<u64>,
    left: usize,
}

impl Flash {
    fn new() -> Self {
        Self { words: vec![u64::MAX; 2 * SLOT / 8], left: usize::MAX }
    }

    fn slots(&self) -> [&[u8]; 2] {
        let (a, b) = words_as_bytes(&self.words).split_at(SLOT);
        [a, b]
    }

    fn bytes(&mut self) -> &mut [u8] {
        words_as_bytes_mut(&mut self.words)
    }

    /// One word, or one erased part, is one step.
    fn step(&mut self) -> Result<(), NorFlashErrorKind> {
        self.left = self.left.checked_sub(1).ok_or(NorFlashErrorKind::Other)?;
        Ok(())
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.copy_from_slice(&words_as_bytes(&self.words)[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        2 * SLOT
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to).map_err(|error| error.kind())?;
        for start in (from as usize..to as usize).step_by(ERASE) {
            self.step()?;
            self.bytes()[start..start + ERASE].fill(0xff);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len()).map_err(|error| error.kind())?;
        for (index, word) in bytes.chunks(WORD).enumerate() {
            self.step()?;
            let place = &mut self.bytes()[offset as usize + index * WORD..][..WORD];
            assert!(place.iter().all(|byte| *byte == 0xff), "written twice");
            place.copy_from_slice(word);
        }
        Ok(())
    }
}

fn image(version: i64) -> Vec<u8> {
    image_of(Model { version, digest: [version as u8; 32], ..Model::default() })
}

fn with_program<T>(image: &[u8], read: impl FnOnce(&Program<'_>) -> T) -> T {
    let mut words = vec![0u64; image.len().div_ceil(8)];
    words_as_bytes_mut(&mut words)[..image.len()].copy_from_slice(image);
    read(&Program::load(&words_as_bytes(&words)[..image.len()]).unwrap())
}

fn header(image: &[u8], generation: u32) -> Header {
    with_program(image, |program| Header::of(program, image, generation))
}

/// Writes `image` to slot `slot`, in pieces.
fn update(
    flash: Flash,
    slot: usize,
    image: &[u8],
    header: Header,
) -> Result<Flash, UpdateError<NorFlashErrorKind>> {
    let mut update = Update::begin(flash, (slot * SLOT) as u32, SLOT as u32, header)?;
    for piece in image.chunks(5 * WORD) {
        update.write(piece)?;
    }
    update.commit()
}

/// Version 1 in slot 0, version 2 in slot 1.
fn both() -> Flash {
    let mut flash = Flash::new();
    for (slot, version) in [1, 2].into_iter().enumerate() {
        let image = image(version);
        flash = update(flash, slot, &image, header(&image, slot as u32)).unwrap();
    }
    flash
}

fn chosen(flash: &Flash) -> Result<(usize, i64, Option<SlotError>), [SlotError; 2]> {
    choose(flash.slots(), &Limits::default())
        .map(|Chosen { program, slot, other, .. }| (slot, program.model_version(), other))
}

#[test]
fn the_larger_generation_runs() {
    assert_eq!(chosen(&both()), Ok((1, 2, None)));
    let third = image(3);
    let flash = update(both(), 0, &third, header(&third, 2)).unwrap();
    assert_eq!(chosen(&flash), Ok((0, 3, None)));
    assert_eq!(chosen(&Flash::new()), Err([SlotError::Empty; 2]));
}

#[test]
fn every_bit_of_the_newer_slot_that_flips_lets_the_other_run() {
    let mut flash = both();
    let used = HEADER_BYTES + image(2).len();
    for bit in 0..used * 8 {
        let flip = |flash: &mut Flash| flash.bytes()[SLOT + bit / 8] ^= 1 << (bit % 8);
        flip(&mut flash);
        let found = chosen(&flash);
        assert!(matches!(found, Ok((0, 1, Some(_)))), "bit {bit}: {found:?}");
        flip(&mut flash);
    }
    assert_eq!(chosen(&flash), Ok((1, 2, None)));
}

#[test]
fn with_both_slots_damaged_nothing_runs() {
    let mut flash = both();
    flash.bytes()[20] ^= 1;
    flash.bytes()[SLOT + HEADER_BYTES + 40] ^= 1;
    assert_eq!(chosen(&flash), Err([SlotError::Header, SlotError::Hash]));
}

#[test]
fn an_update_that_is_cut_off_leaves_the_other_slot_running() {
    let third = image(3);
    let mut steps = 0;
    loop {
        let mut flash = both();
        flash.left = steps;
        let mut words = flash.words.clone();
        // What the flash is when power fails.
        let cut = {
            let begun = Update::begin(Borrowed(&mut flash), 0, SLOT as u32, header(&third, 2));
            let run = |mut update: Update<Borrowed<'_>>| {
                third.chunks(4 * WORD).try_for_each(|piece| update.write(piece))?;
                update.commit().map(drop)
            };
            begun.and_then(run).is_err()
        };
        words.clone_from(&flash.words);
        let found = chosen(&Flash { words, left: 0 });
        if !cut {
            assert_eq!(found, Ok((0, 3, None)));
            break;
        }
        assert!(matches!(found, Ok((1, 2, _))), "after {steps} steps: {found:?}");
        steps += 1;
    }
    assert!(steps > third.len() / WORD, "{steps}");
}

/// A flash that is looked at afterwards.
struct Borrowed<'f>(&'f mut Flash);

impl ErrorType for Borrowed<'_> {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Borrowed<'_> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Borrowed<'_> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.0.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.write(offset, bytes)
    }
}

#[test]
fn headers_of_other_programs_are_told() {
    let second = image(2);
    let honest = header(&second, 1);
    let cases = [
        (Header { version: 3, ..honest }, SlotError::Version),
        (Header { digest: [7; 32], ..honest }, SlotError::Digest),
        (Header { length_bytes: SLOT as u32, ..honest }, SlotError::Length),
        (Header { hash: [0; 32], ..honest }, SlotError::Hash),
    ];
    for (header, expected) in cases {
        let mut words = vec![0u64; SLOT / 8];
        let bytes = words_as_bytes_mut(&mut words);
        bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        bytes[HEADER_BYTES..][..second.len()].copy_from_slice(&second);
        assert_eq!(load(words_as_bytes(&words), &Limits::default()).err(), Some(expected));
    }
    let mut flash = both();
    // No program at all, with the right hash.
    let nothing = vec![0x55; 64];
    flash = update(
        flash,
        0,
        &nothing,
        Header { hash: hash(&nothing), length_bytes: 64, generation: 9, ..honest },
    )
    .unwrap();
    assert!(matches!(chosen(&flash), Ok((1, 2, Some(SlotError::Load(_))))));
    // More than there is room for.
    let small = Limits { image_bytes: 16, ..Limits::default() };
    assert!(matches!(choose(both().slots(), &small), Err([SlotError::Load(_), SlotError::Load(_)])));
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[test]
fn updates_that_do_not_fit_are_refused() {
    let third = image(3);
    let honest = header(&third, 2);
    let begin = |start, bytes, header| Update::begin(both(), start, bytes, header).map(drop);
    assert_eq!(begin(8, SLOT as u32, honest), Err(UpdateError::Slot));
    assert_eq!(begin(SLOT as u32, 2 * SLOT as u32, honest), Err(UpdateError::Slot));
    assert_eq!(begin(u32::MAX - 255, 256, honest), Err(UpdateError::Slot));
    let long = Header { length_bytes: (SLOT - HEADER_BYTES) as u32 + 1, ..honest };
    assert_eq!(begin(0, SLOT as u32, long), Err(UpdateError::Slot));
    assert_eq!(update(both(), 0, &third[..third.len() - 8], honest).err(), Some(UpdateError::Length));
    assert_eq!(update(both(), 0, &[&third[..], &[0; 8]].concat(), honest).err(), Some(UpdateError::Length));
    let mut other = third.clone();
    other[30] ^= 1;
    assert_eq!(update(both(), 0, &other, honest).err(), Some(UpdateError::Hash));
}

/// Reading a header never fails otherwise, whatever is there.
#[test]
fn short_slots_are_empty() {
    let header = header(&image(1), 1).to_bytes();
    for length in 0..HEADER_BYTES {
        assert_eq!(Header::read(&header[..length]), Err(SlotError::Empty));
    }
    assert!(Header::read(&header).is_ok());
}
