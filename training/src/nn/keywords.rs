//! A definition on its way into a layer, with the keywords that override it. Builders of layers declare theirs by
//! [`quantizer_keywords`].

/// A change of a definition.
type Change<T> = Box<dyn FnOnce(&mut T)>;

/// A definition, or none, and changes that are made when the layer is built, so that they beat the definition whatever
/// the order of the calls.
pub(in crate::nn) struct Keywords<T> {
    definition: Option<T>,
    changes: Vec<Change<T>>,
}

impl<T> Keywords<T> {
    pub(in crate::nn) fn new(definition: Option<T>) -> Self {
        Self { definition, changes: Vec::new() }
    }

    /// Replaces the definition.
    pub(in crate::nn) fn define(&mut self, definition: Option<T>) {
        self.definition = definition;
    }

    /// Notes a change.
    pub(in crate::nn) fn change(&mut self, change: impl FnOnce(&mut T) + 'static) {
        self.changes.push(Box::new(change));
    }

    /// The changed definition. Without a definition, changes have no effect.
    pub(in crate::nn) fn finish(self) -> Option<T> {
        let mut definition = self.definition?;
        for change in self.changes {
            change(&mut definition);
        }
        Some(definition)
    }
}

/// Declares a quantizer of a builder, a field of [`Keywords`]: a method that replaces its definition, and one per
/// attribute of `$attributes`, with a prefix. `$change` is the name of a method that all of these call.
macro_rules! quantizer_keywords {
    (
        [$($generics:tt)*] $builder:ty;
        $(#[$doc:meta])*
        $quantizer:ident: $definition:ty, $attributes:ident, $prefix:tt, $change:ident
    ) => {
        impl $($generics)* $builder {
            $(#[$doc])*
            pub fn $quantizer(mut self, quant: impl Into<Option<$definition>>) -> Self {
                self.$quantizer.define(quant.into());
                self
            }

            fn $change(mut self, change: impl FnOnce(&mut $definition) + 'static) -> Self {
                self.$quantizer.change(change);
                self
            }
        }

        $attributes! { keywords { [$($generics)*] $builder, $prefix, $change } }
    };
}
pub(in crate::nn) use quantizer_keywords;
