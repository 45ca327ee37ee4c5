//! The command line: one file per subcommand, and what they share.
//!
//! Data goes to standard output, everything else to standard error. Exit status 0 is fine, 1 a problem in the input,
//! 2 wrong usage, 101 a fault of exactum itself. Called by the program `exactum`; build scripts and macros take options of
//! `exactum build` through [`module`].

mod boards;
mod build;
mod check;
mod dataflow;
mod device;
#[cfg(feature = "emulate")]
mod device_codes;
#[cfg(feature = "emulate")]
mod emulate;
mod explain;
mod files;
mod flash;
mod identity;
mod inputs;
mod inspect;
mod limits;
mod listing;
mod module;
mod new;
mod ops;
mod passes;
mod progress;
mod run;
mod samples;
mod shell;
mod size;
mod steps;
mod summary;
mod target;
mod targets;
#[cfg(all(unix, feature = "emulate"))]
mod validate;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
pub use module::{Module, module};
use shell::{Color, Format, Shell};

/// Compiles quantized neural networks to proven integer programs.
#[derive(Debug, Parser)]
#[command(name = "exactum", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How results and problems are printed.
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// Whether to colour; auto looks at the terminal and at NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t)]
    color: Color,
    /// Print data and problems only.
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Build(build::Args),
    Run(run::Args),
    Verify(verify::Args),
    New(new::Args),
    #[cfg(feature = "emulate")]
    Emulate(emulate::Args),
    #[cfg(all(unix, feature = "emulate"))]
    Validate(validate::Args),
    Flash(flash::Args),
    Inspect(inspect::Args),
    Size(size::Args),
    Dataflow(dataflow::Args),
    Targets(targets::Args),
    Boards(boards::Args),
    Passes(passes::Args),
    Ops(ops::Args),
    Explain(explain::Args),
}

/// Runs the command line of this process; its exit status.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(shell::report_fault));
    let cli = Cli::parse();
    let shell = Shell::new(cli.format, cli.color, cli.quiet);
    let result = match &cli.command {
        Command::Check(args) => check::run(args, &shell),
        Command::Build(args) => build::run(args, &shell),
        Command::Run(args) => run::run(args, &shell),
        Command::Verify(args) => verify::run(args, &shell),
        Command::New(args) => new::run(args, &shell),
        #[cfg(feature = "emulate")]
        Command::Emulate(args) => emulate::run(args, &shell),
        #[cfg(all(unix, feature = "emulate"))]
        Command::Validate(args) => validate::run(args, &shell),
        Command::Flash(args) => flash::run(args, &shell),
        Command::Inspect(args) => inspect::run(args, &shell),
        Command::Size(args) => size::run(args, &shell),
        Command::Dataflow(args) => dataflow::run(args, &shell),
        Command::Targets(args) => targets::run(args, &shell),
        Command::Boards(args) => boards::run(args, &shell),
        Command::Passes(args) => passes::run(args, &shell),
        Command::Ops(args) => ops::run(args, &shell),
        Command::Explain(args) => explain::run(args, &shell),
    };
    result.unwrap_or_else(|report| {
        shell.problems(&report);
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
