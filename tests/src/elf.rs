//! Bytes of firmware images. Called by the suites `firmware` and `boards`.

/// Bytes of a firmware in flash.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Instructions.
    pub code: u64,
    /// Constants.
    pub constants: u64,
}

/// The sizes of the sections of an ELF file that are loaded to flash.
pub fn sizes(elf: &[u8]) -> Option<Sizes> {
    const ALLOCATED: u32 = 2;
    const WRITABLE: u32 = 1;
    const EXECUTABLE: u32 = 4;
    const BITS: u32 = 1;
    let word = |at: usize| elf.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let half = |at: usize| elf.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
    let (first, size, count) = (word(32)? as usize, usize::from(half(46)?), usize::from(half(48)?));
    let mut sizes = Sizes { code: 0, constants: 0 };
    for section in (0..count).map(|index| first + index * size) {
        let (kind, flags, bytes) = (word(section + 4)?, word(section + 8)?, u64::from(word(section + 20)?));
        if kind != BITS || flags & ALLOCATED == 0 || flags & WRITABLE != 0 {
            continue;
        }
        if flags & EXECUTABLE != 0 {
            sizes.code += bytes;
        } else {
            sizes.constants += bytes;
        }
    }
    Some(sizes)
}
