//! The sources of all firmware, as the build script put them into the program.

use std::io::Read as _;

use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

/// Written by the build script: for each file its path and its bytes, each after its length in 32 bits, little endian.
const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sources.gz"));

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path in the repository, with `/` between folders.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// All source files.
#[derive(Clone, Debug)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// The sources that this program was built with.
    ///
    /// # Panics
    /// Never: the build script wrote what is read here.
    pub fn embedded() -> Self {
        let mut bytes = vec![];
        GzDecoder::new(ARCHIVE).read_to_end(&mut bytes).expect("an archive of the build script");
        let mut rest = bytes.as_slice();
        let mut part = || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (part, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(part.to_vec())
        };
        let mut files = vec![];
        while let (Some(path), Some(bytes)) = (part(), part()) {
            files.push(SourceFile { path: String::from_utf8_lossy(&path).into_owned(), bytes });
        }
        Self { files }
    }

    /// What tells these sources from those of another version: 16 hexadecimal digits.
    pub fn digest() -> String {
        Sha256::digest(ARCHIVE).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The files, in the order of their paths.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The text of the file at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        let file = self.files.iter().find(|file| file.path == path)?;
        std::str::from_utf8(&file.bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_one_of_the_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sources = Sources::embedded();
        assert!(sources.files().len() > 60, "{}", sources.files().len());
        for SourceFile { path, bytes } in sources.files().iter().filter(|file| file.path != "Cargo.toml") {
            assert_eq!(std::fs::read(root.join(path)).ok().as_ref(), Some(bytes), "{path}");
        }
        for needed in
            ["runtime/src/lib.rs", "boards/Cargo.lock", "boards/microbit/memory.x", ".ci/firmware-cargo"]
        {
            assert!(sources.text(needed).is_some(), "{needed}");
        }
        assert!(!sources.files().iter().any(|file| file.path.starts_with("boards/runner")));
    }

    #[test]
    fn the_workspace_holds_what_firmware_refers_to() {
        let sources = Sources::embedded();
        let text = sources.text("Cargo.toml").unwrap();
        let manifest: toml::Table = toml::from_str(text).unwrap();
        let known = &manifest["workspace"]["dependencies"];
        assert!(known.get("burn").is_none() && known.get("zerocopy").is_some(), "{text}");
        for file in sources.files().iter().filter(|file| file.path.starts_with("runtime/")) {
            let Some(own) = file.path.ends_with("/Cargo.toml").then(|| sources.text(&file.path).unwrap())
            else {
                continue;
            };
            let own: toml::Table = toml::from_str(own).unwrap();
            for table in ["dependencies", "dev-dependencies"] {
                let named = own.get(table).and_then(|table| table.as_table()).into_iter().flatten();
                for (name, value) in named.filter(|(_, value)| value.get("workspace").is_some()) {
                    assert!(known.get(name).is_some(), "{}: {name} = {value:?}", file.path);
                }
            }
        }
    }
}
