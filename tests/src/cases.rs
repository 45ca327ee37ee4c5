//! The cases of this repository that every backend has to compute. Used by the suites `conformance` and `boards`.

use std::sync::Arc;

use crate::case::{Case, index};
use crate::{field, generate};

/// Cases that are refused, by which error and for which operator: a shared file whose weights are small floats, and one
/// that hands out the best of values with an offset of their own each, which no integer stands for.
pub const REFUSED: [(&str, &str, &str); 2] =
    [("shared::floatquant_fp8", "E0201", "FloatQuant"), ("brevitas::top_k", "E0305", "top_k")];

/// Generated networks, the classifiers of digits on so many images, and the files of other tools; those of [`REFUSED`] among them.
///
/// # Panics
/// If the fixtures of the repository are damaged.
pub fn of_repository(images: usize) -> Vec<Arc<Case>> {
    let examples = generate::examples().into_iter();
    let mut cases: Vec<Arc<Case>> = examples
        .map(|(name, network)| {
            Arc::new(Case::new(format!("generated::{name}"), move || Ok(network.source())))
        })
        .collect();
    cases.extend(["digits_mlp", "digits_cnn"].map(|name| Arc::new(Case::exported(name, images))));
    for group in ["brevitas", "standard"] {
        for fixture in index(group).expect("the list of fixtures is part of the repository") {
            let name = fixture["name"].as_str().unwrap_or_default();
            cases.push(Arc::new(Case::fixture(group, name)));
        }
    }
    let fields = field::all().expect("the fixtures are part of the repository").into_iter();
    cases.extend(fields.filter(|fixture| fixture.refused.is_none()).map(|fixture| Arc::new(fixture.case())));
    cases
}

/// Whether `case` is one of [`REFUSED`].
pub fn is_refused(case: &Case) -> bool {
    REFUSED.iter().any(|(name, ..)| case.name == *name)
}
