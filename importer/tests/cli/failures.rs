//! Every kind of failing input: the message names the file, the place, what was found and what is needed, the exit
//! status is 1, and no output is left behind.

use exactum_importer::diagnostic::Code;
use exactum_importer::{npy, npz};
use exactum_qonnx::{Dim, ElemType, Node, Tensor, ValueInfo};

use crate::models::{changed, data, inputs, line, node, recurrent, set, tensor, tiny};
use crate::session::Session;

/// Codes that no file can provoke.
const UNREACHABLE: &[(Code, &str)] = &[
    (Code::NoRequantization, "thresholds hold every function into the 16 bits that activations may have"),
    (
        Code::FirmwareFailed,
        "the sources inside the program build; a compiler that is too old, or no network, is the machine's",
    ),
    (Code::OutputsDiffer, "every machine computes the same integers"),
    (Code::ProofRefuted, "the solver's candidates pass the checker before they are chosen"),
];

/// Failing inputs of one code.
struct Failure {
    code: Code,
    provoke: fn() -> Session,
}

/// A session with the file `model.onnx`.
fn with_model(model: Vec<u8>) -> Session {
    Session::new().with("model.onnx", model)
}

/// `exactum check` on each of `models`.
fn check_each(models: impl IntoIterator<Item = Vec<u8>>) -> Session {
    let mut session = Session::new();
    for model in models {
        session = session.with("model.onnx", model);
        session.run("check model.onnx");
    }
    session
}

/// [`tiny`] without its quantizers.
fn in_floats() -> Vec<u8> {
    changed(|model| {
        for (name, input) in [("fc1", "x"), ("fc2", "relu.out")] {
            node(model, name).inputs[0] = input.to_owned();
            node(model, name).inputs[1] = name.replace("fc", "w");
        }
        model.graph.nodes.retain(|node| node.op_type != "Quant");
        model.graph.outputs[0].name = "fc2.out".to_owned();
    })
}

