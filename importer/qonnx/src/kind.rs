//! What a file is that is no ONNX model: people try checkpoints, models of other frameworks, archives and arrays.
//!
//! [`FileKind::of`] looks at the content, never at the name. The commands ask it once reading failed, so a wrong guess
//! can never refuse a model.

/// Kinds of files that are told from their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// No bytes.
    Empty,
    /// Weights of PyTorch, a ZIP archive or a pickle.
    PyTorch,
    /// A pickle of Python objects.
    Pickle,
    /// Weights as safetensors.
    Safetensors,
    /// A TensorFlow Lite model.
    TensorFlowLite,
    /// A TensorFlow SavedModel.
    SavedModel,
    /// A frozen TensorFlow graph.
    TensorFlowGraph,
    /// A Keras 3 model.
    Keras,
    /// HDF5: a Keras 2 model, or data.
    Hdf5,
    /// ONNX Runtime's own format.
    Ort,
    /// A NumPy array.
    Npy,
    /// Several NumPy arrays.
    Npz,
    /// Any other ZIP archive.
    Zip,
    /// Compressed by gzip.
    Gzip,
    /// A container that `exactum build` wrote.
    Container,
    /// A flash image that `exactum build --emit image` wrote.
    Image,
    /// A picture.
    Picture,
    /// A pointer that Git LFS left in place of a file.
    LfsPointer,
    /// A web page.
    Html,
    /// XML, such as OpenVINO writes.
    Xml,
    /// JSON.
    Json,
    /// Other text.
    Text,
}

impl FileKind {
    /// What `bytes` look like, if that is known.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| bytes.starts_with(magic);
        let tag = bytes.get(4..8).unwrap_or_default();
        Some(match bytes {
            [] => Self::Empty,
            _ if starts(b"\x93NUMPY") => Self::Npy,
            _ if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => archive(bytes),
            _ if starts(b"\x09EXACTUM\n") => Self::Container,
            _ if starts(b"EXACTUM\0") => Self::Image,
            _ if starts(b"\x89HDF\r\n\x1a\n") => Self::Hdf5,
            _ if tag == b"TFL3" => Self::TensorFlowLite,
            _ if tag == b"ORTM" => Self::Ort,
            _ if starts(b"\x1f\x8b") => Self::Gzip,
            _ if is_picture(bytes) => Self::Picture,
            [0x80, 2..=5, ..] if contains(bytes, b"torch") => Self::PyTorch,
            [0x80, 2..=5, ..] => Self::Pickle,
            [_, _, _, _, _, _, 0, 0, b'{', ..] => Self::Safetensors,
            [0x08, 0x01, 0x12, ..] if contains(bytes, b"serve") => Self::SavedModel,
            [0x0a, ..] if contains(bytes, b"Placeholder") => Self::TensorFlowGraph,
            _ => return text(bytes),
        })
    }

    /// What it is called, with an article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "an empty file",
            Self::PyTorch => "a PyTorch checkpoint",
            Self::Pickle => "a pickle of Python objects",
            Self::Safetensors => "weights as safetensors",
            Self::TensorFlowLite => "a TensorFlow Lite model",
            Self::SavedModel => "a TensorFlow SavedModel",
            Self::TensorFlowGraph => "a frozen TensorFlow graph",
            Self::Keras => "a Keras model",
            Self::Hdf5 => "an HDF5 file, as Keras writes it",
            Self::Ort => "a model in ONNX Runtime's own format",
            Self::Npy => "a NumPy array",
            Self::Npz => "an archive of NumPy arrays",
            Self::Zip => "a ZIP archive",
            Self::Gzip => "a file compressed by gzip",
            Self::Container => "an .exa container",
            Self::Image => "a flash image",
            Self::Picture => "a picture",
            Self::LfsPointer => "a Git LFS pointer",
            Self::Html => "a web page",
            Self::Xml => "an XML file",
            Self::Json => "a JSON file",
            Self::Text => "a text file",
        }
    }

    /// How to come from such a file to an ONNX model.
    pub const fn to_onnx(self) -> &'static str {
        match self {
            Self::Empty => "the export or the download wrote nothing; repeat it",
            Self::PyTorch | Self::Safetensors => {
                "it holds weights, not the network: load them in Python and export with \
                 brevitas.export.export_qonnx(model, args=x, export_path=\"model.onnx\"), or torch.onnx.export for a network \
                 without quantizers"
            }
            Self::Pickle => "load it in Python and export the network in it as ONNX",
            Self::TensorFlowLite => "convert it: python -m tf2onnx.convert --tflite FILE --output model.onnx",
            Self::SavedModel => {
                "convert its folder: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx"
            }
            Self::TensorFlowGraph => {
                "convert it: python -m tf2onnx.convert --graphdef FILE --inputs x:0 --outputs y:0 --output model.onnx"
            }
            Self::Keras | Self::Hdf5 => {
                "load it with keras.models.load_model and write it with model.export(\"model.onnx\", format=\"onnx\")"
            }
            Self::Ort => "take the .onnx file that it was made from",
            Self::Npy | Self::Npz => {
                "arrays are samples for `--input`, `--expect` or `--calibration`, not the model"
            }
            Self::Zip | Self::Gzip => "unpack it first",
            Self::Container => {
                "take the .onnx file that it was built from; `run`, `inspect` and `size` read containers"
            }
            Self::Image => {
                "take the .onnx file that it was built from; on this machine `run`, `inspect` and `size` read the .exa \
                 container"
            }
            Self::Picture => "pictures are samples: save them as one NumPy array for `--input`",
            Self::LfsPointer => "fetch the file itself with git lfs pull",
            Self::Html => "the download gave a page in place of the file; take the link to the file itself",
            Self::Xml => "OpenVINO models cannot be read; take the ONNX file that it was converted from",
            Self::Json | Self::Text => "models are binary ONNX files (.onnx)",
        }
    }
}

