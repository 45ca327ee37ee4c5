//! Attributes of operator schemas: name, kind, default, first version.

use std::fmt;

use crate::model::AttributeValue;

/// An attribute an operator may or must have.
#[derive(Debug, PartialEq)]
pub struct AttributeSchema {
    /// Name of the attribute.
    pub name: &'static str,
    /// Kind of its value.
    pub kind: AttributeKind,
    /// What holds when it is left out.
    pub default: AttributeDefault,
    /// First version of the operator set that has it.
    pub since: i64,
}

/// Kinds of attribute values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// An integer.
    Int,
    /// A number.
    Float,
    /// Text.
    String,
    /// A constant tensor.
    Tensor,
    /// Integers.
    Ints,
    /// Numbers.
    Floats,
    /// Texts.
    Strings,
}

/// What holds when an attribute is left out.
#[derive(Debug, PartialEq)]
pub enum AttributeDefault {
    /// It must not be left out.
    Required,
    /// The operator derives it, or does without.
    Derived,
    /// This integer.
    Int(i64),
    /// This number.
    Float(f32),
    /// This text.
    String(&'static str),
}

impl AttributeSchema {
    pub(super) const fn required(name: &'static str, kind: AttributeKind) -> Self {
        Self { name, kind, default: AttributeDefault::Required, since: 1 }
    }

    pub(super) const fn derived(name: &'static str, kind: AttributeKind) -> Self {
        Self { name, kind, default: AttributeDefault::Derived, since: 1 }
    }

    pub(super) const fn int(name: &'static str, default: i64) -> Self {
        Self { name, kind: AttributeKind::Int, default: AttributeDefault::Int(default), since: 1 }
    }

    pub(super) const fn float(name: &'static str, default: f32) -> Self {
        Self { name, kind: AttributeKind::Float, default: AttributeDefault::Float(default), since: 1 }
    }

    pub(super) const fn string(name: &'static str, default: &'static str) -> Self {
        Self { name, kind: AttributeKind::String, default: AttributeDefault::String(default), since: 1 }
    }

    pub(super) const fn since(mut self, version: i64) -> Self {
        self.since = version;
        self
    }
}

impl AttributeKind {
    /// The kind in words, equal to [`AttributeValue::kind`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::Tensor => "tensor",
            Self::Ints => "ints",
            Self::Floats => "floats",
            Self::Strings => "strings",
        }
    }

    /// Whether `value` is of this kind.
    pub fn holds(self, value: &AttributeValue) -> bool {
        self.name() == value.kind()
    }
}

impl fmt::Display for AttributeSchema {
    /// `group: int = 1`, `axis: int` if required, `perm: ints?` if derived.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.kind.name())?;
        match &self.default {
            AttributeDefault::Required => Ok(()),
            AttributeDefault::Derived => f.write_str("?"),
            AttributeDefault::Int(value) => write!(f, " = {value}"),
            AttributeDefault::Float(value) => write!(f, " = {value:?}"),
            AttributeDefault::String(value) => write!(f, " = {value:?}"),
        }
    }
}
