//! Samples for the inputs of a program, from `.npy` and `.npz` files, in the order of the inputs or by their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::batch::{Batch, Host};
use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::interface::{Interface, Port};
use exactum_host::npy::{self, Array};
use exactum_host::npz;
use exactum_qonnx::FileKind;

use super::files;
use super::shell::{Shell, label};

/// Samples in which the ends of ranges are counted.
const WATCHED_SAMPLES: usize = 64;

/// Codes of a range whose ends are most of it.
const FEW_CODES: i64 = 8;

/// Arrays that the arguments name, before they are put in the order of the inputs.
#[derive(Default)]
struct Given {
    named: BTreeMap<String, Array>,
    ordered: Vec<Array>,
}

/// The samples in the files of `arguments` for the inputs of `container`. An argument is a path, for the next input or
/// for those an archive names, or `NAME=PATH`.
pub(super) fn batch(container: &Container, arguments: &[PathBuf], shell: &Shell) -> Result<Batch> {
    let batch = samples_of(container.interface(), arguments)?;
    saturation(container, &batch).iter().for_each(|warning| shell.status(warning));
    Ok(batch)
}

/// So many `samples` with codes from all over the range of each input.
pub(super) fn spread(container: &Container, samples: usize) -> Result<Batch> {
    let arrays = container.interface().read_inputs().into_iter().map(|port| {
        let span = (port.range.hi - port.range.lo).unsigned_abs().max(1);
        let code = |index: usize| port.range.lo + (index as u64 * 37 % (span + 1)) as i64;
        let elems = port.elems().max(1);
        let value = |index: usize| f64::from(port.real(index % elems, code(index)) as f32);
        let shape = std::iter::once(samples).chain(port.sample_shape().iter().copied()).collect();
        Array { shape, values: (0..elems * samples).map(value).collect() }
    });
    Batch::new(container.interface(), &arrays.collect::<Vec<_>>())
}

/// The samples in the files of `arguments` for `interface`.
pub(super) fn samples_of(interface: &Interface, arguments: &[PathBuf]) -> Result<Batch> {
    let mut given = Given::default();
    for argument in arguments {
        let (name, path) = split(interface, argument);
        let bytes = files::read(path)?;
        given.add(interface, name, &bytes).map_err(|report| report.in_file(&files::name(path)))?;
    }
    let batch = given.arrays(interface).and_then(|arrays| Batch::new(interface, &arrays));
    batch.map_err(|report| report.in_file(&files::names(arguments)))
}

/// Every path that an argument can stand for, where the names of the inputs are not known yet.
pub(super) fn paths(arguments: &[PathBuf]) -> Vec<PathBuf> {
    let named = |argument: &PathBuf| -> Vec<PathBuf> {
        let text = argument.to_str().filter(|_| !argument.exists()).unwrap_or_default();
        let behind = text.match_indices('=').map(|(at, _)| PathBuf::from(&text[at + 1..]));
        std::iter::once(argument.clone()).chain(behind).collect()
    };
    arguments.iter().flat_map(named).collect()
}

/// The name and the path in an argument. What is a file as a whole is no name.
fn split<'a>(interface: &Interface, argument: &'a Path) -> (Option<&'a str>, &'a Path) {
    let whole = (None, argument);
    let Some(text) = argument.to_str().filter(|_| !argument.exists()) else { return whole };
    let mut splits = text.match_indices('=').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let named = splits.find(|(name, _)| interface.input_names.iter().any(|known| known == name));
    named.map_or(whole, |(name, path)| (Some(name), Path::new(path)))
}

impl Given {
    fn add(&mut self, interface: &Interface, name: Option<&str>, bytes: &[u8]) -> Result<()> {
        let is_archive = bytes.starts_with(b"PK") && FileKind::of(bytes) != Some(FileKind::PyTorch);
        match name {
            Some(name) => self.put(name, npy::read(bytes)?),
            None if is_archive => self.add_archive(interface, bytes),
            None => {
                self.ordered.push(npy::read(bytes)?);
                Ok(())
            }
        }
    }

    fn put(&mut self, name: &str, array: Array) -> Result<()> {
        match self.named.insert(name.to_owned(), array) {
            None => Ok(()),
            Some(_) => {
                let at = Location::part(format!("input `{name}`"));
                Err(Diagnostic::new(Code::BadInput, at, "a second array", "one array for each input").into())
            }
        }
    }