const FAILURES: &[Failure] = &[
    Failure {
        code: Code::BadLabels,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny())).with("three.txt", b"cat\ndog\ncow\n");
            session = session.with("latin.txt", b"na\xefve\nx\n");
            session.run("build model.onnx --labels three.txt -o model.exa");
            session.run("build model.onnx --labels latin.txt -o model.exa");
            session.run("build model.onnx --labels other=three.txt -o model.exa");
            session
        },
    },
    Failure {
        code: Code::Unreadable,
        provoke: || {
            let mut session = Session::new();
            session.run("check missing.onnx");
            session.run("run missing.exa --input x.npy --output y.npy");
            session.run("check .");
            session
        },
    },
    Failure {
        code: Code::NotOnnx,
        provoke: || {
            let model = exactum_qonnx::write(&tiny());
            let mut session = Session::new()
                .with("truncated.onnx", &model[..model.len() / 2])
                .with("empty.onnx", "")
                .with("text.onnx", "This is no model.\n")
                .with("model.onnx", &model);
            session.run("check truncated.onnx");
            session.run("check empty.onnx");
            session.run("check text.onnx");
            session.run("build model.onnx -o model.exa --quiet");
            session.run("check model.exa");
            session.run("inspect model.exa --level integer");
            let others: [(&str, &[u8]); 8] = [
                ("net.pt", b"PK\x03\x04....net/data.pkl...."),
                ("net.tflite", b"\x1c\0\0\0TFL3\x14\0\x20\0"),
                ("net.h5", b"\x89HDF\r\n\x1a\n\0\0"),
                ("net.keras", b"PK\x03\x04..metadata.json..model.weights.h5"),
                ("saved_model.pb", b"\x08\x01\x12\x0f\x0a\x0d\x22\x05serve\x2a\x04abcd"),
                ("digit.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"),
                ("x.npy", b"\x93NUMPY\x01\0"),
                ("net.json", b"{\"nodes\": []}"),
            ];
            for (name, bytes) in others {
                session = session.with(name, bytes);
                session.run(&format!("check {name}"));
            }
            session
        },
    },
    Failure {
        code: Code::BadTensor,
        provoke: || check_each([changed(|model| tensor(model, "w1").shape = vec![3, 5])]),
    },
    Failure {
        code: Code::BadGraph,
        provoke: || {
            check_each([
                changed(|model| node(model, "relu").inputs[0] = "nowhere".to_owned()),
                changed(|model| node(model, "relu").outputs[0] = "fc1.out".to_owned()),
                changed(|model| model.graph.outputs[0].name = "nowhere".to_owned()),
            ])
        },
    },
    Failure {
        code: Code::BadSchema,
        provoke: || {
            check_each([
                changed(|model| node(model, "relu").inputs.push("fc1.out".to_owned())),
                changed(|model| node(model, "quant_x").attributes.clear()),
                changed(|model| set(model, "fc1", "transB", "yes")),
            ])
        },
    },
    Failure {
        code: Code::UnsupportedOperator,
        provoke: || {
            let mut session = check_each([
                changed(|model| {
                    // Both are told, although the second depends on the first.
                    node(model, "relu").op_type = "Hardmax".to_owned();
                    model.graph.nodes.push(Node::new("LRN", ["quant_y.out"], ["normal"]));
                }),
                changed(|model| {
                    let float = Node::new("FloatQuant", ["x", "b1", "b1", "b1", "b1"], ["quant_x.out"])
                        .named("quant_x");
                    let flags = ["has_inf", "has_nan", "has_subnormal", "saturation"];
                    *node(model, "quant_x") = flags.into_iter().fold(float, |node, flag| node.attr(flag, 0));
                }),
            ]);
            for name in ["LSTM", "sofmax", "Convolve", "nothing-like-it"] {
                session.run(&format!("ops {name}"));
            }
            session
        },
    },
    Failure {
        code: Code::UnsupportedForm,
        provoke: || {
            check_each([
                changed(|model| set(model, "quant_x", "rounding_mode", "SIDEWAYS")),
                changed(|model| {
                    // A number for each element of a computed value, behind one that is none of a channel's.
                    *tensor(model, "b1") = Tensor::new("b1", &[1, 3], vec![0.1f32, 0.2, 0.3]);
                    let relu = node(model, "relu");
                    (relu.op_type, relu.inputs) =
                        ("Pow".to_owned(), vec!["fc1.out".to_owned(), "b1".to_owned()]);
                }),
            ])
        },
    },
    Failure {
        code: Code::NotConstant,
        provoke: || {
            check_each([
                changed(|model| node(model, "quant_h").inputs[1] = "relu.out".to_owned()),
                changed(|model| {
                    let relu = node(model, "relu");
                    (relu.op_type, relu.inputs) = ("MatMul".to_owned(), vec!["fc1.out".to_owned(); 2]);
                }),
            ])
        },
    },
    Failure {
        code: Code::ShapeMismatch,
        provoke: || {
            check_each([
                changed(|model| *tensor(model, "w2") = Tensor::new("w2", &[2, 2], vec![0.1f32; 4])),
                changed(|model| {
                    model.graph.inputs[0].shape = Some(vec![Dim::Known(1), Dim::Symbol("n".to_owned())])
                }),
                changed(|model| model.graph.inputs[0].shape = Some(vec![Dim::Known(1), Dim::Unknown])),
            ])
        },
    },
    Failure {
        code: Code::NoSteps,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&line([2, 2])));
            session.run("check model.onnx --dim time=8 --stream 2");
            session.run("check model.onnx --dim time=8 --stream width");
            session.run("check model.onnx --dim time=8 --stream 0");
            session.run("check model.onnx --dim time=8 --stream 1 --format json");
            session
        },
    },
    Failure {
        code: Code::BadOrder,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny()));
            session.run("check model.onnx --channels-last=other");
            session.run("check model.onnx --channels-last=x");
            session.run("check model.onnx --channels-last=x --format json");
            session
        },
    },
    Failure {
        code: Code::BadBinding,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&recurrent(0.05)));
            session.run("check model.onnx --bind next.out=h");
            session.run("check model.onnx --bind next.out=x");
            session.run("check model.onnx --bind next=h");
            session.run("check model.onnx --bind next.out=y --format json");
            session
        },
    },
    Failure {
        code: Code::MissingScale,
        provoke: || {
            check_each([
                changed(|model| node(model, "fc1").inputs[0] = "x".to_owned()),
                changed(|model| node(model, "fc1").inputs[1] = "w1".to_owned()),
                changed(|model| node(model, "fc2").inputs[0] = "relu.out".to_owned()),
                // Moved elements of channels with scales of their own.
                changed(|model| {
                    let weight =
                        |shape: &[usize]| (0..shape.iter().product::<usize>()).map(|i| (i % 7) as f32 / 10.0);
                    *tensor(model, "w1") =
                        Tensor::new("w1", &[3, 1, 2, 2], weight(&[3, 4]).collect::<Vec<f32>>());
                    *tensor(model, "w2") =
                        Tensor::new("w2", &[2, 12], weight(&[2, 12]).collect::<Vec<f32>>());
                    tensor(model, "quant_w1.scale").shape = vec![3, 1, 1, 1];
                    model.graph.inputs[0] = ValueInfo::new("x", ElemType::F32, &[1, 1, 2, 2]);
                    let inputs = ["quant_x.out", "quant_w1.out", "b1"];
                    let layer = Node::new("Conv", inputs, ["fc1.out"]).named("conv");
                    *node(model, "fc1") = layer.attr("pads", vec![1i64, 1, 0, 0]);
                    node(model, "fc2").inputs[0] = "flat.out".to_owned();
                    let at = model.graph.nodes.iter().position(|node| node.name == "fc2").unwrap();
                    model
                        .graph
                        .nodes
                        .insert(at, Node::new("Flatten", ["relu.out"], ["flat.out"]).named("flat"));
                }),
                in_floats(),
            ])
        },
    },
    Failure {
        code: Code::BadScale,
        provoke: || {
            check_each(
                [f32::NAN, 0.0, -0.5, f32::INFINITY]
                    .map(|scale| changed(|model| data(model, "quant_x.scale")[0] = scale)),
            )
        },
    },
    Failure {
        code: Code::BadZeroPoint,
        provoke: || {
            check_each([
                changed(|model| data(model, "quant_x.zero_point")[0] = 0.5),
                changed(|model| data(model, "quant_x.zero_point")[0] = 256.0),
                changed(|model| data(model, "quant_w1.zero_point")[0] = 8.0),
            ])
        },
    },
    Failure {
        code: Code::BadBitWidth,
        provoke: || {
            check_each([
                changed(|model| data(model, "quant_w1.bits")[0] = 17.0),
                changed(|model| data(model, "quant_x.bits")[0] = 28.0),
                changed(|model| data(model, "quant_x.bits")[0] = 33.0),
                changed(|model| data(model, "quant_x.bits")[0] = 7.5),
            ])
        },
    },
    Failure {
        code: Code::BadChannels,
        provoke: || {
            check_each([changed(|model| {
                let scale = vec![0.1f32, 0.2, 0.1, 0.2];
                *tensor(model, "quant_w1.scale") = Tensor::new("quant_w1.scale", &[1, 4], scale)
            })])
        },
    },
    Failure {
        code: Code::AccumulatorTooWide,
        provoke: || {
            check_each([changed(|model| {
                // 600 products of 16-bit and 8-bit codes.
                model.graph.inputs[0].shape = Some(vec![Dim::Known(1), Dim::Known(600)]);
                *tensor(model, "w1") = Tensor::new("w1", &[3, 600], vec![9.0f32; 1800]);
                data(model, "quant_x.bits")[0] = 16.0;
                set(model, "quant_x", "signed", 1);
                data(model, "quant_w1.bits")[0] = 8.0;
                // The sums themselves are the output.
                model.graph.outputs[0] = ValueInfo::new("fc1.out", ElemType::F32, &[1, 3]);
            })])
        },
    },
    Failure {
        code: Code::TooLarge,
        provoke: || {
            check_each([changed(|model| {
                model.graph.inputs[0] = ValueInfo::new("x", ElemType::F32, &[1, 1 << 40]);
            })])
        },
    },
    Failure {
        code: Code::DoesNotFit,
        provoke: || {
            let small = "name = \"small\"\nabout = \"a small machine\"\ninstruction-set = \"portable\"\nword-bits = 32\n\
                         long-multiply = false\nflash-bytes = 400\nram-bytes = 256\nreserved-bytes = 250\n";
            let mut session = with_model(exactum_qonnx::write(&tiny())).with("small.toml", small);
            session.run("check model.onnx --target small.toml");
            session.run("build model.onnx --target small.toml -o model.exa --format json");
            session.run("build model.onnx --board microbit --max-ram 20 -o model.exa");
            session.run("check model.onnx --max-flash 100 --max-ram 10");
            session
        },
    },
    Failure {
        code: Code::UnknownBoard,
        provoke: || {
            let mut session =
                with_model(exactum_qonnx::write(&tiny())).with("x.npy", npy::write(&[3, 4], &inputs(3)));
            session.run("check model.onnx --board abacus");
            session.run("emulate model.onnx --board abacus --input x.npy");
            session
        },
    },
    Failure {
        code: Code::BoardRefuses,
        provoke: || {
            let mut session =
                with_model(exactum_qonnx::write(&tiny())).with("x.npy", npy::write(&[3, 4], &inputs(3)));
            session.run("emulate model.onnx --board microbit --input x.npy --outside inputs");
            session
        },
    },
    Failure {
        code: Code::FolderTaken,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny())).with("taken", "a file\n");
            session.run("new firmware taken --board microbit --model model.onnx");
            session
        },
    },
    Failure {
        code: Code::ToolMissing,
        provoke: || {
            let mut session =
                with_model(exactum_qonnx::write(&tiny())).with("x.npy", npy::write(&[3, 4], &inputs(3)));
            session = session.without_tools();
            session.run("emulate model.onnx --board microbit --input x.npy");
            session.run("emulate model.onnx --board riscv-virt --input x.npy --format json");
            session
        },
    },
    Failure {
        code: Code::BadTarget,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny()))
                .with("text.toml", "a target\n")
                .with("speed.toml", "name = \"fast\"\nspeed = 9\n")
                .with("bytes.toml", [0xff, 0xfe]);
            session.run("check model.onnx --target mps3");
            for file in ["text", "speed", "bytes"] {
                session.run(&format!("build model.onnx -o model.exa --target {file}.toml"));
            }
            session
        },
    },
    Failure {
        code: Code::UnknownDevice,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny()));
            session.run("dataflow model.onnx --device xc9z999 --target-fps 1000 -o design");
            session.run("dataflow model.onnx --board pynq-z9 --target-fps 1000 -o design");
            session
        },
    },
    Failure {
        code: Code::TargetNotReachable,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny()));
            session.run("dataflow model.onnx --device xc7z020 --target-fps 1e9 -o design");
            session
        },
    },
    Failure {
        code: Code::NotDataflow,
        provoke: || {
            let mut session = with_model(changed(|model| {
                // The input's codes are the output: nothing is computed.
                model.graph.nodes.truncate(1);
                model.graph.outputs[0].name = "quant_x.out".to_owned();
            }));
            session.run("dataflow model.onnx --device xc7z020 --target-fps 1000 -o design");
            session
        },
    },
    Failure {
        code: Code::BadFolding,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny()))
                .with("divisor.json", br#"{"Defaults": {}, "MVAU_hls_0": {"PE": 5, "SIMD": 1}}"#)
                .with("stage.json", br#"{"Defaults": {}, "MVAU_hls_9": {"PE": 1}}"#)
                .with("text.json", b"[1, 2");
            for file in ["divisor", "stage", "text"] {
                session.run(&format!("dataflow model.onnx --device xc7z020 --folding {file}.json -o design"));
            }
            session
        },
    },
    Failure {
        code: Code::DesignTooBig,
        provoke: || {
            let mut session = with_model(exactum_qonnx::write(&tiny()));
            session.run("dataflow model.onnx --device xc7z020 --max-lut 100 --max-bram 0 -o design");
            session
        },
    },
    Failure { code: Code::BadProgram, provoke: crate::containers::with_bad_programs },
    Failure { code: Code::BadContainer, provoke: crate::containers::malformed },
    Failure {
        code: Code::BadInput,
        provoke: || {
            let mut nan = inputs(2);
            nan[5] = f32::NAN;
            let mut session = with_model(exactum_qonnx::write(&tiny()))
                .with("wide.npy", npy::write(&[2, 5], &[0.0f32; 10]))
                .with("flat.npy", npy::write(&[4], &[0.0f32; 4]))
                .with("none.npy", npy::write(&[0, 4], &[0.0f32; 0]))
                .with("nan.npy", npy::write(&[2, 4], &nan))
                .with("fine.npy", npy::write(&[1, 4], &[0.1f64, 0.0, 0.0, 0.0]))
                .with("x.npy", npy::write(&[2, 4], &inputs(2)))
                .with("one.npy", npy::write(&[1, 2], &[0.0f32; 2]));
            for input in ["wide", "flat", "none", "nan", "fine"] {
                session.run(&format!("run model.onnx --input {input}.npy --output y.npy"));
            }
            session.run("run model.onnx --input x.npy --input x.npy --output y.npy");
            let array = |name: &str| (name.to_owned(), npy::write(&[2, 4], &inputs(2)));
            let header = |descr: &str| {
                let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1, 4), }}\n");
                let length = u16::try_from(text.len()).unwrap().to_le_bytes();
                [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), &[0; 32]].concat()
            };
            session = session
                .with("other.npz", npz::write(&[array("x"), array("z")]).unwrap())
                .with("empty.npz", npz::write(&[]).unwrap())
                .with("objects.npy", header("|O"))
                .with("text.npy", header("<U2"));
            for input in ["other.npz", "empty.npz", "objects.npy", "text.npy"] {
                session.run(&format!("run model.onnx --input {input} --output y.npy"));
            }
            session.run("run model.onnx --input x=x.npy --input x=x.npy --output y.npy");
            session.run("check model.onnx --dim height=32");
            session.run("check model.onnx --input-shape y=1,4");
            session.run("verify model.onnx --input x.npy --expect one.npy");
            session
        },
    },
    Failure {
        code: Code::NotNpy,
        provoke: || {
            let array = npy::write(&[2, 4], &inputs(2));
            let mut session = with_model(exactum_qonnx::write(&tiny()))
                .with("truncated.npy", &array[..array.len() - 1])
                .with("text.npy", "0.5 0.25\n");
            session.run("run model.onnx --input truncated.npy --output y.npy");
            session.run("verify model.onnx --input text.npy --format json");
            session
        },
    },
    Failure {
        code: Code::CannotWrite,
        provoke: || {
            let mut session =
                with_model(exactum_qonnx::write(&tiny())).with("x.npy", npy::write(&[2, 4], &inputs(2)));
            session.run("build model.onnx -o missing/model.exa");
            session.run("build model.onnx -o . --emit image");
            session.run("run model.onnx --input x.npy --output missing/y.npy");
            session.run("dataflow model.onnx --device xc7z020 --target-fps 1 -o model.onnx");
            session
        },
    },
    Failure {
        code: Code::NotNpz,
        provoke: || {
            let codes = npy::write(&[2, 3], &[0u8; 6]);
            let archive = npz::write(&[("quant_h.out".to_owned(), codes)]).unwrap();
            let mut session = with_model(exactum_qonnx::write(&tiny()))
                .with("x.npy", npy::write(&[2, 4], &inputs(2)))
                .with("truncated.npz", &archive[..archive.len() - 1])
                .with("text.npz", "quant_h.out 0 0 0\n");
            session.run("verify model.onnx --input x.npy --with truncated.npz");
            session.run("verify model.onnx --input x.npy --against text.npz --format json");
            session
        },
    },
];

