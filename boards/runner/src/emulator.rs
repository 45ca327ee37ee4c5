//! QEMU as the machine of an image: the one place that knows its command line, and the limits of a run.

use std::{
    fmt, io,
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use exactum_boards::{Board, BuildError, ICOUNT_SHIFT, Image, Missing, toolchain};

use crate::log;
use crate::serial::{Files, Serial};

/// QEMU's exit code for its own failures. Firmware ends with 0 or with 10 and above.
const QEMU_FAILED: i32 = 1;
/// How often a run is looked at. Runs of a second are usual; a core is better spent on QEMU itself.
const POLL: Duration = Duration::from_millis(2);

/// A board, an installed QEMU that has it, and a toolchain for the images it runs.
#[derive(Clone, Debug)]
pub struct Emulator {
    board: Board,
    version: String,
    time_limit: Duration,
    serial: Option<Files>,
}

/// A run that came to its own end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code of the firmware: 0 for success, 101 for a panic.
    pub code: i32,
    /// The decoded log, a line each with its level.
    pub log: Vec<String>,
}

/// Why a run came to no end of its own.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// QEMU did not start, or could not be waited for.
    #[error("QEMU: {0}")]
    Start(#[from] io::Error),
    /// The firmware ran past the limit and was stopped.
    #[error("no end after {} s{}", limit.as_secs(), Lines(log))]
    TimeLimit {
        /// The limit it ran under.
        limit: Duration,
        /// What the firmware had logged.
        log: Vec<String>,
    },
    /// QEMU stopped by itself: an unknown option, a fault of the processor inside a fault.
    #[error("QEMU ended with {status}: {message}{}", Lines(log))]
    Stopped {
        /// How it ended.
        status: ExitStatus,
        /// QEMU's own words.
        message: String,
        /// What the firmware had logged.
        log: Vec<String>,
    },
}

/// Log lines as the end of a message.
pub(crate) struct Lines<'l>(pub(crate) &'l [String]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Emulator {
    /// Looks for the QEMU of `board` and for a toolchain that builds its firmware. Runs end after a minute unless
    /// [`with_time_limit`](Self::with_time_limit) says otherwise.
    ///
    /// # Errors
    /// [`Missing`] names the absent tool and how to install it.
    pub fn find(board: &Board) -> Result<Self, Missing> {
        let emulator = Self::without_toolchain(board)?;
        toolchain(&board.facts.target)?;
        Ok(emulator)
    }

    /// The same where nothing is to be built: looks for QEMU alone.
    ///
    /// # Errors
    /// [`Missing`] if the machine has none, or none has the board.
    pub fn without_toolchain(board: &Board) -> Result<Self, Missing> {
        let [qemu, ..] = board.facts.emulator.as_slice() else {
            let found = "no emulator has this board".to_owned();
            return Err(Missing { tool: format!("an emulator of {}", board.name), found });
        };
        let version = Missing::check(qemu, Command::new(qemu).arg("--version"))?;
        let version = version.lines().next().unwrap_or_default().to_owned();
        Ok(Self { board: board.clone(), version, time_limit: Duration::from_secs(60), serial: None })
    }

    /// The board.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Builds the binary `binary` of the board.
    ///
    /// # Errors
    /// [`BuildError`] with the compiler's messages.
    pub fn build(&self, binary: &str) -> Result<Image, BuildError> {
        self.board.recipe(binary).build()
    }

    /// The same emulator, stopping runs after `limit` of real time.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Self {
        Self { time_limit: limit, ..self }
    }

    /// The same emulator, whose first serial port receives the bytes of the file `input` and sends to the file `output`.
    #[must_use]
    pub fn with_serial(self, input: &Path, output: &Path) -> Self {
        Self { serial: Some(Files { input: input.to_owned(), output: output.to_owned() }), ..self }
    }

    /// QEMU's own line about its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Runs `image` with `arguments` as its command line and `folder` as the place of the files it opens.
    /// The words of the command line are joined by blanks, so arguments hold none.
    ///
    /// # Errors
    /// [`EmulatorError`] if the firmware did not end by itself within the time limit.
    pub fn start(&self, image: &Image, arguments: &[&str], folder: &Path) -> Result<Finished, EmulatorError> {
        let mut semihosting = "enable=on,target=native,arg=firmware".to_owned();
        for argument in arguments {
            // QEMU separates options by commas; a doubled one stands for itself.
            semihosting.push_str(&format!(",arg={}", argument.replace(',', ",,")));
        }
        let [qemu, machine @ ..] = self.board.facts.emulator.as_slice() else {
            return Err(io::Error::other("no emulator has this board").into());
        };
        let serial = self.serial.as_ref().map(Serial::new).transpose()?;
        let mut child = Command::new(qemu)
            .args(machine)
            .args(["-icount", &format!("shift={ICOUNT_SHIFT}")])
            .args(["-display", "none", "-monitor", "none"])
            .args(serial.as_ref().map_or_else(|| vec!["-serial".into(), "none".into()], Serial::options))
            .args(["-semihosting-config", &semihosting, "-kernel"])
            .arg(image.path())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // Both are read while it runs, else a full pipe would stop it.
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let status = wait(&mut child, self.time_limit);
        serial.map_or(Ok(()), Serial::join)?;
        let log = log::decode(image.elf(), &joined(stdout)?);
        let message = String::from_utf8_lossy(&joined(stderr)?).trim().to_owned();
        match status? {
            None => Err(EmulatorError::TimeLimit { limit: self.time_limit, log }),
            Some(status) => match status.code() {
                Some(code) if code != QEMU_FAILED => Ok(Finished { code, log }),
                _ => Err(EmulatorError::Stopped { status, message, log }),
            },
        }
    }
}

type Collector = thread::JoinHandle<io::Result<Vec<u8>>>;

fn collect(pipe: Option<impl Read + Send + 'static>) -> Collector {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    })
}

fn joined(collector: Collector) -> io::Result<Vec<u8>> {
    collector.join().map_err(|_| io::Error::other("reading the output stopped"))?
}

/// The exit status, or `None` after the child was killed at the limit.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}