    fn add_archive(&mut self, interface: &Interface, bytes: &[u8]) -> Result<()> {
        let names = npz::names(bytes)?;
        // `numpy.savez(file, a, b)` without names.
        let unnamed = |name: &str| interface.input_names.iter().all(|known| known != name);
        let numbered: Vec<String> = (0..names.len()).map(|index| format!("arr_{index}")).collect();
        let is_list = !names.is_empty() && numbered.iter().all(|name| names.contains(name) && unnamed(name));
        if !is_list && let Some(other) = names.iter().find(|name| unnamed(name)) {
            let at = Location::part(format!("array `{other}`"));
            let needed = format!("names of the model's inputs: {}", listed(&interface.input_names));
            return Err(Diagnostic::new(Code::BadInput, at, "no input of that name", needed).into());
        }
        let mut arrays = npz::read(bytes, |_| true)?;
        if is_list {
            self.ordered
                .extend(numbered.iter().filter_map(|name| arrays.remove(name)).map(|entry| entry.array));
            return Ok(());
        }
        arrays.into_iter().try_for_each(|(name, entry)| self.put(&name, entry.array))
    }

    /// An array for each input that is read. Arrays without a name are for the inputs that have none yet: all of the
    /// file, or those that are read.
    fn arrays(mut self, interface: &Interface) -> Result<Vec<Array>> {
        let count = self.named.len() + self.ordered.len();
        let read: Vec<&str> = interface.read_inputs().into_iter().map(|port| port.name.as_str()).collect();
        let free = |names: Vec<&str>| -> Vec<String> {
            names.into_iter().filter(|name| !self.named.contains_key(*name)).map(str::to_owned).collect()
        };
        let read_free = free(read.clone());
        let all_free = free(interface.input_names.iter().map(String::as_str).collect());
        let names = [read_free, all_free].into_iter().find(|names| names.len() == self.ordered.len());
        let needed = || {
            let unread = match interface.unread_inputs().as_slice() {
                [] => String::new(),
                names => format!("; nothing reads {}", listed(names)),
            };
            format!("{}, one for each input of the model: {}{unread}", read.len(), listed(&read))
        };
        let Some(names) = names else {
            let found = format!("{count} arrays");
            return Err(Diagnostic::new(Code::BadInput, Location::part("inputs"), found, needed()).into());
        };
        self.named.extend(names.into_iter().zip(self.ordered));
        read.iter()
            .map(|name| {
                self.named.remove(*name).ok_or_else(|| {
                    let at = Location::part(format!("input `{name}`"));
                    Diagnostic::new(Code::BadInput, at, "no array", needed()).into()
                })
            })
            .collect()
    }
}

fn listed<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A line for each input nearly all of whose numbers lie beyond the range of its codes, as raw pixels do where a model
/// was trained on numbers from 0 to 1.
fn saturation(container: &Container, batch: &Batch) -> Vec<String> {
    let interface = container.interface();
    let mut host = Host::new(container.program());
    let mut counts = vec![Ends::default(); interface.inputs.len()];
    for index in 0..batch.samples().min(WATCHED_SAMPLES) {
        let sample = batch.sample(index);
        let codes = host.input_codes(&sample);
        for (((port, count), values), codes) in
            interface.inputs.iter().zip(&mut counts).zip(sample).zip(codes)
        {
            count.add(values, &port.of_stored(&codes), [port.range.lo, port.range.hi]);
        }
    }
    let warning = |(port, ends): (&Port, &Ends)| {
        let [least, most] = ends.seen;
        ends.is_saturated().then(|| {
            format!(
                "warning: {} % of the numbers for `{}`, {least} to {most}, are at the ends of its range: the model was \
                 made for others, such as those divided by 255",
                100 * ends.at_ends / ends.all.max(1),
                label(&port.name)
            )
        })
    };
    let wide = |port: &Port| port.range.hi - port.range.lo > FEW_CODES;
    let counted = interface.inputs.iter().zip(&counts).filter(|(port, _)| wide(port));
    counted.filter_map(warning).collect()
}

/// How many numbers became the least or the greatest code.
#[derive(Clone, Debug)]
struct Ends {
    all: usize,
    at_ends: usize,
    seen: [f32; 2],
    /// The first number at each end, and whether another one is there as well.
    first: [Option<f32>; 2],
    merged: bool,
}

impl Default for Ends {
    fn default() -> Self {
        let seen = [f32::INFINITY, f32::NEG_INFINITY];
        Self { all: 0, at_ends: 0, seen, first: [None; 2], merged: false }
    }
}

impl Ends {
    fn add(&mut self, values: &[f32], codes: &[i32], ends: [i64; 2]) {
        for (value, code) in values.iter().zip(codes) {
            self.all += 1;
            self.seen = [self.seen[0].min(*value), self.seen[1].max(*value)];
            if let Some(end) = ends.iter().position(|end| *end == i64::from(*code)) {
                self.at_ends += 1;
                self.merged |= *self.first[end].get_or_insert(*value) != *value;
            }
        }
    }

    /// More than nine in ten at the ends, and different numbers among them: not pictures of two colours.
    fn is_saturated(&self) -> bool {
        self.merged && self.at_ends * 10 > self.all * 9
    }
}
