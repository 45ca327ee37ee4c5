//! Why a firmware run stops, as an exit code that the host can tell apart.
//!
//! The runner shows both, the code and the decoded log; it holds no list of its own.

/// Exit codes of firmware. They leave the chip as numbers; the log says the same in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
#[repr(i32)]
pub enum Failure {
    /// The command line lacks a path, or holds one that is too long or is no UTF-8.
    CommandLine = 10,
    /// A file of the host could not be opened, read or written.
    File = 11,
    /// `Program::load` refused the program.
    Load = 12,
    /// The program, its arena, its samples or its ops are more than the firmware has room for.
    Capacity = 13,
    /// The input file is no whole number of samples.
    InputLength = 14,
    /// An input code is outside the range that the program was proven for.
    InputCode = 15,
    /// One inference took longer than the counter can count.
    CounterWrapped = 16,
    /// The program is not of the kind that the application runs.
    Application = 17,
}

/// The exit code of a panic, as Rust programs on a host have it.
pub const PANIC_EXIT_CODE: i32 = 101;

/// Ends the run: code 0 for success; otherwise the code of the failure, which is also logged.
pub fn exit(result: Result<(), Failure>) -> ! {
    semihosting::process::exit(match result {
        Ok(()) => 0,
        Err(failure) => {
            defmt::error!("stopped: {}", failure);
            failure as i32
        }
    })
}
