//! Sizes of axes that a file leaves open, given beside the model.
//!
//! A network is compiled for one size of its input. Where a file names an axis (`height`) or leaves it open, an
//! [`AxisSize`] or an [`InputShape`] says what it is; [`apply`] writes it into the model, so that every stage sees one
//! model. The command line's `--dim` and `--input-shape` use it.

use std::str::FromStr;

use exactum_qonnx::{Dim, Model, ValueInfo};

use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};

/// The size of every axis of one name: `NAME=SIZE`, such as `height=32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisSize {
    /// Name of the axis in the file.
    pub name: String,
    /// Elements along it; positive.
    pub size: usize,
}

/// The shape of one input: `NAME=SIZE,SIZE,...`, such as `image=1,3,32,32`. The first size counts the samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputShape {
    /// Name of the input in the file.
    pub name: String,
    /// Elements along each axis; positive.
    pub shape: Vec<usize>,
}

impl FromStr for AxisSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, size) =
            text.rsplit_once('=').ok_or_else(|| format!("{text:?} is not NAME=SIZE, such as height=32"))?;
        Ok(Self { name: name.to_owned(), size: positive(size)? })
    }
}

impl FromStr for InputShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, sizes) = text
            .rsplit_once('=')
            .ok_or_else(|| format!("{text:?} is not NAME=SIZE,SIZE,..., such as image=1,3,32,32"))?;
        let shape = sizes.split([',', 'x']).map(positive).collect::<Result<_, _>>()?;
        Ok(Self { name: name.to_owned(), shape })
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(size) if size > 0 => Ok(size),
        _ => Err(format!("{text:?} is no size, which is an integer from 1")),
    }
}

/// Writes the sizes into `model`.
///
/// # Errors
/// [`Code::BadInput`] if the model has no axis or input of a name, [`Code::ShapeMismatch`] if it says another size.
pub fn apply(model: &mut Model, axes: &[AxisSize], shapes: &[InputShape]) -> Result<()> {
    let mut problems = vec![];
    for AxisSize { name, size } in axes {
        if let Err(problem) = name_axes(model, name, *size) {
            problems.push(problem);
        }
    }
    for shape in shapes {
        if let Err(problem) = shape_input(model, shape) {
            problems.push(problem);
        }
    }
    Report::check(problems, ())
}

/// Gives every axis called `name` the size `size`.
fn name_axes(model: &mut Model, name: &str, size: usize) -> Result<(), Diagnostic> {
    let graph = &model.graph;
    let mut known: Vec<&str> = vec![];
    for dim in graph.inputs.iter().flat_map(|input| input.shape.iter().flatten()) {
        if let Dim::Symbol(symbol) = dim
            && !known.contains(&symbol.as_str())
        {
            known.push(symbol);
        }
    }
    if !known.contains(&name) {
        let needed = match known.as_slice() {
            [] => "no `--dim`: the inputs of the model have no named axis".to_owned(),
            known => format!("a named axis of the model's inputs: {}", known.join(", ")),
        };
        let at = Location::part(format!("axis `{name}`"));
        return Err(Diagnostic::new(Code::BadInput, at, "no axis of that name", needed));
    }
    for dim in dims(model) {
        if matches!(dim, Dim::Symbol(symbol) if symbol == name) {
            *dim = Dim::Known(size);
        }
    }
    Ok(())
}

/// Gives the axes of one input, but that of the samples, the sizes of `wanted`.
fn shape_input(model: &mut Model, wanted: &InputShape) -> Result<(), Diagnostic> {
    let InputShape { name, shape } = wanted;
    let at = || Location::part(format!("input `{name}`"));
    let names: Vec<String> = model.graph.real_inputs().iter().map(|input| input.name.clone()).collect();
    if !names.contains(name) {
        let needed = format!("an input of the model: {}", names.join(", "));
        return Err(Diagnostic::new(Code::BadInput, at(), "no input of that name", needed));
    }
    let Some(input) = model.graph.inputs.iter_mut().find(|input| input.name == *name) else { return Ok(()) };
    let stated =
        input.shape.get_or_insert_with(|| shape.iter().map(|_| Dim::Unknown).collect::<Vec<Dim>>()).clone();
    let fits = |(dim, size): (&Dim, &usize)| !matches!(dim, Dim::Known(known) if known != size);
    let batch = stated.len().min(1);
    if stated.len() != shape.len() || !stated.iter().zip(shape).skip(batch).all(fits) {
        let stated: Vec<String> = stated.iter().map(ToString::to_string).collect();
        let found = format!("--input-shape of {shape:?}");
        let needed = format!("sizes that the file leaves open in [{}]", stated.join(", "));
        return Err(Diagnostic::new(Code::ShapeMismatch, at(), found, needed));
    }
    for (axis, (dim, size)) in stated.iter().zip(shape).enumerate().skip(batch) {
        match dim {
            // The same axis elsewhere has the same size.
            Dim::Symbol(symbol) => name_axes(model, symbol, *size)?,
            _ => {
                let input = model.graph.inputs.iter_mut().find(|input| input.name == *name);
                if let Some(dim) =
                    input.and_then(|input| input.shape.as_mut()).and_then(|dims| dims.get_mut(axis))
                {
                    *dim = Dim::Known(*size);
                }
            }
        }
    }
    Ok(())
}

