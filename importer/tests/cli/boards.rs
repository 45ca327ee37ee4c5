//! Boards on the command line: programs for them, their memory, and limits of people's own.

use crate::models::{image, tiny};
use crate::session::Session;

fn session() -> Session {
    Session::new()
        .with("tiny.onnx", exactum_qonnx::write(&tiny()))
        .with("image.onnx", exactum_qonnx::write(&image()))
}

#[test]
fn boards() {
    let mut session = session();
    session.run("size tiny.onnx --board microbit --form rust");
    session.run("size tiny.onnx --board mps2-an386 --max-stack 100000 --quiet");
    session.run("size tiny.onnx --board riscv-virt --format json");
    session.run("build image.onnx --board microbit -o image.exa");
    // What a program was built for is known.
    session.run("size image.exa");
    session.run("check tiny.onnx --board microbit --max-flash 4000 --format json");
    session.run("size tiny.onnx --board microbit --max-flash 200000 --max-ram 23");
    session.run("size tiny.onnx --max-flash 808 --max-ram 24 --quiet");
    session.run("size tiny.onnx --max-flash 807 --quiet");
    session.run("build tiny.onnx --board microbit --target portable -o tiny.exa");
    assert_eq!(session.files(), ["image.exa", "image.onnx", "tiny.onnx"]);
    session.matches("boards");
}

/// The limit of a byte more or less decides, in every way that a program is asked for.
#[test]
fn limits_are_exact() {
    let mut session = session();
    for (limits, fits) in [
        ("--max-flash 808 --max-ram 24", true),
        ("--max-flash 807", false),
        ("--max-ram 23", false),
        ("--board mps2-an386 --max-stack 1", false),
        ("--board mps2-an386 --max-stack 100000", true),
        // Code counts where a board is given: more than the program alone.
        ("--board mps2-an386 --max-flash 2000", false),
        ("--max-stack 100000", false),
    ] {
        for command in ["check", "size", "build -o tiny.exa"] {
            let output = session.run(&format!("{command} tiny.onnx {limits}"));
            assert_eq!(output.status.code(), Some(i32::from(!fits)), "{command} {limits}");
        }
    }
    // A module has less code than an engine.
    let board = "tiny.onnx --board mps2-an386 --max-flash 20000";
    for (emit, fits) in [("rust", true), ("image", false), ("rust,image", false)] {
        let output = session.run(&format!("build {board} --emit {emit} -o out"));
        assert_eq!(output.status.code(), Some(i32::from(!fits)), "{emit}");
    }
    assert_eq!(session.run(&format!("size {board} --form rust")).status.code(), Some(0));
    assert_eq!(session.run(&format!("size {board}")).status.code(), Some(1));
}

/// A board's program is the one of the target with its processor.
#[test]
fn a_board_chooses_as_its_processor_does() {
    let mut session = session();
    session.run("build image.onnx --board mps2-an386 -o board --emit image");
    session.run("build image.onnx --target mps2-an386 -o target --emit image");
    assert_eq!(session.read("board"), session.read("target"));
}

#[test]
fn all_boards_are_listed() {
    let mut session = session();
    let output = session.run("boards --format json");
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = String::from_utf8(session.run("boards").stdout).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.len() >= 9);
    for row in rows {
        assert!(row["emulated"] == false || row["ram-bytes"].as_u64().is_some(), "{row}");
        assert!(text.contains(row["name"].as_str().unwrap()), "{row}");
    }
}
