//! `exactum build --emit c`: what it writes compiles without a warning as C99 and C++, links without Rust, and gives the host's
//! outputs on an M0 and an M4 in QEMU.

use std::path::Path;
use std::process::Command;

use exactum_boards::Board;
use exactum_importer::npy;
use exactum_qonnx::Model;
use libtest_mimic::Failed;

use crate::models::{image, line, recurrent, tiny, without_output_quantizer};
use crate::{Place, Test};

/// Boards, and what their processors are for the C compiler.
const BOARDS: [(&str, &[&str]); 2] = [
    ("microbit", &["-mcpu=cortex-m0", "-mthumb"]),
    ("mps2-an386", &["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
];
const GCC: &str = "arm-none-eabi-gcc";
const STRICT: [&str; 6] = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"];

/// A model and options that it is built with.
struct Case {
    name: &'static str,
    model: fn() -> Model,
    options: &'static str,
}

/// Codes, sums, images, states with several outputs, and several inputs.
const CASES: [Case; 5] = [
    Case { name: "codes", model: tiny, options: "--labels labels.txt" },
    Case { name: "sums", model: without_output_quantizer, options: "" },
    Case { name: "image", model: image, options: "--channels-last" },
    Case { name: "steps", model: || line([4, 0]), options: "--dim time=8 --stream time" },
    Case { name: "several", model: || recurrent(0.031), options: "" },
];

pub(crate) fn tests() -> Vec<(String, Test)> {
    let mut tests: Vec<(String, Test)> = vec![];
    for (board, flags) in BOARDS {
        for case in &CASES {
            tests.push((format!("c::{board}::{}", case.name), Box::new(move || runs(board, flags, case))));
        }
    }
    tests.push(("c::libraries_of_one_name_are_told_apart".to_owned(), Box::new(at_once)));
    tests.push(("c::errors_have_numbers".to_owned(), Box::new(errors)));
    tests.push(("c::two_models_in_a_program".to_owned(), Box::new(two_models)));
    tests.push(("c::the_host_computes_the_same_of_the_header".to_owned(), Box::new(constants)));
    tests.push(("c::a_processor_is_needed".to_owned(), Box::new(refusals)));
    tests
}

/// What the machine lacks for these tests.
pub(crate) fn lacks() -> Option<String> {
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    if !works(GCC, &["--version"]) {
        return Some(format!("{GCC} is missing; `.ci/setup` installs it"));
    }
    let library = Command::new(GCC).arg("-print-file-name=rdimon.specs").output().ok()?;
    let found = String::from_utf8_lossy(&library.stdout).contains('/');
    (!found).then(|| "newlib for arm-none-eabi is missing; `.ci/setup` installs it".to_owned())
}

fn command(program: &str, arguments: &[&str], place: &Place) -> Result<(i32, String), Failed> {
    let output = Command::new(program).args(arguments).current_dir(place.path()).output()?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let code = output.status.code().ok_or_else(|| format!("{program} was stopped: {stderr}"))?;
    Ok((code, stdout + &stderr))
}

fn succeeds(program: &str, arguments: &[&str], place: &Place) -> Result<String, Failed> {
    match command(program, arguments, place)? {
        (0, text) => Ok(text),
        (code, text) => Err(format!("{program} {arguments:?}: {code}\n{text}").into()),
    }
}

/// A place with the model `case`, built for C in the folder `out`.
fn built(board: &str, case: &Case) -> Result<Place, Failed> {
    let place = Place::new()?;
    place.write("labels.txt", "cat\n\"dog\"\n")?;
    place.write("net.onnx", exactum_qonnx::write(&(case.model)()))?;
    place.ok(&format!("build net.onnx {} --board {board} --emit c -o out", case.options))?;
    Ok(place)
}

/// Compiles `sources` with the libraries in `out` to `program.elf`.
fn link(
    board: &str,
    flags: &[&str],
    sources: &[&str],
    libraries: &[&str],
    place: &Place,
) -> Result<(), Failed> {
    let memory = Board::named(board)?.memory_script.ok_or("a memory map")?;
    place.write("memory.ld", format!("{memory}\n{}", include_str!("c/sections.ld")))?;
    place.write("startup.c", include_str!("c/startup.c"))?;
    let own = [&["-Os", "-ffunction-sections", "-Iout"], flags, &STRICT].concat();
    let mut objects = vec!["startup.o".to_owned()];
    succeeds(GCC, &[&["-Os", "-c", "startup.c", "-o", "startup.o"], flags].concat(), place)?;
    for source in sources {
        let object = format!("{}.o", Path::new(source).file_stem().ok_or("a name")?.to_string_lossy());
        succeeds(GCC, &[&own[..], &["-c", source, "-o", &object]].concat(), place)?;
        objects.push(object);
    }
    let mut arguments: Vec<&str> = flags.to_vec();
    arguments.extend([
        "-nostartfiles",
        "-Tmemory.ld",
        "-Wl,--gc-sections",
        "--specs=nano.specs",
        "--specs=rdimon.specs",
    ]);
    arguments.extend(objects.iter().map(String::as_str));
    arguments.extend(libraries);
    arguments.extend(["-o", "program.elf"]);
    succeeds(GCC, &arguments, place).map(drop)
}

/// Runs `program.elf` on the board; its exit code and what it printed.
fn start(board: &str, place: &Place) -> Result<(i32, String), Failed> {
    let board = Board::named(board)?;
    let [qemu, machine @ ..] = board.facts.emulator.as_slice() else { return Err("no emulator".into()) };
    let mut arguments: Vec<&str> = machine.iter().map(String::as_str).collect();
    arguments.extend(["-display", "none", "-monitor", "none", "-serial", "none"]);
    arguments.extend(["-semihosting-config", "enable=on,target=native", "-kernel", "program.elf"]);
    let limited = [&["60", qemu], &arguments[..]].concat();
    command("timeout", &limited, place)
}

fn runs(board: &str, flags: &[&str], case: &Case) -> Result<(), Failed> {
    let place = built(board, case)?;
    // The header by itself, for both languages on the host.
    place.write(
        "header.cpp",
        "#include \"net.h\"\nint main() { net_model model; return net_init(&model); }\n",
    )?;
    let strict =
        ["-Wall", "-Wextra", "-Wconversion", "-Wold-style-cast", "-Werror", "-fsyntax-only", "-Iout"];
    succeeds("g++", &[&strict[..], &["-std=c++11", "-pedantic", "header.cpp"]].concat(), &place)?;
    succeeds("gcc", &[&STRICT[..], &["-fsyntax-only", "-Iout", "out/main.c"]].concat(), &place)?;
    link(board, flags, &["out/main.c"], &["out/libnet.a"], &place)?;
    let (code, printed) = start(board, &place)?;
    assert!(code == 0 && printed.ends_with("the outputs are those of the host\n"), "{code}: {printed}");
    // A program that expects another number says so: the comparison is one.
    let main = String::from_utf8(place.read("out/main.c")?)?;
    let at = main.find("expected_").ok_or("an expectation")?;
    let digits = at + main[at..].find("= {\n    ").ok_or("numbers")? + 8;
    let length = main[digits..].find([',', '\n']).ok_or("a number")?;
    let number: i64 = main[digits..digits + length].parse()?;
    let other = if number == 1 { 2 } else { 1 };
    place.write("wrong.c", format!("{}{other}{}", &main[..digits], &main[digits + length..]))?;
    link(board, flags, &["wrong.c"], &["out/libnet.a"], &place)?;
    let (code, wrong) = start(board, &place)?;
    assert!(code == 1 && wrong.ends_with("are not those of the host\n"), "{code}: {wrong}");
    measured(board, flags, case, &place)
}

/// Prints stack and flash of the model alone.
fn measured(board: &str, flags: &[&str], case: &Case, place: &Place) -> Result<(), Failed> {
    place.write(
        "stack.c",
        "#include \"net.h\"\n#include <stdio.h>\nunsigned stack_of(int (*run)(void *), void *argument);\n\
         static net_model model;\nstatic int run(void *argument) { return net_run((net_model *)argument); }\n\
         int main(void) { net_init(&model); printf(\"%u\", stack_of(run, &model)); return net_run(&model); }\n",
    )?;
    link(board, flags, &["stack.c"], &["out/libnet.a"], place)?;
    let (code, stack) = start(board, place)?;
    let bytes: u32 = stack.trim().parse().map_err(|_| format!("{code}: {stack}"))?;
    assert!(code == 0 && (16..4096).contains(&bytes), "{code}: {stack}");
    let sizes = succeeds("arm-none-eabi-size", &["program.elf"], place)?;
    let flash =
        sizes.lines().nth(1).and_then(|line| line.split_whitespace().next()).ok_or("a size")?.to_owned();
    eprintln!("{board}, {}: {bytes} bytes of stack, {flash} bytes of flash with printf", case.name);
    Ok(())
}

/// Different models of one name, compiled at once, give each its own library, and the same bytes again.
fn at_once() -> Result<(), Failed> {
    let libraries: Vec<Result<Vec<u8>, String>> = std::thread::scope(|scope| {
        let build = |case: &'static Case| {
            let place = built(BOARDS[0].0, case).map_err(|failed| format!("{failed:?}"))?;
            place.read("out/libnet.a").map_err(|failed| format!("{failed:?}"))
        };
        let threads: Vec<_> =
            [0, 1, 0, 1].map(|case| scope.spawn(move || build(&CASES[case]))).into_iter().collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a panic".to_owned())))
            .collect()
    });
    let libraries = libraries.into_iter().collect::<Result<Vec<_>, _>>()?;
    let [codes, sums, codes_again, sums_again] = &libraries[..] else { return Err("four libraries".into()) };
    assert!(codes == codes_again && sums == sums_again && codes != sums);
    let holds = |library: &[u8], name: &[u8]| library.windows(name.len()).any(|window| window == name);
    assert!(
        holds(codes, b"net_quant_y_out") && holds(sums, b"net_fc2_out") && !holds(sums, b"net_quant_y_out")
    );
    Ok(())
}

/// Every error has its number, on the device.
fn errors() -> Result<(), Failed> {
    let (board, flags) = BOARDS[0];
    let place = built(board, &CASES[3])?;
    place.write(
        "errors.c",
        "#include \"net.h\"\n#include <stdio.h>\nstatic net_model model, other;\n\
         #define IS(call, wanted) if ((call) != (wanted)) { printf(\"%s\", #call); return 1; }\n\
         int main(void) {\n\
           static const float values[NET_X_COUNT];\n\
           IS(net_init(0), NET_ERROR_POINTER)\n\
           IS(net_init((net_model *)(void *)((char *)&model + 4)), NET_ERROR_POINTER)\n\
           IS(net_run(0), NET_ERROR_POINTER)\n\
           IS(net_run(&other), NET_ERROR_UNINITIALIZED)\n\
           IS(net_reset(&other), NET_ERROR_UNINITIALIZED)\n\
           IS(net_x(&other), 0)\n\
           IS(net_mean_out(0), 0)\n\
           IS(net_init(&model), NET_OK)\n\
           IS(net_quantize_x(&model, 0, NET_X_COUNT), NET_ERROR_POINTER)\n\
           IS(net_quantize_x(&model, values, NET_X_COUNT + 1), NET_ERROR_COUNT)\n\
           IS(net_quantize_x(&model, values, NET_X_COUNT), NET_OK)\n\
           IS(net_x(&model)[0], NET_X_ZERO_POINT)\n\
           IS(net_run(&model), NET_OK)\n\
           IS(net_reset(&model), NET_OK)\n\
           net_x(&model)[1] = NET_X_LOWEST - 1;\n\
           IS(net_run(&model), NET_ERROR_CODE)\n\
           net_x(&model)[1] = NET_X_LOWEST;\n\
           IS(net_run(&model), NET_OK)\n\
           return 0;\n\
         }\n",
    )?;
    link(board, flags, &["errors.c"], &["out/libnet.a"], &place)?;
    assert_eq!(start(board, &place)?, (0, String::new()));
    Ok(())
}

/// Libraries of two models go into one program.
fn two_models() -> Result<(), Failed> {
    let (board, flags) = BOARDS[1];
    let place = Place::new()?;
    for (name, model) in [("first", tiny as fn() -> Model), ("second", image)] {
        place.write(&format!("{name}.onnx"), exactum_qonnx::write(&model()))?;
        place.ok(&format!("build {name}.onnx --board {board} --emit c -o {name}"))?;
        let main = String::from_utf8(place.read(&format!("{name}/main.c"))?)?;
        place.write(&format!("{name}.c"), main.replace("main(void)", &format!("{name}(void)")))?;
    }
    place.write(
        "both.c",
        "int first(void);\nint second(void);\nint main(void) { return first() + 2 * second(); }\n",
    )?;
    let flags = [flags, &["-Ifirst", "-Isecond", "-Wno-missing-prototypes"]].concat();
    let libraries = ["first/libfirst.a", "second/libsecond.a"];
    link(board, &flags, &["first.c", "second.c", "both.c"], &libraries, &place)?;
    let (code, printed) = start(board, &place)?;
    assert!(code == 0 && printed.matches("are those of the host").count() == 2, "{code}: {printed}");
    Ok(())
}

/// Codes of the example as real numbers by the header's constants, run on the host, are what the device prints.
fn constants() -> Result<(), Failed> {
    let (board, flags) = BOARDS[1];
    let place = built(board, &CASES[0])?;
    link(board, flags, &["out/main.c"], &["out/libnet.a"], &place)?;
    let (_, printed) = start(board, &place)?;
    let header = String::from_utf8(place.read("out/net.h")?)?;
    let constant = |name: &str| -> Result<f64, Failed> {
        let line = header
            .lines()
            .find(|line| line.starts_with(&format!("#define {name} ")))
            .ok_or(name.to_owned())?;
        Ok(line.rsplit(' ').next().ok_or("a value")?.trim_matches(['(', ')']).parse()?)
    };
    let main = String::from_utf8(place.read("out/main.c")?)?;
    let codes = main
        .split("sample_x[NET_X_COUNT] = {")
        .nth(1)
        .and_then(|rest| rest.split('}').next())
        .ok_or("codes")?;
    let (scale, zero) = (constant("NET_X_SCALE")?, constant("NET_X_ZERO_POINT")?);
    let codes: Vec<f64> = codes.split(',').map(|code| code.trim().parse()).collect::<Result<_, _>>()?;
    let reals: Vec<f32> = codes.iter().map(|code| ((code - zero) * scale) as f32).collect();
    place.write("x.npy", npy::write(&[1, reals.len()], &reals))?;
    place.ok("run net.onnx --input x.npy --output y.npy --codes")?;
    let expected = npy::read(&place.read("y.npy")?)?.values;
    let numbers = printed.lines().next().and_then(|line| line.split_once(':')).ok_or("outputs")?.1;
    let numbers: Vec<f64> = numbers.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    assert_eq!(numbers, expected);
    assert!(constant("NET_QUANT_Y_OUT_LABELS")? == 2.0 && constant("NET_BYTES")? % 8.0 == 0.0);
    Ok(())
}

fn refusals() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("net.onnx", exactum_qonnx::write(&tiny()))?;
    let ran = place.run("build net.onnx --emit c -o out")?;
    assert!(ran.code == Some(1) && ran.stderr.contains("--processor"), "{}", ran.stderr);
    let ran = place.run("build net.onnx --board microbit --outside inputs --emit c -o out")?;
    assert!(ran.code == Some(1) && ran.stderr.contains("E0903"), "{}", ran.stderr);
    let ran = place.run("build net.onnx --processor z80-unknown-none --emit c -o out")?;
    assert!(
        ran.code == Some(1) && ran.stderr.contains("rustup target add z80-unknown-none"),
        "{}",
        ran.stderr
    );
    assert!(!place.path().join("out").exists());
    Ok(())
}
