//! The comparison of two backends layer by layer: which ones, and its table as text.

use std::path::PathBuf;

use crate::Compiled;
use crate::batch::Batch;
use crate::container::Container;
use crate::diagnostic::Result;
use crate::reference::Reference;
use crate::trace::{
    Arrays, Backend, Exact, FirstDifference, Float, HostProgram, LayerComparison, LayerRow, compare,
};

use crate::cli::files;
use crate::cli::shell::Shell;
use crate::cli::summary::count;

/// What computed the values of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Computed {
    /// The exact reference.
    Exact,
    /// The program on this machine.
    Host,
    /// The file, read in 32-bit floats.
    Float,
    /// An archive of arrays.
    Archive(PathBuf),
}

impl Computed {
    /// For the command line. Whatever is no name of a backend is a path.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "exact" => Self::Exact,
            "host" => Self::Host,
            "float" => Self::Float,
            path if path.to_lowercase().ends_with(".npz") => Self::Archive(path.into()),
            _ => return Err("expected exact, host, float, or the path of an .npz archive".to_owned()),
        })
    }
}

/// A compiled model and the samples it runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) container: &'a Container,
    pub(crate) reference: &'a Reference<'a>,
    pub(crate) batch: &'a Batch,
}

impl<'a> Subject<'a> {
    /// `computed` for this model.
    pub(crate) fn backend(&self, computed: &Computed) -> Result<Box<dyn Backend + 'a>> {
        Ok(match computed {
            Computed::Exact => Box::new(Exact::new(self.reference, self.batch)),
            Computed::Host => Box::new(HostProgram::new(self.compiled, self.container.program(), self.batch)),
            Computed::Float => Box::new(Float::new(self.compiled, self.batch)),
            Computed::Archive(path) => {
                let name = files::name(path);
                let arrays = Arrays::new(self.compiled, &name, &files::read(path)?, self.batch.samples());
                Box::new(arrays.map_err(|report| report.in_file(&name))?)
            }
        })
    }

    /// Compares the values of two backends.
    pub(super) fn compare(
        &self,
        against: &Computed,
        with: &Computed,
        shell: &Shell,
    ) -> Result<LayerComparison> {
        let (mut against, mut with) = (self.backend(against)?, self.backend(with)?);
        let progress = shell.progress("comparing layers", self.batch.samples());
        let graph = &self.compiled.quantized;
        Ok(compare(graph, self.reference, self.batch, &mut *against, &mut *with, || progress.step()))
    }
}

/// The table of layers and the first difference.
pub(super) fn text(comparison: &LayerComparison, shell: &Shell) -> String {
    let LayerComparison { against, with, samples, .. } = comparison;
    let mut text = table(&comparison.layers);
    let compared = format!(
        "sampled: {} of {}, {against} against {with}",
        count(comparison.compared(), "value"),
        count(*samples, "sample")
    );
    text.push_str(&match comparison.differing() {
        0 => shell.green(&format!("{compared}: no difference")),
        differing => shell.red(&format!("{compared}: {} differ", count(differing as usize, "element"))),
    });
    text.push('\n');
    if let Some(first) = &comparison.first {
        text.push_str(&sentence(first, against, with));
        text.push('\n');
    }
    text
}

fn sentence(first: &FirstDifference, against: &str, with: &str) -> String {
    let FirstDifference { layer, value, sample, index, channel, .. } = first;
    let place = if layer == value { String::new() } else { format!(", value `{value}`") };
    let mut text = format!(
        "first difference: layer `{layer}`{place}, channel {channel}, element {index:?} of sample {sample}: \
         {against} {}, {with} {}",
        first.against, first.with
    );
    if ![against, with].contains(&"exact") {
        text.push_str(&format!(", exact {}", first.exact));
    }
    if let Some(accumulator) = first.accumulator {
        text.push_str(&format!("; accumulator {accumulator}"));
        match first.threshold {
            Some(threshold) => {
                let away = threshold.abs_diff(accumulator);
                text.push_str(&format!(", the code changes at {threshold}, {away} away"));
            }
            None => text.push_str(", no accumulator gives a code on that side"),
        }
    }
    text
}

fn table(layers: &[LayerRow]) -> String {
    let heads = ["layer", "op", "value", "compared", "differing", "largest"].map(str::to_owned);
    let row = |layer: &LayerRow| {
        let LayerRow { layer, op, value, elements, differing, max_difference } = layer;
        let shown = |number: &u64| if *elements == 0 { "-".to_owned() } else { number.to_string() };
        let [elements, differing, largest] = [elements, differing, max_difference].map(shown);
        [layer.clone(), (*op).to_owned(), value.clone(), elements, differing, largest]
    };
    let rows: Vec<[String; 6]> = std::iter::once(heads).chain(layers.iter().map(row)).collect();
    crate::cli::size::table(&rows, 3)
}
