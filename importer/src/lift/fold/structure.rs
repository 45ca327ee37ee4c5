//! Known elements moved, chosen and made.

use exactum_qonnx::ElemType;

use super::super::tensor::{Numbers, Tensor};
use super::super::{moves, repeat, slices};
use super::Known;
use crate::constants::broadcast_shape;
use crate::diagnostic::{Code, Diagnostic, Location};
use exactum_host::elements::{spread, strided};

impl Known<'_, '_> {
    /// The results, if `op` only moves or makes elements.
    pub(super) fn structure(&self, op: &str) -> Result<Option<Vec<Tensor>>, Diagnostic> {
        let one = |tensor: Tensor| Ok(Some(vec![tensor]));
        match op {
            "Constant" => one(self.constant()?),
            "ConstantOfShape" => one(self.constant_of_shape()?),
            "Range" => one(self.range()?),
            "Dropout" => self.dropout(),
            "Identity" | "DebugMarker" => one(self.operand(0)?.clone()),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => {
                let x = self.operand(0)?;
                let shape = moves::target(self.context, op, &x.shape, None)?;
                if shape.iter().try_fold(1usize, |elems, size| elems.checked_mul(*size)) != Some(x.len()) {
                    let found = format!("{:?} as {shape:?}", x.shape);
                    return Err(self.context.shapes(found, "the same number of elements"));
                }
                one(Tensor { shape, ..x.clone() })
            }
            "Transpose" => {
                let x = self.operand(0)?;
                let perm = moves::perm(self.context, x.shape.len())?;
                let axes = perm.iter().map(|axis| (x.shape[*axis], x.shape[axis + 1..].iter().product()));
                let shape = perm.iter().map(|axis| x.shape[*axis]).collect();
                one(self.picked(x, shape, &strided(axes)))
            }
            "Concat" => one(self.concat()?),
            "Slice" => {
                let x = self.operand(0)?;
                let part = slices::part(self.context, &x.shape)?;
                one(self.part(x, &part))
            }
            "Split" => {
                let x = self.operand(0)?;
                let parts = slices::parts(self.context, &x.shape)?;
                Ok(Some(parts.iter().map(|part| self.part(x, part)).collect()))
            }
            "Gather" => one(self.gather()?),
            "Expand" => one(self.expand()?),
            "Tile" => one(self.tile()?),
            _ => Ok(None),
        }
    }

    /// What is dropped in training is random, unless it is nothing.
    fn dropout(&self) -> Result<Option<Vec<Tensor>>, Diagnostic> {
        let number = |index: usize| self.optional(index).and_then(Tensor::scalar);
        if number(2).is_some_and(|training| training != 0.0) && number(1) != Some(0.0) {
            return Ok(None);
        }
        let x = self.operand(0)?;
        let mask = Tensor::truths(x.shape.clone(), vec![true; x.len()]);
        // Before version 10 masks had the type of the input.
        let mask = (self.context.version >= 10).then_some(mask);
        Ok(Some(std::iter::once(x.clone()).chain(mask).collect()))
    }

    fn picked(&self, x: &Tensor, shape: Vec<usize>, indices: &[usize]) -> Tensor {
        Tensor { elem: x.elem, shape, numbers: x.numbers.pick(indices) }
    }

    fn part(&self, x: &Tensor, part: &slices::Part) -> Tensor {
        let mut indices = vec![0usize];
        for axis in 0..x.shape.len() {
            let inner: usize = x.shape[axis + 1..].iter().product();
            let at =
                |i: usize| part.starts[axis].saturating_add_signed(part.steps[axis] * i as isize) * inner;
            indices =
                indices.iter().flat_map(|base| (0..part.sizes[axis]).map(move |i| base + at(i))).collect();
        }
        self.picked(x, part.sizes.clone(), &indices)
    }

    fn constant(&self) -> Result<Tensor, Diagnostic> {
        let constant = self.context.node.constant();
        let constant = constant
            .ok_or_else(|| self.context.form("", "a constant without numbers", "a tensor of numbers"))?;
        Tensor::read(&constant, &self.context.at)
    }

    fn constant_of_shape(&self) -> Result<Tensor, Diagnostic> {
        let sizes = self.context.ints(0)?;
        let shape: Option<Vec<usize>> = sizes.iter().map(|size| usize::try_from(*size).ok()).collect();
        let Some(shape) = shape else {
            return Err(self.context.shapes(format!("{sizes:?}"), "sizes of 0 or more"));
        };
        let shape = self.sized(shape)?;
        let value = match self.context.node.tensor("value") {
            Some(tensor) => Tensor::read(tensor, &Location::part("attribute \"value\""))?,
            None => Tensor { elem: ElemType::F32, shape: vec![1], numbers: Numbers::Real(vec![0.0]) },
        };
        if value.len() != 1 {
            return Err(self.context.attribute("value", format!("{} elements", value.len()), "one element"));
        }
        let elems = if shape.contains(&0) { 0 } else { shape.iter().product() };
        Ok(self.picked(&value, shape, &vec![0; elems]))
    }