/// ZIP archives are told by the names in them, which are at the front and once more at the end.
fn archive(bytes: &[u8]) -> FileKind {
    const END_BYTES: usize = 1 << 16;
    let end = &bytes[bytes.len().saturating_sub(END_BYTES)..];
    let start = &bytes[..bytes.len().min(END_BYTES)];
    let names = |name: &[u8]| contains(start, name) || contains(end, name);
    match () {
        () if names(b"data.pkl") => FileKind::PyTorch,
        () if names(b"model.weights.h5") => FileKind::Keras,
        () if names(b".npy") => FileKind::Npz,
        () => FileKind::Zip,
    }
}

fn is_picture(bytes: &[u8]) -> bool {
    const MAGICS: [&[u8]; 6] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM"];
    let web = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    web || MAGICS.iter().any(|magic| bytes.starts_with(magic))
}

fn text(bytes: &[u8]) -> Option<FileKind> {
    const LOOKED_AT: usize = 4096;
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let printable = |byte: &u8| *byte >= b' ' && *byte != 0x7f || b"\t\r\n".contains(byte);
    // The last character may be cut in two.
    let is_text = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if !is_text || !start.iter().all(printable) {
        return None;
    }
    let first = start.trim_ascii_start();
    let begins = |word: &[u8]| first.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    Some(match first {
        _ if begins(b"version https://git-lfs") => FileKind::LfsPointer,
        _ if begins(b"<!doctype html") || begins(b"<html") => FileKind::Html,
        [b'<', ..] => FileKind::Xml,
        [b'{' | b'[', ..] => FileKind::Json,
        _ => FileKind::Text,
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_tell_what_a_file_is() {
        let cases: &[(&[u8], FileKind)] = &[
            (b"", FileKind::Empty),
            (b"PK\x03\x04....net/data.pkl....", FileKind::PyTorch),
            (b"PK\x03\x04....metadata.json...model.weights.h5", FileKind::Keras),
            (b"PK\x03\x04....x.npy....", FileKind::Npz),
            (b"PK\x05\x06\0\0\0\0", FileKind::Zip),
            (b"\x80\x02}q\0X\x05torch._utils", FileKind::PyTorch),
            (b"\x80\x04\x95.....list", FileKind::Pickle),
            (b"\x40\0\0\0\0\0\0\0{\"a\":{}}", FileKind::Safetensors),
            (b"\x1c\0\0\0TFL3\x14\0", FileKind::TensorFlowLite),
            (b"\x1c\0\0\0ORTM\x14\0", FileKind::Ort),
            (b"\x89HDF\r\n\x1a\n\0", FileKind::Hdf5),
            (b"\x08\x01\x12\x90\x01\x0a\x05serve", FileKind::SavedModel),
            (b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder", FileKind::TensorFlowGraph),
            (b"\x93NUMPY\x01\0", FileKind::Npy),
            (b"\x09EXACTUM\n", FileKind::Container),
            (b"EXACTUM\0\x01", FileKind::Image),
            (b"\x89PNG\r\n\x1a\n", FileKind::Picture),
            (b"\xff\xd8\xff\xe0", FileKind::Picture),
            (b"\x1f\x8b\x08", FileKind::Gzip),
            (b"version https://git-lfs.github.com/spec/v1\n", FileKind::LfsPointer),
            (b"<!DOCTYPE html>\n<html>", FileKind::Html),
            (b"<?xml version=\"1.0\"?>", FileKind::Xml),
            (b" {\"nodes\": []}", FileKind::Json),
            ("Größe\n".as_bytes(), FileKind::Text),
        ];
        for (bytes, kind) in cases {
            assert_eq!(FileKind::of(bytes), Some(*kind), "{}", bytes.escape_ascii());
            assert!(!kind.name().is_empty() && !kind.to_onnx().is_empty());
        }
        assert_eq!(FileKind::of(b"\x08\x08\x12\x07pytorch\x1a"), None);
    }
}
