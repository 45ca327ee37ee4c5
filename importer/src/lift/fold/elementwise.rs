//! Arithmetic on known elements.

use exactum_qonnx::ElemType;

use super::super::tensor::{Numbers, Tensor};
use super::Known;
use crate::diagnostic::{Code, Diagnostic};

/// A function of two numbers, for floats and for integers.
type Binary = (fn(f64, f64) -> f64, fn(i64, i64) -> Option<i64>);

/// A function of one number.
type Unary = fn(f64) -> f64;

fn binary(op: &str) -> Option<Binary> {
    Some(match op {
        "Add" | "Sum" => (|a, b| a + b, i64::checked_add),
        "Sub" => (|a, b| a - b, i64::checked_sub),
        "Mul" => (|a, b| a * b, i64::checked_mul),
        // Integers are divided towards zero.
        "Div" => (|a, b| a / b, i64::checked_div),
        "Pow" => (f64::powf, |a, b| a.checked_pow(u32::try_from(b).ok()?)),
        "Min" => (|a, b| if a.is_nan() || a < b { a } else { b }, |a, b| Some(a.min(b))),
        "Max" => (|a, b| if a.is_nan() || a > b { a } else { b }, |a, b| Some(a.max(b))),
        _ => return None,
    })
}

fn unary(op: &str) -> Option<Unary> {
    Some(match op {
        "Ceil" => f64::ceil,
        "Floor" => f64::floor,
        "Round" => f64::round_ties_even,
        "Sqrt" => f64::sqrt,
        "Exp" => f64::exp,
        "Log" => f64::ln,
        "Relu" => |x| if x < 0.0 { 0.0 } else { x },
        _ => return None,
    })
}

impl Known<'_, '_> {
    /// The result, if `op` is elementwise.
    pub(super) fn elementwise(&self, op: &str) -> Result<Option<Tensor>, Diagnostic> {
        if let Some(function) = binary(op) {
            let mut result = self.operand(0)?.clone();
            for index in 1..self.operands.len() {
                result = self.combine(&result, self.operand(index)?, function)?;
            }
            return Ok(Some(result));
        }
        if let Some(function) = unary(op) {
            let x = self.operand(0)?;
            let Numbers::Real(values) = &x.numbers else {
                if op == "Relu" {
                    return self.whole(x, |value| Some(value.max(0))).map(Some);
                }
                return Err(self.problem(x, "floats"));
            };
            let numbers = Numbers::Real(values.iter().map(|value| function(*value)).collect());
            return Ok(Some(Self::result(x, x.shape.clone(), numbers)));
        }
        Ok(Some(match op {
            "Neg" => self.signed(self.operand(0)?, |x| -x, i64::checked_neg)?,
            "Abs" => self.signed(self.operand(0)?, f64::abs, i64::checked_abs)?,
            "Clip" => self.clip()?,
            "Equal" => self.equal()?,
            "Where" => self.choose()?,
            "Cast" => self.cast()?,
            _ => return Ok(None),
        }))
    }

    fn problem(&self, tensor: &Tensor, needed: &str) -> Diagnostic {
        self.context.problem(Code::BadTensor, "", format!("elements of type {}", tensor.elem), needed)
    }

    fn whole(&self, x: &Tensor, function: impl Fn(i64) -> Option<i64>) -> Result<Tensor, Diagnostic> {
        let values = x.as_ints().unwrap_or_default();
        let results: Option<Vec<i64>> = values.iter().map(|value| function(*value)).collect();
        let Some(results) = results else { return Err(self.overflow()) };
        Ok(Tensor { elem: x.elem, shape: x.shape.clone(), numbers: Numbers::Int(results) })
    }

    fn overflow(&self) -> Diagnostic {
        let needed = "integers of 64 bits, and no division by zero";
        self.context.problem(Code::BadTensor, "", "integer arithmetic without a result", needed)
    }

    fn signed(
        &self,
        x: &Tensor,
        real: fn(f64) -> f64,
        integer: fn(i64) -> Option<i64>,
    ) -> Result<Tensor, Diagnostic> {
        match &x.numbers {
            Numbers::Int(_) => self.whole(x, integer),
            Numbers::Real(values) => {
                let numbers = Numbers::Real(values.iter().map(|value| real(*value)).collect());
                Ok(Self::result(x, x.shape.clone(), numbers))
            }
        }
    }

    fn combine(&self, a: &Tensor, b: &Tensor, (real, integer): Binary) -> Result<Tensor, Diagnostic> {
        let (shape, indices) = self.broadcast(&[a, b])?;
        let pairs = indices[0].iter().zip(&indices[1]);
        let numbers = match (&a.numbers, &b.numbers) {
            (Numbers::Int(left), Numbers::Int(right)) => {
                let results: Option<Vec<i64>> = pairs.map(|(i, j)| integer(left[*i], right[*j])).collect();
                Numbers::Int(results.ok_or_else(|| self.overflow())?)
            }
            (left, right) => {
                let (left, right) = (left.reals(), right.reals());
                Numbers::Real(pairs.map(|(i, j)| real(left[*i], right[*j])).collect())
            }
        };
        // Powers may have an integer exponent.
        let like = if a.as_ints().is_some() && b.as_ints().is_none() { b } else { a };
        Ok(Self::result(like, shape, numbers))
    }

