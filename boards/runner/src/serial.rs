//! The first serial port of an emulated board, with a file at each end. [`Emulator`](crate::Emulator) has it beside a run.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    thread,
};

/// What the port receives, and where what it sends goes.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
}

/// A socket that QEMU connects the port to, and the thread behind it.
pub(crate) struct Serial {
    socket: PathBuf,
    folder: tempfile::TempDir,
    worker: thread::JoinHandle<io::Result<()>>,
}

impl Serial {
    /// Waits for QEMU.
    pub(crate) fn new(files: &Files) -> io::Result<Self> {
        let input = fs::read(&files.input)?;
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("serial");
        let listener = UnixListener::bind(&socket)?;
        let output = files.output.clone();
        let worker = thread::spawn(move || exchange(&listener, input, &output));
        Ok(Self { socket, folder, worker })
    }

    /// QEMU's options.
    pub(crate) fn options(&self) -> Vec<String> {
        let path = self.socket.display().to_string().replace(',', ",,");
        vec![
            "-chardev".into(),
            format!("socket,id=serial,path={path},server=off"),
            "-serial".into(),
            "chardev:serial".into(),
        ]
    }

    /// After QEMU's end: waits until all it sent is written.
    pub(crate) fn join(self) -> io::Result<()> {
        // A QEMU that never connected would be waited for.
        drop(UnixStream::connect(&self.socket));
        let joined = self.worker.join().map_err(|_| io::Error::other("the serial port stopped"))?;
        drop(self.folder);
        joined
    }
}

fn exchange(listener: &UnixListener, input: Vec<u8>, output: &Path) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let mut to_board = stream.try_clone()?;
    // The board may end before it has read everything.
    let writer = thread::spawn(move || drop(to_board.write_all(&input)));
    let mut sent = vec![];
    let read = stream.read_to_end(&mut sent);
    drop(writer.join());
    fs::write(output, sent)?;
    match read {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(()),
    }
}
