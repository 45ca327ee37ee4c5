//! Recurrent cells whose states are bound, beside the oracle, which is given each state by hand. Used by the suite `streaming`.

use exactum_importer::target::Target;
use exactum_importer::{Keeping, Request, compile_as};

use crate::case::{Case, Made, Source};
use crate::generate::Cell;
use crate::oracle::Oracle;

/// The program of `cell` with its states bound, `steps` of a signal as samples, and what the oracle gives for them.
///
/// # Errors
/// If the cell has no program, or the oracle no values.
pub fn bound(cell: &Cell, steps: usize) -> Result<Made, String> {
    let text = |report: exactum_importer::diagnostic::Report| report.to_string();
    let keeping = Keeping::Bound(cell.states.clone());
    let target = Target::portable();
    let request = Request { keeping, ..Request::new(&target) };
    let compiled = compile_as(&cell.model, &request).map_err(text)?;
    let oracle = Oracle::new(&cell.model).map_err(|error| error.to_string())?;
    let mut states = vec![0.0f32; cell.states.len() * cell.sizes[1]];
    let mut samples = vec![];
    for x in cell.signal(steps) {
        let sample: Vec<f32> = x.into_iter().chain(states).collect();
        let next = oracle.run(&sample).map_err(|error| error.to_string())?;
        // A code times its scale, rounded, is nearer to that code than to any other.
        let float = |value: num_rational::BigRational| {
            num_traits::ToPrimitive::to_f64(&value).unwrap_or(f64::NAN) as f32
        };
        states = next.iter().flat_map(|output| output.value.rationals()).map(float).collect();
        samples.push(sample);
    }
    let source = Source { model: cell.model.clone(), samples };
    let alone = source.clone();
    let alone = Case::new("cell", move || Ok(alone.clone()));
    let Made { exact, expected, .. } = alone.made()?;
    Ok(Made { source, compiled, exact: exact.clone(), expected: expected.clone(), order: None })
}