    fn range(&self) -> Result<Tensor, Diagnostic> {
        let (start, limit, delta) = (self.operand(0)?, self.operand(1)?, self.operand(2)?);
        let (Some(first), Some(last), Some(step)) = (start.scalar(), limit.scalar(), delta.scalar()) else {
            return Err(self.context.form("", "several numbers for one", "one number for each input"));
        };
        let count = ((last - first) / step).ceil().max(0.0);
        if !count.is_finite() {
            let found = format!("{first} to {last} in steps of {step}");
            return Err(self.context.form("", found, "a finite range"));
        }
        let shape = self.sized(vec![count as usize])?;
        let numbers = match (start.as_ints(), delta.as_ints()) {
            (Some([first]), Some([step])) => {
                let at = |i: usize| first.checked_add(step.checked_mul(i as i64)?);
                let values: Option<Vec<i64>> = (0..shape[0]).map(at).collect();
                values.map(Numbers::Int)
            }
            _ => Some(Numbers::Real((0..shape[0]).map(|i| first + step * i as f64).collect())),
        };
        let Some(numbers) = numbers else {
            return Err(self.context.problem(
                Code::BadTensor,
                "",
                "integers beyond 64 bits",
                "64-bit integers",
            ));
        };
        Ok(match numbers {
            Numbers::Real(values) => Tensor::real(start.elem, shape, values),
            numbers => Tensor { elem: start.elem, shape, numbers },
        })
    }

    fn concat(&self) -> Result<Tensor, Diagnostic> {
        let first = self.operand(0)?;
        let rank = first.shape.len();
        let axis = self.context.axis(self.context.node.int("axis").unwrap_or(0), rank)?;
        let mut shape = first.shape.clone();
        shape[axis] = 0;
        let mut parts = vec![];
        for index in 0..self.operands.len() {
            let part = self.operand(index)?;
            let fits = part.shape.len() == rank && (0..rank).all(|i| i == axis || part.shape[i] == shape[i]);
            let same = part.as_ints().is_some() == first.as_ints().is_some();
            if !fits || !same {
                let found = format!("{} {:?} after {} {:?}", part.elem, part.shape, first.elem, first.shape);
                return Err(self.context.shapes(found, "equal types, and equal sizes but along the axis"));
            }
            shape[axis] += part.shape[axis];
            parts.push(part);
        }
        let shape = self.sized(shape)?;
        let inner: usize = shape[axis + 1..].iter().product();
        let outer: usize = shape[..axis].iter().product();
        fn join<T: Copy>(parts: &[(&[T], usize)], outer: usize) -> Vec<T> {
            let rows =
                (0..outer).flat_map(|row| parts.iter().map(move |(part, size)| &part[row * size..][..*size]));
            rows.flatten().copied().collect()
        }
        let sizes: Vec<usize> = parts.iter().map(|part| part.shape[axis] * inner).collect();
        let numbers = match &first.numbers {
            Numbers::Int(_) => {
                let parts: Vec<_> = parts
                    .iter()
                    .zip(&sizes)
                    .map(|(part, size)| (part.as_ints().unwrap_or_default(), *size))
                    .collect();
                Numbers::Int(join(&parts, outer))
            }
            Numbers::Real(_) => {
                let parts: Vec<_> = parts
                    .iter()
                    .zip(&sizes)
                    .map(|(part, size)| match &part.numbers {
                        Numbers::Real(values) => (values.as_slice(), *size),
                        Numbers::Int(_) => (&[][..], 0),
                    })
                    .collect();
                Numbers::Real(join(&parts, outer))
            }
        };
        Ok(Tensor { elem: first.elem, shape, numbers })
    }

    fn gather(&self) -> Result<Tensor, Diagnostic> {
        let x = self.operand(0)?;
        let gather = slices::Gather::read(self.context, &x.shape)?;
        let inner: usize = x.shape[gather.axis + 1..].iter().product();
        let outer: usize = x.shape[..gather.axis].iter().product();
        let shape = self.sized(gather.shape(&x.shape))?;
        let row = x.shape[gather.axis] * inner;
        let indices: Vec<usize> = (0..outer)
            .flat_map(|o| gather.indices.iter().map(move |index| o * row + index * inner))
            .flat_map(|base| base..base + inner)
            .collect();
        Ok(self.picked(x, shape, &indices))
    }

    fn expand(&self) -> Result<Tensor, Diagnostic> {
        let x = self.operand(0)?;
        let sizes = self.context.ints(1)?;
        let shape: Option<Vec<usize>> = sizes.iter().map(|size| usize::try_from(*size).ok()).collect();
        let Some(shape) = shape else {
            return Err(self.context.shapes(format!("{sizes:?}"), "sizes of 0 or more"));
        };
        let shape = broadcast_shape(&[&x.shape, &shape]).map_err(|problem| self.refused(problem))?;
        let shape = self.sized(shape)?;
        Ok(self.picked(x, shape.clone(), &spread(&x.shape, &shape)))
    }

    fn tile(&self) -> Result<Tensor, Diagnostic> {
        let x = self.operand(0)?;
        let repeats = repeat::repeats(self.context, x.shape.len())?;
        let shape: Option<Vec<usize>> =
            x.shape.iter().zip(&repeats).map(|(size, count)| size.checked_mul(*count)).collect();
        let shape = self.sized(shape.unwrap_or_else(|| vec![usize::MAX]))?;
        let mut indices = vec![0];
        for (axis, (size, all)) in x.shape.iter().zip(&shape).enumerate() {
            let inner: usize = x.shape[axis + 1..].iter().product();
            indices = indices
                .iter()
                .flat_map(|base: &usize| (0..*all).map(move |i| base + i % (*size).max(1) * inner))
                .collect();
        }
        Ok(self.picked(x, shape, &indices))
    }
}
