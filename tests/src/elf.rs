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
    let mut sizes = Sizes { code: 0, constants: 0 };
    for section in sections(elf)? {
        match section.code {
            true => sizes.code += section.bytes.len() as u64,
            false => sizes.constants += section.bytes.len() as u64,
        }
    }
    Some(sizes)
}

/// What an ELF file loads to flash: each section's bytes, in the order of the file.
pub fn loaded(elf: &[u8]) -> Option<Vec<&[u8]>> {
    Some(sections(elf)?.iter().map(|section| section.bytes).collect())
}

/// A section that is loaded to flash.
struct Section<'e> {
    code: bool,
    bytes: &'e [u8],
}

fn sections(elf: &[u8]) -> Option<Vec<Section<'_>>> {
    const ALLOCATED: u32 = 2;
    const WRITABLE: u32 = 1;
    const EXECUTABLE: u32 = 4;
    const BITS: u32 = 1;
    let word = |at: usize| elf.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let half = |at: usize| elf.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
    let (first, size, count) = (word(32)? as usize, usize::from(half(46)?), usize::from(half(48)?));
    let mut sections = vec![];
    for section in (0..count).map(|index| first + index * size) {
        let (kind, flags) = (word(section + 4)?, word(section + 8)?);
        if kind != BITS || flags & ALLOCATED == 0 || flags & WRITABLE != 0 {
            continue;
        }
        let (start, length) = (word(section + 16)? as usize, word(section + 20)? as usize);
        sections.push(Section { code: flags & EXECUTABLE != 0, bytes: elf.get(start..start + length)? });
    }
    Some(sections)
}
