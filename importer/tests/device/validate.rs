//! `exactum validate` against QEMU's serial port, as a socket and as a port of the system, also where bytes are lost or changed on
//! the way; and `exactum flash` without a probe.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use exactum_boards::{Board, Workspace};
use exactum_importer::container::Container;
use exactum_importer::npy;
use exactum_importer::serial::{Device, Link, Port, SerialError};
use exactum_qonnx::Model;
use exactum_runner::Emulator;
use libtest_mimic::Failed;

use crate::models::{image, inputs, line, recurrent, tiny};
use crate::{Place, Test, cache};

const BOARDS: [&str; 2] = ["mps2-an386", "mps2-an385"];

/// A name, a model, and options that it is compiled with.
type Case = (&'static str, fn() -> Model, &'static str);

/// Codes, images, and states: a run that is done twice would show.
const CASES: [Case; 4] = [
    ("codes", tiny, ""),
    ("channels_last", image, "--channels-last"),
    ("steps", || line([4, 0]), "--dim time=8 --stream time"),
    ("bound", || recurrent(0.031), "--bind next.out=h"),
];

pub(crate) fn tests() -> Vec<(String, Test)> {
    let mut tests: Vec<(String, Test)> = vec![];
    for board in BOARDS {
        for (name, model, options) in CASES {
            tests.push((
                format!("validate::{board}::{name}"),
                Box::new(move || agrees(board, model, options)),
            ));
        }
    }
    tests.push(("validate::a_port_of_the_system".to_owned(), Box::new(port)));
    tests.push(("validate::broken_frames_change_nothing".to_owned(), Box::new(noise)));
    tests.push(("validate::what_the_device_refuses_is_told".to_owned(), Box::new(refusals)));
    tests.push(("flash::tools_and_boards".to_owned(), Box::new(flash)));
    tests
}

fn agrees(board: &str, model: fn() -> Model, options: &str) -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&model()))?;
    let ran = place.ok(&format!("validate model.onnx {options} --emulator {board}"))?;
    assert!(ran.stdout.contains("of 8 samples are those of this machine"), "{}", ran.stdout);
    Ok(())
}

/// QEMU with its serial port as a pseudo terminal; it ends when this is dropped.
struct Terminal {
    child: Child,
    path: String,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn terminal(board: &str) -> Result<Terminal, Failed> {
    let board = Board::named(board)?;
    let image = Workspace::unpacked(&cache())?.kept_image(&board, "serve")?;
    let [qemu, machine @ ..] = board.facts.emulator.as_slice() else { return Err("no emulator".into()) };
    let mut child = Command::new(qemu)
        .args(machine)
        .args(["-display", "none", "-monitor", "none", "-serial", "pty"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(image.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdout = child.stdout.take().ok_or("a pipe")?;
    let mut terminal = Terminal { child, path: String::new() };
    let line = BufReader::new(stdout).lines().next().ok_or("a line of QEMU")??;
    terminal.path =
        line.split_whitespace().find(|word| word.starts_with("/dev/")).ok_or(line.clone())?.to_owned();
    Ok(terminal)
}

fn port() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("tiny.onnx", exactum_qonnx::write(&tiny()))?;
    place.write("image.onnx", exactum_qonnx::write(&image()))?;
    place.write("x.npy", npy::write(&[5, 4], &inputs(5)))?;
    let terminal = terminal(BOARDS[0])?;
    // One firmware, model after model.
    let ran =
        place.ok(&format!("validate tiny.onnx --port {} --board mps2-an386 --input x.npy", terminal.path))?;
    assert!(ran.stdout.contains("all 10 numbers of 5 samples"), "{}", ran.stdout);
    place.ok(&format!("validate image.onnx --port {}", terminal.path))?;
    place.ok(&format!("validate tiny.onnx --port {}", terminal.path))?;
    Ok(())
}

/// A link on which every so many bytes one is changed, lost or added, in both directions.
struct Noisy {
    link: Port,
    state: u32,
    one_in: u32,
}

impl Noisy {
    fn spoiled(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut spoiled = vec![];
        for byte in bytes {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let random = self.state >> 8;
            match (random % self.one_in, random >> 12 & 3) {
                (0, 0) => {}
                (0, 1) => spoiled.extend([*byte, 0xec]),
                (0, _) => spoiled.push(byte ^ 1 << (random & 7)),
                _ => spoiled.push(*byte),
            }
        }
        spoiled
    }
}

impl Link for Noisy {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let spoiled = self.spoiled(bytes);
        self.link.send(&spoiled)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Added bytes need room.
        let half = buffer.len() / 2;
        let count = self.link.receive(&mut buffer[..half])?;
        let spoiled = self.spoiled(&buffer[..count]);
        buffer[..spoiled.len()].copy_from_slice(&spoiled);
        Ok(spoiled.len())
    }
}

/// A program with states gives the same over a clean and a noisy line: nothing is taken for what it is not, no run is done twice.
fn noise() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&recurrent(0.031)))?;
    place.ok("build model.onnx --bind next.out=h -o model.exa")?;
    let container = Container::read(&place.read("model.exa")?).map_err(|report| report.to_string())?;
    let board = Board::named(BOARDS[0])?;
    let image = Workspace::unpacked(&cache())?.kept_image(&board, "serve")?;
    let emulator = Emulator::without_toolchain(&board)?;
    let samples: Vec<[u8; 2]> =
        (0..40u8).map(|index| [index.wrapping_mul(37) % 100, index.wrapping_mul(11) % 100]).collect();
    let run = |one_in: u32, patience: Duration| -> Result<(Vec<u8>, u32), Failed> {
        let served = emulator.serve(&image)?;
        let link = Noisy { link: Port::socket(served.port()?)?, state: one_in, one_in };
        let mut device = Device::new(link, patience);
        device.load(container.image())?;
        let mut output = vec![];
        for sample in &samples {
            output.extend(device.run(sample)?);
        }
        Ok((output, device.repeated()))
    };
    // Nothing is repeated because this machine is busy.
    let (clean, repeated) = run(u32::MAX, Duration::from_secs(60))?;
    assert!(repeated == 0 && clean.len() == samples.len() * 3, "{repeated} repeated, {} bytes", clean.len());
    let (noisy, repeated) = run(400, Duration::from_millis(400))?;
    assert!(noisy == clean && repeated > 5, "{repeated} repeated");
    Ok(())
}