    fn clip(&self) -> Result<Tensor, Diagnostic> {
        let x = self.operand(0)?;
        let bound = |index: usize, name: &str| match self.optional(index) {
            Some(tensor) => tensor.scalar().map(Some).ok_or_else(|| self.problem(tensor, "one number")),
            None => Ok(self.context.node.float(name).map(f64::from)),
        };
        let (lo, hi) = (bound(1, "min")?, bound(2, "max")?);
        let limit = |value: f64| {
            let raised = lo.map_or(value, |lo| if value < lo { lo } else { value });
            hi.map_or(raised, |hi| if raised > hi { hi } else { raised })
        };
        match &x.numbers {
            Numbers::Real(values) => {
                let numbers = Numbers::Real(values.iter().map(|value| limit(*value)).collect());
                Ok(Self::result(x, x.shape.clone(), numbers))
            }
            Numbers::Int(_) => self.whole(x, |value| Some(limit(value as f64) as i64)),
        }
    }

    fn equal(&self) -> Result<Tensor, Diagnostic> {
        let (a, b) = (self.operand(0)?, self.operand(1)?);
        let (shape, indices) = self.broadcast(&[a, b])?;
        let pairs = indices[0].iter().zip(&indices[1]);
        let equal: Vec<i64> = match (&a.numbers, &b.numbers) {
            (Numbers::Int(a), Numbers::Int(b)) => pairs.map(|(i, j)| i64::from(a[*i] == b[*j])).collect(),
            (a, b) => {
                let (a, b) = (a.reals(), b.reals());
                pairs.map(|(i, j)| i64::from(a[*i] == b[*j])).collect()
            }
        };
        Ok(Tensor { elem: ElemType::Bool, shape, numbers: Numbers::Int(equal) })
    }

    fn choose(&self) -> Result<Tensor, Diagnostic> {
        let (condition, x, y) = (self.operand(0)?, self.operand(1)?, self.operand(2)?);
        let Some(holds) = condition.as_ints() else { return Err(self.problem(condition, "truth values")) };
        let (shape, indices) = self.broadcast(&[condition, x, y])?;
        let choices = indices[0].iter().enumerate().map(|(at, index)| (holds[*index] != 0, at));
        let numbers = match (&x.numbers, &y.numbers) {
            (Numbers::Int(x), Numbers::Int(y)) => {
                let pick =
                    |(left, at): (bool, usize)| if left { x[indices[1][at]] } else { y[indices[2][at]] };
                Numbers::Int(choices.map(pick).collect())
            }
            (x, y) => {
                let (x, y) = (x.reals(), y.reals());
                let pick =
                    |(left, at): (bool, usize)| if left { x[indices[1][at]] } else { y[indices[2][at]] };
                Numbers::Real(choices.map(pick).collect())
            }
        };
        Ok(Self::result(x, shape, numbers))
    }

    fn cast(&self) -> Result<Tensor, Diagnostic> {
        let x = self.operand(0)?;
        let code = self.context.node.int("to").and_then(|code| i32::try_from(code).ok());
        let elem = code.and_then(ElemType::from_code).unwrap_or_default();
        let limits = match elem {
            ElemType::F32 | ElemType::F64 => {
                let numbers = Numbers::Real(x.numbers.reals());
                let like = Tensor { elem, shape: vec![], numbers: Numbers::Int(vec![]) };
                return Ok(Self::result(&like, x.shape.clone(), numbers));
            }
            ElemType::Bool => {
                let truths = x.numbers.reals().iter().map(|value| i64::from(*value != 0.0)).collect();
                return Ok(Tensor { elem, shape: x.shape.clone(), numbers: Numbers::Int(truths) });
            }
            ElemType::I64 | ElemType::U64 => (i64::MIN, i64::MAX),
            ElemType::U32 => (0, i64::from(u32::MAX)),
            elem => match super::super::inputs::integer_type(elem) {
                Some(int) => (int.min(), int.max()),
                None => {
                    let needed = "float32, float64, or an integer type";
                    return Err(self.context.attribute("to", elem.to_string(), needed));
                }
            },
        };
        let whole = |value: f64| {
            let inside = value >= limits.0 as f64 && value <= limits.1 as f64;
            inside.then(|| value.trunc() as i64)
        };
        let values: Option<Vec<i64>> = match &x.numbers {
            Numbers::Int(values) => {
                values.iter().map(|value| (limits.0..=limits.1).contains(value).then_some(*value)).collect()
            }
            Numbers::Real(values) => values.iter().map(|value| whole(*value)).collect(),
        };
        let Some(values) = values else {
            let found = format!("constants that no {elem} holds");
            return Err(self.context.problem(Code::BadTensor, "", found, "numbers within the type"));
        };
        Ok(Tensor { elem, shape: x.shape.clone(), numbers: Numbers::Int(values) })
    }
}
