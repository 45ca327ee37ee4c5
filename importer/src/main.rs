//! The `exactum` command.

fn main() -> std::process::ExitCode {
    exactum_importer::cli::main()
}
