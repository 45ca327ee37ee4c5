//! A board that exists in this test only: a folder with ST's STM32F405, which QEMU has as Netduino Plus 2. Everything about it stands here:
//! memory, serial port, lamp, dependencies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use exactum_runner::Image;
use libtest_mimic::Failed;
use serde_json::Value;

const TARGET: &str = "thumbv7em-none-eabihf";

const MANIFEST: &str = r#"
[workspace]

[package]
name = "board-of-a-test"
version = "0.1.0"
edition = "2024"

[package.metadata.board]
about = "Cortex-M4: a board of a test, STM32F405"
target = "thumbv7em-none-eabihf"

[dependencies]
exactum-application = { path = "BOARDS/application", features = ["gestures"] }
cortex-m = { version = "0.7", features = ["critical-section-single-core"] }
cortex-m-rt = "0.7"
embedded-hal = "1"
embedded-io = "0.7"
semihosting = "0.1"

[build-dependencies]
exactum-board-build = { path = "BOARDS/build" }

[profile.release]
panic = "abort"
"#;

const BUILD: &str = r#"
fn main() -> std::io::Result<()> {
    exactum_board_build::link(&["--nmagic", "-Tlink.x"])
}
"#;

const MEMORY: &str = "
MEMORY
{
  FLASH : ORIGIN = 0x08000000, LENGTH = 1M
  RAM : ORIGIN = 0x20000000, LENGTH = 128K
}
";

const MAIN: &str = r#"
#![no_std]
#![no_main]

use core::convert::Infallible;

use cortex_m as _;
use embedded_hal::digital::{ErrorType as PinErrors, OutputPin};
use embedded_io::{ErrorType, Read, Write};
use exactum_application::{clock::NoClock, gestures, serve::serve};

/// USART 1: status, data, baud rate, control.
const USART: *mut u32 = 0x4001_1000 as *mut u32;

struct Usart;

impl Usart {
    fn wait(&self, bit: u32) {
        while unsafe { USART.read_volatile() } >> bit & 1 == 0 {}
    }
}

impl ErrorType for Usart {
    type Error = Infallible;
}

impl Read for Usart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        self.wait(5);
        buffer[0] = unsafe { USART.add(1).read_volatile() } as u8;
        Ok(1)
    }
}

impl Write for Usart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        self.wait(7);
        unsafe { USART.add(1).write_volatile(buffer[0].into()) };
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

struct NoLamp;

impl PinErrors for NoLamp {
    type Error = Infallible;
}

impl OutputPin for NoLamp {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    semihosting::process::exit(101)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    // On, sending and receiving.
    unsafe { USART.add(3).write_volatile(1 << 13 | 1 << 3 | 1 << 2) };
    let Ok(mut application) = gestures::application(NoLamp, NoClock) else { semihosting::process::exit(10) };
    let served = serve(&mut application, &mut Usart, &mut Usart);
    semihosting::process::exit(if served.is_ok() { 0 } else { 11 })
}
"#;

/// Writes the board to `folder` and builds it, as any board is built that lies elsewhere.
///
/// # Errors
/// The compiler's messages.
pub(crate) fn build(folder: &Path) -> Result<Image, Failed> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let boards = repository.join("boards");
    fs::create_dir_all(folder.join("src"))?;
    let manifest = MANIFEST.replace("BOARDS", &boards.display().to_string());
    for (name, text) in
        [("Cargo.toml", manifest.as_str()), ("build.rs", BUILD), ("memory.x", MEMORY), ("src/main.rs", MAIN)]
    {
        fs::write(folder.join(name), text.trim_start())?;
    }
    // The very crates of the other boards.
    fs::copy(boards.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let output = Command::new(repository.join(".ci/firmware-cargo"))
        .args(["build", "--release", "--message-format=json-render-diagnostics"])
        .env("EXACTUM_FIRMWARE_FOLDER", folder)
        .env("EXACTUM_FIRMWARE_TARGET", TARGET)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_board = |message: Value| match message["target"]["name"] == "board-of-a-test" {
        true => message["executable"].as_str().map(PathBuf::from),
        false => None,
    };
    let executable = messages.find_map(of_board);
    Ok(Image::read(&executable.ok_or("no executable")?)?)
}
