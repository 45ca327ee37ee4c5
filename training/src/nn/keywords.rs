//! A definition on its way into a layer, with the keywords that override it.

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
