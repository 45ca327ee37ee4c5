//! Commands that reach devices, on emulated boards: from an installed program, outside the repository, with a cache of their own.
//! Where QEMU or a toolchain is missing they show as ignored, and in CI as failed.

mod c;
mod emulate;
#[path = "../cli/models.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod models;
mod new;
mod validate;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use exactum_boards::{Board, toolchain};
use libtest_mimic::{Arguments, Failed, Trial};

/// Boards of different processors: Armv7E-M, Armv6-M with little memory, and RISC-V.
const BOARDS: [&str; 3] = ["mps2-an386", "microbit", "riscv-virt"];

fn main() {
    let arguments = Arguments::from_args();
    let missing = BOARDS.iter().find_map(|name| lacks(name));
    let without_c = missing.clone().or_else(c::lacks);
    let in_ci = env::var_os("CI").is_some();
    let trial = |(name, test): (String, Test)| {
        let missing = if name.starts_with("c::") { &without_c } else { &missing };
        let ignored = missing.is_some() && !in_ci;
        Trial::test(name, test).with_kind(missing.clone().unwrap_or_default()).with_ignored_flag(ignored)
    };
    let tests = [emulate::tests(), new::tests(), c::tests(), validate::tests()].into_iter().flatten();
    libtest_mimic::run(&arguments, tests.map(trial).collect()).exit();
}

/// A test that is not run yet.
type Test = Box<dyn FnOnce() -> Result<(), Failed> + Send>;

/// What the machine lacks to build for the board `name` and to emulate it.
fn lacks(name: &str) -> Option<String> {
    let board = Board::named(name).expect("a board of the repository");
    let qemu = Command::new(&board.facts.emulator[0]).arg("--version").output();
    if !qemu.is_ok_and(|output| output.status.success()) {
        return Some(format!("{} is missing", board.facts.emulator[0]));
    }
    toolchain(&board.facts.target).err().map(|missing| missing.to_string())
}

/// Where built firmware is kept from one run of the tests to the next.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware")
}

/// A folder in which the command runs.
struct Place(tempfile::TempDir);

/// What a command did.
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new() -> Result<Self, Failed> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), Failed> {
        Ok(fs::write(self.path().join(name), bytes)?)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Failed> {
        fs::read(self.path().join(name)).map_err(|error| format!("{name}: {error}").into())
    }

    /// Runs `exactum` with `arguments`, separated by blanks, and the kept firmware.
    fn run(&self, arguments: &str) -> Result<Ran, Failed> {
        self.run_with(arguments, &[("EXACTUM_CACHE", cache().as_os_str())])
    }

    /// The same with `variables` in the environment.
    fn run_with(&self, arguments: &str, variables: &[(&str, &OsStr)]) -> Result<Ran, Failed> {
        let output = Command::new(env!("CARGO_BIN_EXE_exactum"))
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .envs(variables.iter().copied())
            .output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
    }

    /// The same, which has to succeed.
    fn ok(&self, arguments: &str) -> Result<Ran, Failed> {
        let ran = self.run(arguments)?;
        if ran.code == Some(0) {
            Ok(ran)
        } else {
            Err(format!("exactum {arguments}: {:?}\n{}", ran.code, ran.stderr).into())
        }
    }
}
