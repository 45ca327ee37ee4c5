//! The log of an image: defmt frames on QEMU's standard output, turned into lines with the strings of the ELF
//! file.

use defmt_decoder::{DecodeError, Table};

/// The lines of the log in `bytes`, each with its level. Damage becomes a line that says so: what the
/// firmware managed to say before is often the reason.
pub(crate) fn decode(elf: &[u8], bytes: &[u8]) -> Vec<String> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let table = match Table::parse(elf) {
        Ok(Some(table)) => table,
        Ok(None) => return vec![format!("(image without defmt wrote {} bytes)", bytes.len())],
        Err(error) => return vec![format!("(log not readable: {error})")],
    };
    let mut decoder = table.new_stream_decoder();
    decoder.received(bytes);
    let mut lines = Vec::new();
    loop {
        match decoder.decode() {
            Ok(frame) => lines.push(frame.display(false).to_string()),
            Err(DecodeError::UnexpectedEof) => return lines,
            Err(DecodeError::Malformed) => {
                lines.push("(damaged log frame)".to_owned());
                if !table.encoding().can_recover() {
                    return lines;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_is_no_log_is_said_to_be_none() {
        assert_eq!(decode(b"no elf", b""), Vec::<String>::new());
        let lines = decode(b"no elf", b"text");
        assert!(lines[0].starts_with("(log not readable"), "{lines:?}");
    }
}
