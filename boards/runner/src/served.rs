//! A board that serves over its serial port until it is dropped: QEMU with a socket in the place of the port.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use exactum_boards::Image;

use crate::Emulator;

/// How long QEMU may take to open the socket.
const LONGEST_START: Duration = Duration::from_secs(20);

/// A board that runs until this is dropped.
#[derive(Debug)]
pub struct Served {
    child: Child,
    // Holds the socket.
    _folder: tempfile::TempDir,
    stream: UnixStream,
}

impl Emulator {
    /// Starts `image`, which serves over the first serial port.
    ///
    /// # Errors
    /// What the system says, or QEMU, if it ends at once.
    pub fn serve(&self, image: &Image) -> io::Result<Served> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("serial");
        let [qemu, machine @ ..] = self.board().facts.emulator.as_slice() else {
            return Err(io::Error::other("no emulator has this board"));
        };
        let port = format!(
            "socket,id=serial,path={},server=on,wait=off",
            socket.display().to_string().replace(',', ",,")
        );
        let mut child = Command::new(qemu)
            .args(machine)
            .args(["-display", "none", "-monitor", "none", "-chardev", &port, "-serial", "chardev:serial"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(image.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let start = Instant::now();
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break Ok(stream),
                Err(error) if start.elapsed() > LONGEST_START => break Err(error),
                Err(_) => {}
            }
            if let Some(status) = child.try_wait()? {
                break Err(io::Error::other(format!("QEMU ended with {status}")));
            }
            thread::sleep(Duration::from_millis(10));
        };
        match stream {
            Ok(stream) => Ok(Served { child, _folder: folder, stream }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
}

impl Served {
    /// The serial port.
    ///
    /// # Errors
    /// What the system says.
    pub fn port(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
