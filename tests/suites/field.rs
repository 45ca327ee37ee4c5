//! What other tools compute for the kinds of files that people bring along, beside their exact reading.

use exactum_tests::field;

#[test]
fn recorded_results_are_the_exact_ones() -> Result<(), String> {
    let fixtures = field::all()?;
    let recorded = fixtures.iter().filter(|fixture| !fixture.differ.is_empty());
    let problems: Vec<String> = recorded
        .filter_map(|fixture| fixture.check().err().map(|problem| format!("{}: {problem}", fixture.name)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(fixtures.len() >= 4, "{} fixtures", fixtures.len());
    Ok(())
}