#[test]
fn every_failing_input_is_told_clearly() {
    let mut faults = vec![];
    for Failure { code, provoke } in FAILURES {
        let session = provoke();
        for run in session.transcript().split("$ exactum ").skip(1).filter(|run| !run.contains("--quiet")) {
            let silent = run.contains("--- stderr") && !run.contains("--- stdout");
            let named = run.contains(code.number()) && run.contains(code.title());
            let alone = Code::ALL.iter().all(|other| other == code || !run.contains(other.title()));
            if !(run.contains("status 1\n") && silent && named && alone) {
                faults.push(format!("needed {code} alone and status 1:\n{run}"));
            }
        }
        let left: Vec<String> = session.files().into_iter().filter(|name| !session.made(name)).collect();
        if !left.is_empty() {
            faults.push(format!("{code} left {left:?} behind"));
        }
        session.matches(code.number());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_code_has_a_failing_input() {
    let mut codes: Vec<Code> = FAILURES.iter().map(|failure| failure.code).collect();
    codes.extend(UNREACHABLE.iter().map(|(code, _)| *code));
    codes.sort_unstable();
    assert_eq!(codes, Code::ALL);
}

/// A truncation is told, unless it only cuts off the operator sets behind the first, which some exporters leave out.
#[test]
fn every_truncation_of_a_model_is_told() {
    let bytes = exactum_qonnx::write(&tiny());
    let whole = exactum_qonnx::read(&bytes).unwrap();
    assert_eq!(whole, tiny());
    for length in 0..bytes.len() {
        let rest = exactum_qonnx::read(&bytes[..length]);
        let complete = rest.is_ok_and(|rest| rest.graph == whole.graph && !rest.opsets.is_empty());
        // Starting a process takes time; the last bytes are where a cut is least obvious.
        if length % 97 == 0 || bytes.len() - length < 40 {
            let mut session = Session::new().with("model.onnx", &bytes[..length]);
            let output = session.run("check model.onnx");
            assert_eq!(output.status.code(), Some(i32::from(!complete)), "{length} of {} bytes", bytes.len());
        }
    }
}
