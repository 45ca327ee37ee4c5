//! Data of tensors outside of the model's file: ONNX's external data.
//!
//! A tensor names a side file, an offset and a length. The name is a path below the folder of the model, and is never
//! followed out of it. Each tensor's bytes are read by themselves, so a model is in memory once, however large its files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::ReadError;
use crate::wire::TensorProto;

/// How many times over tensors may share the bytes of all side files, so that small files make no large models.
const SHARED_TIMES: u64 = 8;

/// Bytes of tensors for which sharing is not counted.
const SHARED_BYTES: u64 = 1 << 26;

/// The folder that a model's file lies in, with the side files that were read from it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    open: BTreeMap<String, SideFile>,
    read_bytes: u64,
}

#[derive(Debug)]
struct SideFile {
    path: PathBuf,
    file: File,
    size_bytes: u64,
}

/// Where a tensor's data is.
struct Place {
    location: String,
    offset: u64,
    length: Option<u64>,
}

impl Folder {
    /// The folder of the model's file at `model`.
    pub fn of(model: &Path) -> Self {
        let parent = model.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self { path: parent.unwrap_or(Path::new(".")).to_owned(), open: BTreeMap::new(), read_bytes: 0 }
    }

    /// The side files that tensors were read from, in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.open.values().map(|side| side.path.as_path())
    }

    /// The data of `proto`, which is called `tensor`: `needed` bytes.
    pub(crate) fn bytes(
        &mut self,
        proto: &TensorProto,
        tensor: &str,
        needed: usize,
    ) -> Result<Vec<u8>, ReadError> {
        let place = Place::of(proto, tensor)?;
        let refuse = |found: String| ReadError::SideFile {
            place: tensor.to_owned(),
            location: place.location.clone(),
            found,
        };
        let side = self.side_file(&place.location).map_err(&refuse)?;
        let rest = side.size_bytes.checked_sub(place.offset);
        let length = place.length.or(rest);
        let (Some(length), true) = (length, length <= rest) else {
            let length = place.length.map_or_else(|| "data".to_owned(), |length| format!("{length} bytes"));
            let size = side.size_bytes;
            return Err(refuse(format!("has {size} bytes, and {length} from byte {} on", place.offset)));
        };
        if length != needed as u64 {
            return Err(refuse(format!("has {length} bytes of it, and its shape and type need {needed}")));
        }
        let side_bytes = side.size_bytes;
        self.read_bytes = self.read_bytes.saturating_add(length);
        let all_bytes = self.open.values().map(|side| side.size_bytes).sum::<u64>();
        if self.read_bytes > SHARED_BYTES.max(all_bytes.saturating_mul(SHARED_TIMES)) {
            return Err(refuse(format!("has {side_bytes} bytes, which tensors share too many times over")));
        }
        let side = self.side_file(&place.location).map_err(&refuse)?;
        let mut bytes = vec![0; needed];
        let read =
            side.file.seek(SeekFrom::Start(place.offset)).and_then(|_| side.file.read_exact(&mut bytes));
        read.map_err(|error| refuse(format!("cannot be read: {error}")))?;
        Ok(bytes)
    }

    fn side_file(&mut self, location: &str) -> Result<&mut SideFile, String> {
        if !self.open.contains_key(location) {
            let side = self.open_file(location)?;
            self.open.insert(location.to_owned(), side);
        }
        self.open.get_mut(location).ok_or_else(|| "is not open".to_owned())
    }

    fn open_file(&self, location: &str) -> Result<SideFile, String> {
        let relative = Path::new(location);
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || !relative.components().all(inside) {
            return Err("is no path below the folder of the model".to_owned());
        }
        let unread = |error: std::io::Error| format!("cannot be read: {error}");
        let folder = self.path.canonicalize().map_err(unread)?;
        let path = folder.join(relative).canonicalize().map_err(unread)?;
        if !path.starts_with(&folder) {
            return Err("is a link out of the folder of the model".to_owned());
        }
        // Opening a pipe would wait for its writer.
        if !path.metadata().map_err(unread)?.is_file() {
            return Err("is not a regular file".to_owned());
        }
        let file = File::open(&path).map_err(unread)?;
        let size_bytes = file.metadata().map_err(unread)?.len();
        Ok(SideFile { path, file, size_bytes })
    }
}

impl Place {
    fn of(proto: &TensorProto, tensor: &str) -> Result<Self, ReadError> {
        let entry = |key: &str| proto.external_data.iter().find(|entry| entry.key == key);
        let location = location(proto);
        let number = |key: &str| {
            let value = entry(key).map(|entry| entry.value.as_str());
            value.map(|text| text.parse::<u64>().map_err(|_| text)).transpose().map_err(|text| {
                ReadError::SideFile {
                    place: tensor.to_owned(),
                    location: location.clone(),
                    found: format!("is read by the {key} {text:?}, which is no number of bytes"),
                }
            })
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        Ok(Self { location, offset, length })
    }
}

/// The side file that `proto` names, which is the empty path if it names none.
pub(crate) fn location(proto: &TensorProto) -> String {
    let entry = proto.external_data.iter().find(|entry| entry.key == "location");
    entry.map(|entry| entry.value.clone()).unwrap_or_default()
}
