//! The memory of a board, read from the linker script `memory.x` of its folder.

/// Bytes of a board's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Flash; `None` where RAM holds everything.
    pub flash_bytes: Option<u64>,
    /// RAM.
    pub ram_bytes: u64,
}

/// A linker script in which no memory can be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{problem}, needed a block MEMORY with regions FLASH and RAM, or RAM alone, such as `RAM : ORIGIN = 0x20000000, LENGTH = 64K`"
)]
pub struct MemoryError {
    /// What was found.
    pub problem: String,
}

impl Memory {
    /// Reads the regions FLASH and RAM of the linker script `text`.
    ///
    /// # Errors
    /// [`MemoryError`] if there is no RAM, or a length is no sum of numbers.
    pub fn parse(text: &str) -> Result<Self, MemoryError> {
        let text = without_comments(text);
        let wrong = |problem: String| MemoryError { problem };
        let block = text.split_once("MEMORY").and_then(|(_, rest)| rest.split_once('{'));
        let block = block.and_then(|(_, rest)| rest.split_once('}')).map(|(block, _)| block);
        let mut regions = vec![];
        for line in block.ok_or_else(|| wrong("no block MEMORY".to_owned()))?.lines() {
            let Some((head, tail)) = line.split_once(':') else { continue };
            // Attributes may follow the name: `FLASH (rx) : ...`.
            let name = head.split(|c: char| c == '(' || c.is_whitespace()).find(|part| !part.is_empty());
            let length = tail.split(',').find_map(|part| {
                let (key, value) = part.split_once('=')?;
                ["LENGTH", "len", "l"].contains(&key.trim()).then(|| value.trim().to_owned())
            });
            let (Some(name), Some(length)) = (name, length) else { continue };
            let bytes = sum(&length).ok_or_else(|| wrong(format!("a length of `{length}` for {name}")))?;
            regions.push((name.to_owned(), bytes));
        }
        let of = |wanted: &str| regions.iter().find(|(name, _)| name == wanted).map(|(_, bytes)| *bytes);
        let ram_bytes = of("RAM").ok_or_else(|| wrong("no region RAM".to_owned()))?;
        Ok(Self { flash_bytes: of("FLASH"), ram_bytes })
    }
}

/// The text without `/* */`, `//` and `#` comments.
fn without_comments(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let line = |line: &str| {
        line.split("//").next().unwrap_or_default().split('#').next().unwrap_or_default().to_owned()
    };
    plain.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The value of a sum such as `1M - 0x1000`.
fn sum(text: &str) -> Option<u64> {
    let spaced = text.replace('+', " + ").replace('-', " - ");
    let mut total: u64 = 0;
    let mut sign = Some('+');
    for word in spaced.split_whitespace() {
        match (word, sign) {
            ("+" | "-", None) => sign = word.chars().next(),
            (_, Some('+')) => (total, sign) = (total.checked_add(number(word)?)?, None),
            (_, Some('-')) => (total, sign) = (total.checked_sub(number(word)?)?, None),
            _ => return None,
        }
    }
    sign.is_none().then_some(total)
}

/// A number as linker scripts have it.
fn number(word: &str) -> Option<u64> {
    let (digits, factor) = match word.char_indices().last()? {
        (at, 'K' | 'k') => (&word[..at], 1 << 10),
        (at, 'M' | 'm') => (&word[..at], 1 << 20),
        _ => (word, 1),
    };
    let digits = digits.to_ascii_lowercase();
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    value.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_read_in_the_ways_they_are_written() {
        let of = |text: &str| Memory::parse(text).map(|memory| (memory.flash_bytes, memory.ram_bytes));
        let known = [
            (
                "MEMORY { FLASH : ORIGIN = 0, LENGTH = 256K\n RAM : ORIGIN = 0x20000000, LENGTH = 16K\n}",
                Some(256 << 10),
                16 << 10,
            ),
            (
                "/* RAM : LENGTH = 1K */ MEMORY\n{\n FLASH (rx) : ORIGIN = 0x1000, LENGTH = 1M - 0x1000\n RAM(xrw):ORIGIN=0,LENGTH=0x40000 // all\n}",
                Some((1 << 20) - 0x1000),
                256 << 10,
            ),
            (
                "MEMORY\n{\n  RAM : ORIGIN = 0x80000000, LENGTH = 12M + 4\n}\nREGION_ALIAS(\"X\", RAM);",
                None,
                (12 << 20) + 4,
            ),
        ];
        for (text, flash, ram) in known {
            assert_eq!(of(text), Ok((flash, ram)), "{text}");
        }
        for text in [
            "",
            "MEMORY { }",
            "MEMORY {\n RAM : ORIGIN = 0, LENGTH = 4Q\n}",
            "MEMORY {\n FLASH : ORIGIN = 0, LENGTH = 4K\n}",
            "MEMORY {\n RAM : ORIGIN = 0, LENGTH = 1K - 2K\n}",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