/// Every dimension that the model states.
fn dims(model: &mut Model) -> impl Iterator<Item = &mut Dim> {
    let graph = &mut model.graph;
    let values = graph.inputs.iter_mut().chain(&mut graph.outputs).chain(&mut graph.value_info);
    values.flat_map(|ValueInfo { shape, .. }| shape.iter_mut().flatten())
}

/// What to type for the sizes that `input` leaves open, with 32 as an example.
pub(crate) fn advice(input: &ValueInfo) -> String {
    const EXAMPLE: usize = 32;
    let dims = input.shape.as_deref().unwrap_or_default();
    let open = || dims.iter().skip(1).filter(|dim| !matches!(dim, Dim::Known(size) if *size > 0));
    let symbols: Option<Vec<&str>> = open()
        .map(|dim| match dim {
            Dim::Symbol(symbol) => Some(symbol.as_str()),
            _ => None,
        })
        .collect();
    let options = match symbols {
        Some(mut symbols) => {
            symbols.sort_unstable();
            symbols.dedup();
            symbols.iter().map(|symbol| format!("--dim {symbol}={EXAMPLE}")).collect::<Vec<_>>().join(" ")
        }
        None => {
            let size = |dim: &Dim| match dim {
                Dim::Known(size) if *size > 0 => size.to_string(),
                _ => EXAMPLE.to_string(),
            };
            let sizes = std::iter::once("1".to_owned()).chain(dims.iter().skip(1).map(size));
            format!("--input-shape {}={}", input.name, sizes.collect::<Vec<_>>().join(","))
        }
    };
    format!("say the size that it will run on, such as `{options}`, or export the model with that size")
}

#[cfg(test)]
mod tests {
    use super::*;
    use exactum_qonnx::{ElemType, Graph};

    fn model() -> Model {
        let symbol = |name: &str| Dim::Symbol(name.to_owned());
        let mut graph = Graph::new("g");
        let dims = vec![symbol("n"), Dim::Known(3), symbol("h"), symbol("w")];
        graph.inputs.push(ValueInfo::with_dims("x", ElemType::F32, dims));
        graph.inputs.push(ValueInfo::with_dims(
            "z",
            ElemType::F32,
            vec![symbol("n"), symbol("h"), Dim::Unknown],
        ));
        graph.inputs.push(ValueInfo { name: "any".to_owned(), ..ValueInfo::default() });
        Model::new(graph)
    }

    fn shape(model: &Model, input: usize) -> String {
        let dims = model.graph.inputs[input].shape.iter().flatten();
        dims.map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn a_named_axis_has_one_size_everywhere() {
        let mut named = model();
        apply(&mut named, &["h=8".parse().unwrap()], &["x=1,3,8,6".parse().unwrap()]).unwrap();
        assert_eq!((shape(&named, 0).as_str(), shape(&named, 1).as_str()), ("n,3,8,6", "n,8,?"));
        let mut shaped = model();
        let shapes = ["x=5,3,8,6", "z=1,8,2", "any=1,4"].map(|text| text.parse().unwrap());
        apply(&mut shaped, &[], &shapes).unwrap();
        assert_eq!(shape(&shaped, 0), "n,3,8,6");
        assert_eq!((shape(&shaped, 1).as_str(), shape(&shaped, 2).as_str()), ("n,8,2", "?,4"));
    }

    #[test]
    fn what_the_file_says_stays() {
        let refused = |axes: &[&str], shapes: &[&str]| {
            let axes: Vec<AxisSize> = axes.iter().map(|text| text.parse().unwrap()).collect();
            let shapes: Vec<InputShape> = shapes.iter().map(|text| text.parse().unwrap()).collect();
            apply(&mut model(), &axes, &shapes).unwrap_err().diagnostics()[0].code
        };
        assert_eq!(refused(&["c=8"], &[]), Code::BadInput);
        assert_eq!(refused(&[], &["y=1,3,8,8"]), Code::BadInput);
        assert_eq!(refused(&[], &["x=1,4,8,8"]), Code::ShapeMismatch);
        assert_eq!(refused(&[], &["x=1,3,8"]), Code::ShapeMismatch);
        assert_eq!(refused(&["h=8"], &["x=1,3,9,8"]), Code::ShapeMismatch);
        for bad in ["h", "h=", "h=0", "h=-1", "h=3.5"] {
            assert!(bad.parse::<AxisSize>().is_err() && bad.parse::<InputShape>().is_err(), "{bad}");
        }
    }
}