fn refusals() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&tiny()))?;
    place.write("file", "no port")?;
    for (asked, told) in [
        ("--port nowhere", "No such file"),
        ("--port file", "no serial port"),
        ("--emulator microbit", "mps2-an386"),
    ] {
        let ran = place.run(&format!("validate model.onnx {asked}"))?;
        let words = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            ran.code == Some(1) && words.contains(told) && words.contains("E0903"),
            "{asked}: {}",
            ran.stderr
        );
    }
    // A device of which nothing is known but that it answers.
    let board = Board::named(BOARDS[0])?;
    let image = Workspace::unpacked(&cache())?.kept_image(&board, "serve")?;
    let served = Emulator::without_toolchain(&board)?.serve(&image)?;
    let mut device = Device::new(Port::socket(served.port()?)?, Duration::from_secs(5));
    let refused = |result: Result<(), SerialError>| match result {
        Err(SerialError::Refused { refusal, .. }) => Ok(refusal),
        other => Err(Failed::from(format!("not refused: {other:?}"))),
    };
    assert_eq!(refused(device.run(&[1]).map(drop))?, 6, "nothing is loaded");
    assert_eq!(refused(device.load(b"this is no program"))?, 4);
    let most = device.room()?.program as usize;
    assert_eq!(refused(device.load(&vec![0; most + 1]))?, 3);
    place.ok("build model.onnx -o model.exa")?;
    let container = Container::read(&place.read("model.exa")?).map_err(|report| report.to_string())?;
    device.load(container.image())?;
    let outputs = device.run(&[1, 2, 3, 4])?;
    assert_eq!(outputs.len(), 2);
    assert_eq!(refused(device.run(&[0; 600]).map(drop))?, 3, "a sample longer than the program's");
    Ok(())
}

fn flash() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("app", b"\x7fELF....")?;
    place.write("text", b"text")?;
    for (asked, told) in [
        ("flash app --board microbit", "--chip"),
        ("flash text --board microbit --chip nRF51822_xxAA", "no ELF file"),
        ("flash nowhere --board microbit --chip nRF51822_xxAA", "E0101"),
        ("flash app --board abacus", "E0504"),
    ] {
        let ran = place.run(asked)?;
        assert!(ran.code == Some(1) && ran.stderr.contains(told), "{asked}: {}", ran.stderr);
    }
    let folder = place.path().as_os_str();
    let ran = place.run_with("flash app --board microbit --chip nRF51822_xxAA", &[("PATH", folder)])?;
    let words = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(ran.code == Some(1) && words.contains("cargo install probe-rs-tools"), "{}", ran.stderr);
    let ran = place.ok("flash app --board microbit --chip nRF51822_xxAA --dry-run")?;
    assert_eq!(ran.stdout, "probe-rs run --chip nRF51822_xxAA app\n");
    Ok(())
}
