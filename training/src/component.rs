//! What layers, quantizers and their components have in common: a name, parts and parameters.
//!
//! Printing a layer's component tree, listing parameters, and burn's visitors and mappers (optimizers, records, stores)
//! all walk these parts. Networks are burn modules made of layers; [`layers`] finds the layers of any of them.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, ModuleVisitor};

use crate::Parameter;
use crate::error::QuantizerBuildError;
use crate::pass::Collection;

/// A part of a network, down to the single component of a quantizer.
pub trait Component: Send + Sync {
    /// The component's name with its constant settings, such as `AbsPercentile(q=99.999)`.
    fn label(&self) -> String;

    /// Parameters and buffers held directly, with the names they have here.
    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        Vec::new()
    }

    /// What makes an export of this component as it stands mean little.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Parts, with the names they have here.
    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        Vec::new()
    }

    /// Told that the statistics of activations collected here, not in a part, start anew or are over.
    fn set_collection(&self, _collection: Collection) {}

    /// Whether the statistics of activations collected here, if there are any, have had a batch.
    fn has_collected(&self) -> bool {
        true
    }

    /// Told that weights were replaced: builds anew what depends on their values.
    ///
    /// # Errors
    ///
    /// If a quantizer cannot be built from them.
    fn weights_replaced(&self) -> Result<(), QuantizerBuildError> {
        Ok(())
    }
}

/// A layer of a network.
#[derive(Clone)]
pub struct Layer {
    /// Names from the network to the layer, joined by dots.
    pub path: String,
    /// Another handle of the layer.
    pub component: Arc<dyn Component>,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layer({}: {})", self.path, self.component.label())
    }
}

/// A parameter or buffer and its path from the root, such as `fc1.weight_quant.tensor_quant.scaling_impl.value`.
#[derive(Clone, Debug)]
pub struct NamedParameter {
    /// Names joined by dots.
    pub path: String,
    /// The handle.
    pub parameter: Parameter,
}

/// The layers of this crate in `network`, which is any burn module, in the order of its fields.
pub fn layers(network: &impl Module) -> Vec<Layer> {
    struct Paths;
    impl ModuleVisitor for Paths {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            on_walk(|walk| walk.path.push(name.to_owned()));
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            on_walk(|walk| {
                walk.path.pop();
            });
        }
    }
    let outer = WALK.replace(Some(Walk::default()));
    network.visit(&mut Paths);
    WALK.replace(outer).map(|walk| walk.found).unwrap_or_default()
}

/// All trainable parameters of the layers of `network`, each once under its first path.
pub fn named_parameters(network: &impl Module) -> Vec<NamedParameter> {
    named(network).into_iter().filter(|named| !named.parameter.is_buffer()).collect()
}

/// All buffers of the layers of `network`, each once under its first path: running averages and what else is saved and
/// never trained.
pub fn named_buffers(network: &impl Module) -> Vec<NamedParameter> {
    named(network).into_iter().filter(|named| named.parameter.is_buffer()).collect()
}

fn named(network: &impl Module) -> Vec<NamedParameter> {
    let mut found = Vec::new();
    for layer in layers(network) {
        let prefix = if layer.path.is_empty() { String::new() } else { format!("{}.", layer.path) };
        collect(&*layer.component, &prefix, &mut found);
    }
    found
}

fn collect(component: &dyn Component, prefix: &str, found: &mut Vec<NamedParameter>) {
    for (name, parameter) in component.parameters() {
        if !found.iter().any(|known| known.parameter.is(parameter)) {
            found.push(NamedParameter { path: format!("{prefix}{name}"), parameter: parameter.clone() });
        }
    }
    for (name, child) in component.children() {
        collect(child, &format!("{prefix}{name}."), found);
    }
}

thread_local! {
    /// A walk of [`layers`] in progress: burn's visitors see parameters alone, so layers report themselves here.
    static WALK: RefCell<Option<Walk>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Walk {
    path: Vec<String>,
    found: Vec<Layer>,
}

fn on_walk(f: impl FnOnce(&mut Walk)) {
    WALK.with_borrow_mut(|walk| walk.as_mut().map(f));
}

/// Shows `component` and all its parts to `f`, each part after what it belongs to.
pub(crate) fn walk<'a>(component: &'a dyn Component, f: &mut impl FnMut(&'a dyn Component)) {
    f(component);
    for (_, child) in component.children() {
        walk(child, f);
    }
}

/// `Module::visit` of a layer.
pub(crate) fn visit<C: Component + Clone + 'static>(layer: &C, visitor: &mut impl ModuleVisitor) {
    on_walk(|walk| {
        walk.found.push(Layer { path: walk.path.join("."), component: Arc::new(layer.clone()) });
    });
    visit_parts(layer, visitor);
}

