//! Reading files: what operators become, what they compute, and what is refused.

mod computed;
mod evaluate;
mod families;
mod files;
mod meanings;
mod models;
mod operators;
mod passes;
mod provenance;
mod recorded;
mod targets;
