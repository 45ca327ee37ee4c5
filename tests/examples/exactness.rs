//! Writes `docs/exactness.md`. `cargo run --release -p exactum-tests --example exactness`.

use exactum_tests::exactness::{path, table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(path(), table()?)?;
    Ok(())
}
