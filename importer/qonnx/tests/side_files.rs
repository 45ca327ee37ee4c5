//! Models whose tensors are kept in side files, and every way in which these can be wrong.

use std::fs;
use std::path::Path;

use exactum_qonnx::{FileKind, Folder, Model, ReadError, TensorData, read, read_beside};
use onnx_protobuf::tensor_proto::DataLocation;
use onnx_protobuf::{
    GraphProto, Message, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
};

/// A model with one initializer of type `elem` and `dims`, kept where `entries` say.
fn model(elem: i32, dims: &[i64], entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
        ..Default::default()
    };
    let tensor = TensorProto {
        name: "w".into(),
        dims: dims.to_vec(),
        data_type: elem,
        data_location: DataLocation::EXTERNAL.into(),
        external_data: entries.iter().map(entry).collect(),
        ..Default::default()
    };
    let graph = GraphProto { initializer: vec![tensor], ..Default::default() };
    let opset_import = vec![OperatorSetIdProto { version: 20, ..Default::default() }];
    let model = ModelProto { graph: Some(graph).into(), opset_import, ..Default::default() };
    model.write_to_bytes().unwrap()
}

fn opened(folder: &Path, bytes: &[u8]) -> Result<Model, ReadError> {
    read_beside(bytes, &mut Folder::of(&folder.join("model.onnx")))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..64).collect();
    fs::write(folder.path().join("w.bin"), bytes).unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/w.bin"), [0, 0, 0x80, 0x3f]).unwrap();
    folder
}

#[test]
fn tensors_are_parts_of_side_files() {
    let folder = folder();
    let data = |elem, dims: &[i64], entries: &[(&str, &str)]| {
        let model = opened(folder.path(), &model(elem, dims, entries)).unwrap();
        model.graph.initializers[0].data.clone()
    };
    let part = [("location", "w.bin"), ("offset", "4"), ("length", "3")];
    assert_eq!(data(2, &[3], &part), TensorData::U8(vec![4, 5, 6]));
    assert_eq!(data(3, &[2], &[("length", "2"), ("location", "w.bin")]), TensorData::I8(vec![0, 1]));
    assert_eq!(data(5, &[], &[("location", "./w.bin"), ("offset", "62")]), TensorData::I16(vec![0x3f3e]));
    assert_eq!(data(1, &[1], &[("location", "data/w.bin")]), TensorData::F32(vec![1.0]));
    let none = [("location", "w.bin"), ("offset", "64"), ("length", "0"), ("checksum", "0")];
    assert_eq!(data(1, &[0, 4], &none), TensorData::F32(vec![]));
}

#[test]
fn the_files_that_were_read_are_known() {
    let folder = folder();
    let mut beside = Folder::of(&folder.path().join("model.onnx"));
    read_beside(&model(2, &[64], &[("location", "w.bin")]), &mut beside).unwrap();
    let names: Vec<_> = beside.files().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["w.bin"]);
}

#[test]
fn files_of_another_kind_and_cut_ones_are_told() {
    let folder = folder();
    let kind = FileKind::Npy;
    assert_eq!(opened(folder.path(), b"\x93NUMPY\x01\0"), Err(ReadError::OtherKind { kind }));
    assert!(matches!(opened(folder.path(), &[0xff; 8]), Err(ReadError::Protobuf { .. })));
    let graph = GraphProto { name: "net".into(), ..Default::default() };
    let cut = ModelProto { graph: Some(graph).into(), ..Default::default() };
    let cut = cut.write_to_bytes().unwrap();
    assert_eq!(opened(folder.path(), &cut), Err(ReadError::NoOperatorSets));
}

#[test]
fn bytes_alone_name_the_side_file() {
    let message = read(&model(2, &[64], &[("location", "w.bin")])).unwrap_err().to_string();
    assert!(message.contains("initializer \"w\"") && message.contains("\"w.bin\""), "{message}");
}

#[test]
fn wrong_side_files_are_told() {
    let folder = folder();
    let absolute = folder.path().join("w.bin").display().to_string();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "is no path below the folder"),
        (&[("location", "")], "is no path below the folder"),
        (&[("location", "../w.bin")], "is no path below the folder"),
        (&[("location", "data/../w.bin")], "is no path below the folder"),
        (&[("location", &absolute)], "is no path below the folder"),
        (&[("location", "missing.bin")], "\"missing.bin\" with its data cannot be read"),
        (&[("location", "data")], "is not a regular file"),
        (&[("location", "w.bin/")], "cannot be read"),
        (&[("location", "w.bin\0")], "cannot be read"),
        (&[("location", "w.bin"), ("offset", "-1")], "offset \"-1\""),
        (&[("location", "w.bin"), ("length", "0x10")], "length \"0x10\""),
        (
            &[("location", "w.bin"), ("offset", "60"), ("length", "8")],
            "has 64 bytes, and 8 bytes from byte 60 on",
        ),
        (&[("location", "w.bin"), ("offset", "65")], "has 64 bytes, and data from byte 65 on"),
        (
            &[("location", "w.bin"), ("offset", "18446744073709551615"), ("length", "8")],
            "has 64 bytes, and 8 bytes from byte 18446744073709551615 on",
        ),
        (&[("location", "w.bin"), ("length", "7")], "7 bytes of it, and its shape and type need 8"),
        (&[("location", "w.bin")], "64 bytes of it, and its shape and type need 8"),
    ];
    for (entries, expected) in cases {
        let message = opened(folder.path(), &model(1, &[2], entries)).unwrap_err().to_string();
        assert!(message.starts_with("initializer \"w\": the side file"), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn lengths_that_no_file_has_take_no_memory() {
    let folder = folder();
    let message =
        opened(folder.path(), &model(1, &[1 << 40], &[("location", "w.bin")])).unwrap_err().to_string();
    assert!(message.contains("need 4398046511104"), "{message}");
    let message = opened(folder.path(), &model(8, &[1], &[("location", "w.bin")])).unwrap_err().to_string();
    assert!(message.contains("64 bytes of it"), "{message}");
}

#[cfg(unix)]
#[test]
fn links_stay_in_the_folder() {
    use std::os::unix::fs::symlink;
    let (inside, outside) = (folder(), folder());
    symlink(inside.path().join("w.bin"), inside.path().join("near.bin")).unwrap();
    symlink(outside.path().join("w.bin"), inside.path().join("far.bin")).unwrap();
    symlink(outside.path(), inside.path().join("elsewhere")).unwrap();
    let open = |location: &str| opened(inside.path(), &model(2, &[64], &[("location", location)]));
    assert!(open("near.bin").is_ok());
    for location in ["far.bin", "elsewhere/w.bin"] {
        let message = open(location).unwrap_err().to_string();
        assert!(message.contains("link out of the folder"), "{message}");
    }
}
