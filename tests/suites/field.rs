//! What other tools compute for the kinds of files that people bring along, beside their exact reading.

use exactum_tests::field::{self, Fixture};

/// Whether `check` finds nothing in those of the `fixtures` that are `wanted`.
fn all_hold(
    fixtures: Vec<Fixture>,
    wanted: impl Fn(&Fixture) -> bool,
    check: impl Fn(&Fixture) -> Result<(), String>,
) -> Result<(), String> {
    let problems: Vec<String> = fixtures
        .iter()
        .filter(|fixture| wanted(fixture))
        .filter_map(|fixture| check(fixture).err().map(|problem| format!("{}: {problem}", fixture.name)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(fixtures.len() >= 4, "{} fixtures", fixtures.len());
    Ok(())
}

#[test]
fn recorded_results_are_the_exact_ones() -> Result<(), String> {
    all_hold(field::all()?, |fixture| !fixture.differ.is_empty(), Fixture::check)
}

#[test]
fn what_is_written_is_what_the_file_gives() -> Result<(), String> {
    all_hold(
        field::all()?,
        |fixture| !fixture.differ.is_empty() && fixture.refused.is_none(),
        Fixture::check_written,
    )
}

#[test]
fn every_value_of_a_program_is_that_of_its_model() -> Result<(), String> {
    all_hold(field::all()?, |fixture| fixture.refused.is_none(), Fixture::check_layers)
}

#[test]
fn programs_with_computed_constants_give_what_is_recorded() -> Result<(), String> {
    all_hold(
        field::computed()?,
        |_| true,
        |fixture| fixture.check_written().and_then(|()| fixture.check_layers()),
    )
}