fn visit_parts(component: &dyn Component, visitor: &mut impl ModuleVisitor) {
    for (name, parameter) in component.parameters() {
        visitor.enter_module(name, CONTAINER);
        parameter.visit(visitor);
        visitor.exit_module(name, CONTAINER);
    }
    for (name, child) in component.children() {
        visitor.enter_module(name, CONTAINER);
        visit_parts(child, visitor);
        visitor.exit_module(name, CONTAINER);
    }
}

/// `Module::map` of a layer.
pub(crate) fn map(component: &dyn Component, mapper: &mut impl ModuleMapper) {
    let mut loaded = false;
    for (name, parameter) in component.parameters() {
        mapper.enter_module(name, CONTAINER);
        loaded |= parameter.map(mapper);
        mapper.exit_module(name, CONTAINER);
    }
    if loaded {
        walk(component, &mut |part| part.set_collection(Collection::End));
    }
    for (name, child) in component.children() {
        mapper.enter_module(name, CONTAINER);
        map(child, mapper);
        mapper.exit_module(name, CONTAINER);
    }
}

/// The container type that burn's visitors are told.
const CONTAINER: &str = "Struct:Component";

/// All parameters and buffers below `component`, shared ones once.
pub(crate) fn parameters_of(component: &dyn Component) -> Vec<Parameter> {
    let mut found = Vec::new();
    collect(component, "", &mut found);
    found.into_iter().map(|named| named.parameter).collect()
}

/// Makes layers burn modules: fields of a `#[derive(Module)]` network, seen by optimizers, records and stores.
///
/// Layers are handles, so a clone, a fork and the `valid` form are the same layer; whether a pass trains is a property
/// of its activations.
macro_rules! burn_module {
    ($([$($generics:tt)*] $layer:ty),* $(,)?) => {$(
        impl<$($generics)*> burn::module::Module for $layer {
            fn collect_devices(&self, mut devices: burn::module::Devices) -> burn::module::Devices {
                for parameter in $crate::component::parameters_of(self) {
                    let device = parameter.device();
                    if !devices.contains(&device) {
                        devices.push(device);
                    }
                }
                devices
            }

            fn fork(self, device: &$crate::backend::Device) -> Self {
                self.to_device(device)
            }

            fn to_device(self, device: &$crate::backend::Device) -> Self {
                $crate::component::parameters_of(&self).iter().for_each(|parameter| parameter.to_device(device));
                self
            }

            fn train(self) -> Self {
                self
            }

            fn valid(&self) -> Self {
                self.clone()
            }

            fn materialize(self) -> Self {
                self
            }

            fn visit<V: burn::module::ModuleVisitor>(&self, visitor: &mut V) {
                $crate::component::visit(self, visitor);
            }

            fn map<M: burn::module::ModuleMapper>(self, mapper: &mut M) -> Self {
                $crate::component::map(&self, mapper);
                self
            }
        }

        impl<$($generics)*> burn::module::ModuleDisplayDefault for $layer {
            fn content(&self, content: burn::module::Content) -> Option<burn::module::Content> {
                content.add_formatted(&$crate::component::Tree(self).to_string()).optional()
            }
        }

        impl<$($generics)*> burn::module::ModuleDisplay for $layer {}

        impl<$($generics)*> std::fmt::Debug for $layer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&$crate::component::Tree(self), f)
            }
        }
    )*};
}
pub(crate) use burn_module;

/// Displays a component as a tree of its parts, one line each.
pub struct Tree<'a>(pub &'a dyn Component);

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn walk(f: &mut fmt::Formatter<'_>, component: &dyn Component, depth: usize) -> fmt::Result {
            for (name, child) in component.children() {
                write!(f, "\n{:indent$}({name}): {}", "", child.label(), indent = 2 * (depth + 1))?;
                walk(f, child, depth + 1)?;
            }
            Ok(())
        }
        f.write_str(&self.0.label())?;
        walk(f, self.0, 0)
    }
}
