//! Containers: the bytes are reproducible, and nothing that is wrong with them goes unnoticed.

use exactum_importer::container::{Container, VERSION, wire};
use exactum_importer::diagnostic::Code;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::models::tiny;
use crate::session::Session;

/// The container of [`tiny`].
fn container() -> Container {
    let model = tiny();
    let compiled = exactum_importer::compile(&model).unwrap();
    Container::new(&compiled, &model, &exactum_qonnx::write(&model))
}

/// The container's file after `change`, with a digest that fits.
fn changed(change: impl FnOnce(&mut wire::Contents)) -> Vec<u8> {
    let mut contents = container().contents().clone();
    change(&mut contents);
    let mut frame = wire::Exa::decode(container().write().as_slice()).unwrap();
    frame.contents = contents.encode_to_vec();
    frame.contents_sha256 = Sha256::digest(&frame.contents).to_vec();
    frame.encode_to_vec()
}

/// Corrupted and truncated programs in containers that are themselves complete.
pub(crate) fn with_bad_programs() -> Session {
    let mut session = Session::new()
        .with("flipped.exa", changed(|contents| *contents.image.last_mut().unwrap() ^= 1))
        .with("truncated.exa", changed(|contents| contents.image.truncate(100)))
        .with("empty.exa", changed(|contents| contents.image.clear()));
    for file in ["flipped", "truncated", "empty"] {
        session.run(&format!("inspect {file}.exa"));
    }
    session.run("run flipped.exa --input x.npy --output y.npy");
    session
}

/// Files that are no containers, and containers that contradict themselves.
pub(crate) fn malformed() -> Session {
    let bytes = container().write();
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    let mut frame = wire::Exa::decode(bytes.as_slice()).unwrap();
    frame.version = VERSION + 1;
    let mut session = Session::new()
        .with("truncated.exa", &bytes[..bytes.len() - 5])
        .with("flipped.exa", flipped)
        .with("longer.exa", [&bytes[..], b"\x28\x01"].concat())
        .with("newer.exa", frame.encode_to_vec())
        .with("text.exa", "no container\n")
        .with(
            "ports.exa",
            changed(|contents| {
                contents.inputs[0].scale = vec![-1.0];
                contents.outputs[0].shape = vec![1, 3];
            }),
        );
    for file in ["truncated", "flipped", "longer", "newer", "text", "ports"] {
        session.run(&format!("size {file}.exa"));
    }
    session
}

#[test]
fn a_container_round_trips_with_reproducible_bytes() {
    let first = container();
    let bytes = first.write();
    assert_eq!(bytes, container().write());
    let read = Container::read(&bytes).unwrap();
    assert_eq!(read, first);
    assert_eq!(read.write(), bytes);
    assert_eq!(&bytes[..9], b"\x09EXACTUM\n");
    let compiled = exactum_importer::compile(&tiny()).unwrap();
    assert_eq!(read.interface(), &compiled.interface);
    assert_eq!(read.image(), compiled.image);
}

#[test]
fn every_truncation_and_every_changed_byte_is_refused() {
    let bytes = container().write();
    for length in 0..bytes.len() {
        let report = Container::read(&bytes[..length]).unwrap_err();
        assert_eq!(report.diagnostics()[0].code, Code::BadContainer, "{length} bytes");
    }
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1 << (position % 8);
        assert!(Container::read(&changed).is_err(), "byte {position}");
    }
}

#[test]
fn contents_have_to_fit_the_program() {
    type Change = fn(&mut wire::Contents);
    let changes: &[(&str, Change)] = &[
        ("an input too many", |contents| contents.inputs.push(contents.inputs[0].clone())),
        ("no output", |contents| contents.outputs.clear()),
        ("an input of no name", |contents| contents.input_names.clear()),
        ("an input that is not there", |contents| contents.inputs[0].input = 1),
        ("an input of another name", |contents| contents.input_names[0] = "other".to_owned()),
        ("preprocessing beside a scale", |contents| contents.inputs[0].preprocessed = true),
        ("another scale", |contents| contents.inputs[0].scale = vec![0.5]),
        ("another zero point", |contents| contents.inputs[0].zero_point = 7),
        ("a function of no kind", |contents| contents.outputs[0].functions.push(wire::Function::default())),
        ("no scale", |contents| contents.outputs[0].scale.clear()),
        ("an infinite offset", |contents| contents.outputs[0].offset = vec![f64::INFINITY]),
        ("a zero point past 32 bits", |contents| contents.outputs[0].zero_point = 1 << 40),
        ("a huge shape", |contents| contents.outputs[0].shape = vec![u64::MAX, u64::MAX]),
        ("a narrower type", |contents| contents.outputs[0].r#type = "uint4".to_owned()),
        ("an unknown type", |contents| contents.outputs[0].r#type = "float".to_owned()),
        ("another kind of integers", |contents| {
            contents.outputs[0].kind = wire::port::Kind::Accumulators.into()
        }),
        ("an op too few", |contents| contents.ops.truncate(1)),
        ("another op", |contents| contents.ops[0].kind = "conv2d".to_owned()),
        ("a certificate without scope", |contents| {
            contents.layers[0].certificate.as_mut().unwrap().scope = 0
        }),
        ("a certificate for half a pair", |contents| {
            let certificate = contents.layers[0].certificate.as_mut().unwrap();
            certificate.operands = vec![certificate.codes.unwrap()];
        }),
        ("a certificate for nothing", |contents| {
            contents.layers[0].certificate.as_mut().unwrap().channels.clear()
        }),
        ("an empty range", |contents| contents.layers[0].accumulators[0].hi = -1 << 40),
        ("another arena", |contents| contents.memory.as_mut().unwrap().arena_bytes += 8),
        ("no memory plan", |contents| contents.memory = None),
        ("no source", |contents| contents.source = None),
    ];
    for (what, change) in changes {
        let report = Container::read(&changed(change)).expect_err(what);
        assert!(
            report.diagnostics().iter().all(|problem| problem.code == Code::BadContainer),
            "{what}: {report}"
        );
    }
    Container::read(&changed(|_| {})).unwrap();
}
