//! A serial port of this machine, or a socket in the place of one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::Link;

/// How long nothing is waited for.
const MOMENT: Duration = Duration::from_millis(100);

/// A port that is open.
#[derive(Debug)]
pub enum Port {
    /// A device of the system.
    Serial(File),
    /// A socket.
    Socket(UnixStream),
}

impl Port {
    /// Opens the serial port at `path`, at `baud` bits a second.
    ///
    /// # Errors
    /// If it cannot be opened, or is no serial port.
    pub fn open(path: &Path, baud: u32) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let flag = if cfg!(target_os = "macos") { "-f" } else { "-F" };
        let mut stty = Command::new("stty");
        // Bytes as they are; a read ends after a tenth of a second without any.
        stty.arg(flag).arg(path).args([&baud.to_string(), "raw", "-echo", "min", "0", "time", "1"]);
        let output =
            stty.output().map_err(|error| io::Error::other(format!("stty, which sets the port: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(io::Error::other(format!("no serial port: {said}")));
        }
        Ok(Self::Serial(file))
    }

    /// A socket in the place of a port.
    ///
    /// # Errors
    /// What the system says.
    pub fn socket(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(MOMENT))?;
        Ok(Self::Socket(stream))
    }
}

impl Link for Port {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Serial(file) => file.write_all(bytes),
            Self::Socket(stream) => stream.write_all(bytes),
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let received = match self {
            Self::Serial(file) => file.read(buffer),
            // A socket at its end would give nothing at once for ever.
            Self::Socket(stream) => match stream.read(buffer) {
                Ok(0) => Err(io::Error::other("the emulator ended")),
                received => received,
            },
        };
        let nothing =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        received.or_else(|error| if nothing(&error) { Ok(0) } else { Err(error) })
    }
}
