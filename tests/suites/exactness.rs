//! The table `docs/exactness.md` is what the fixtures give. `BLESS=1` writes it again.

use exactum_tests::exactness::{path, table};

#[test]
fn the_table_is_up_to_date() -> Result<(), Box<dyn std::error::Error>> {
    let table = table()?;
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path(), &table)?;
    }
    let written = std::fs::read_to_string(path())?;
    let differing = table.lines().zip(written.lines()).find(|(now, then)| now != then);
    assert!(differing.is_none(), "{differing:?}; BLESS=1 writes docs/exactness.md again");
    assert_eq!(table.lines().count(), written.lines().count());
    Ok(())
}
